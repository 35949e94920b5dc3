"""An edge on loopback with whatever stores are behind it, each by the first word of its host."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

Asked = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer. With `drip` its bytes come one by one, and never end."""

    status: int = 200
    body: bytes = b""
    drip: bool = False


class Edge(ThreadingHTTPServer):
    """A server that answers as `replies` say by host and path, else as Traefik without a route does."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[tuple[str, str], Reply] = {}
        self.asked: list[Asked] = []
        self.sent: list[bytes] = []
        self.over = threading.Event()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: Edge

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        host = str(self.headers["Host"]).partition(".")[0]
        self.server.asked.append({name: values[0] for name, values in parse_qs(parts.query).items()})
        reply = self.server.replies.get((host, parts.path), Reply(status=404, body=b"404 page not found\n"))
        self.send_response(reply.status)
        self.end_headers()
        try:
            while reply.drip and not self.server.over.wait(0.02):
                self.wfile.write(b" ")
                self.wfile.flush()
            self.wfile.write(reply.body)
        except OSError:
            # Whoever asked has gone.
            return

    def do_POST(self) -> None:
        self.server.sent.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Edge]:
    """Serve while the block runs."""
    with Edge() as edge:
        thread = threading.Thread(target=edge.serve_forever, args=[0.01])
        thread.start()
        try:
            yield edge
        finally:
            edge.over.set()
            edge.shutdown()
            thread.join()
