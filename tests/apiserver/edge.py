"""A fake edge: an answer at the site's address, where no pod serves one.

`make up` ends with a look at the site. What it would see of a real one is proved on a real cluster; here the
look succeeds, so that everything else of `make up` can be proved without containers.
"""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_STATUS = "/api/status"


@dataclass(frozen=True, kw_only=True)
class Edge:
    """Ports of 127.0.0.1 that are answered: `plain` by http, `encrypted` by https."""

    plain: int
    encrypted: int


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer the page, and what the API says of itself."""
        body = json.dumps({"status": "played"} if self.path == _STATUS else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@contextmanager
def answering(certificate: Path, key: Path) -> Iterator[Edge]:
    """Answer every name at two ports that the kernel chose, which are held from then on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(_Site) as plain, serving(_Site, tls=context) as encrypted:
        yield Edge(plain=plain, encrypted=encrypted)


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve at a port that the kernel chose, for the length of the block."""
    site = ThreadingHTTPServer((address, 0), handler)
    if tls is not None:
        site.socket = tls.wrap_socket(site.socket, server_side=True)
    thread = threading.Thread(target=site.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield site.server_port
    finally:
        site.shutdown()
        thread.join()
        site.server_close()
