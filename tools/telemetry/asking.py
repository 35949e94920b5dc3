"""Questions over HTTP to a store that may be absent, slow, or another program: bounded in time and size."""

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from tools.telemetry import plain

SECONDS = 2.0
_MIB = 1 << 20
_MOST_BYTES = 4 * _MIB
_PART = 1 << 16
_WORDS = 400
_LOOPBACK = "127.0.0.1"
# Traefik's own answer where no route leads anywhere.
_NO_ROUTE = b"404 page not found"


class AwayError(Exception):
    """A store that gave no answer to this question, in words."""


class AbsentError(AwayError):
    """An address that nothing is routed to: the stores have never been there, or are deleted."""


class RefusedError(Exception):
    """A question that the store does not take, in its own words."""


class UnknownError(RefusedError):
    """A thing that the store has not."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A body. `whole` says that it was not cut off for its size."""

    body: bytes
    whole: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A store at a base URL. A question takes `seconds` at the most, from connecting to the last byte."""

    url: str
    seconds: float = SECONDS
    most: int = _MOST_BYTES

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """Return what is answered there.

        Raises:
            AwayError: when there is no answer in time, or none of this store.
            RefusedError: when the store does not take the question.
        """
        return self._ask("GET", f"{path}?{urlencode(parameters)}" if parameters else path, None)

    def post(self, path: str, body: bytes) -> Answer:
        """Send a body there; errors are those of `get`."""
        return self._ask("POST", path, body)

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer:
        parts = urlsplit(self.url)
        connection = _connection(parts.scheme, parts.hostname or "", parts.port, self.seconds)
        late = threading.Event()
        bound: threading.Timer | None = None
        try:
            connection.connect()
            # A timeout of the socket begins again with each byte; this one does not.
            bound = threading.Timer(self.seconds, _cut, [connection.sock, late])
            bound.daemon = True
            bound.start()
            connection.request(method, parts.path.rstrip("/") + path, body, {"Host": parts.netloc})
            answer = connection.getresponse()
            found = _read(answer, self.most)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            if late.is_set() or isinstance(problem, TimeoutError):
                raise AwayError(f"no answer within {self.seconds:g} s") from problem
            raise AwayError(_why(problem)) from problem
        finally:
            if bound:
                bound.cancel()
            connection.close()
        if late.is_set():
            raise AwayError(f"no whole answer within {self.seconds:g} s")
        _judge(answer.status, found.body)
        return found


def _judge(status: int, body: bytes) -> None:
    if http.client.OK <= status < http.client.MULTIPLE_CHOICES:
        return
    if status == http.client.NOT_FOUND and body.strip() == _NO_ROUTE:
        raise AbsentError("nothing is routed there")
    if not http.client.BAD_REQUEST <= status < http.client.INTERNAL_SERVER_ERROR:
        raise AwayError(f"it answered {status}")
    words = plain.line(body.decode("utf-8", "replace"), _WORDS) or f"it answered {status}"
    raise (UnknownError if status == http.client.NOT_FOUND else RefusedError)(words)


def _read(answer: http.client.HTTPResponse, most: int) -> Answer:
    found = bytearray()
    while len(found) <= most:
        part = answer.read1(_PART)
        if not part:
            return Answer(body=bytes(found), whole=True)
        found += part
    return Answer(body=bytes(found[:most]), whole=False)


def _connection(scheme: str, host: str, port: int | None, seconds: float) -> http.client.HTTPConnection:
    """Return a connection to loopback for a name below `.localhost`, which not every resolver knows."""
    address = _LOOPBACK if host.endswith("localhost") else host
    if scheme == "https":
        return http.client.HTTPSConnection(
            address, port, timeout=seconds, context=ssl.create_default_context()
        )
    return http.client.HTTPConnection(address, port, timeout=seconds)


def _cut(open_socket: socket.socket, late: threading.Event) -> None:
    late.set()
    with suppress(OSError):
        open_socket.shutdown(socket.SHUT_RDWR)


def _why(problem: Exception) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "nothing listens there"
    return plain.line(str(problem) or type(problem).__name__, _WORDS)
