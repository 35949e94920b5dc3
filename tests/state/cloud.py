"""AWS on a port of this machine: moto's own server, and a wire to it that can be cut."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tools.state.address import Address, parse

from ..surroundings import free_port

_START_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """A fake AWS; `port` may be a wire's."""

    port: int

    def address(self, bucket: str, prefix: str = "") -> Address:
        """Return a bucket there."""
        options = f"endpoint=127.0.0.1:{self.port}&disableSSL=true&s3ForcePathStyle=true&region=us-east-1"
        found = parse(f"s3://{bucket}/{prefix}?{options}")
        assert found
        return found


@dataclass(kw_only=True)
class Wire:
    """Forwards to a port until it is cut: then nothing gets through, and each try is counted as refused."""

    to: int
    whole: bool = True
    refused: int = 0
    _pairs: list[socket.socket] = field(default_factory=list)
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def port(self) -> int:
        """The near end."""
        port: int = self._listener.getsockname()[1]
        return port

    def cut(self) -> None:
        """Break every connection; new ones are broken at once."""
        self.whole = False
        for end in self._pairs:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def repair(self) -> None:
        """Let connections through again."""
        self.whole = True

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self.whole:
                near.close()
                self.refused += 1
                continue
            far = socket.create_connection(("127.0.0.1", self.to))
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def wire(cloud: Cloud) -> Iterator[Wire]:
    """Yield a wire to the cloud."""
    made = Wire(to=cloud.port)
    threading.Thread(target=made.serve, daemon=True).start()
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def running(log: Path) -> Iterator[Cloud]:
    """Yield a moto server of its own, ended with the block."""
    port = free_port()
    program = Path(sys.prefix) / "bin" / "moto_server"
    with log.open("wb") as sink:
        server = subprocess.Popen(  # noqa: S603 - the environment's own
            [sys.executable, str(program), "-H", "127.0.0.1", "-p", str(port)],
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            _await(port, server, log)
            yield Cloud(port=port)
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _await(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends and server.poll() is None:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).close()
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text("utf-8"))
