"""The load generator itself, against a site on loopback that fails on purpose."""

import http.server
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tools.drills import samples
from tools.drills.load import Load, program
from tools.drills.samples import Sample
from tools.toolchain import cache, golang, pins, process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

from .fakes import steady

pytestmark = pytest.mark.skipif(
    cache.find("bin", golang.digest(pins.LOAD_BUILD)) is None and shutil.which("go") is None,
    reason="the load generator is not compiled yet, and there is no Go to compile it",
)
_RATE = 50
_LIMIT_SECONDS = 60.0


class _Site(http.server.ThreadingHTTPServer):
    """Answers as FeastFlow: if `broken` no first attempt, if `slow` late; `keys` are of all orders."""

    broken = False
    slow = False
    keys: list[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that leaves."""


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Site

    def do_GET(self) -> None:
        if self.server.slow:
            time.sleep(5)
        self._send(HTTPStatus.OK, {})

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        repeated = key in self.server.keys
        self.server.keys.append(key)
        if self.server.broken and not repeated:
            self._send(HTTPStatus.BAD_GATEWAY, {})
        else:
            self._send(HTTPStatus.CREATED, {"number": f"FF-{len(self.server.keys)}", "note": order["note"]})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name upstream
        """Say nothing."""

    def _send(self, status: HTTPStatus, body: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def generator() -> Path:
    return program(Step("load", "compiling it"))


@pytest.fixture
def site() -> Iterator[_Site]:
    server = _Site(("127.0.0.1", 0), _Answer)
    server.keys = []
    thread = threading.Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def _await(what: Callable[[], object]) -> None:
    ends = time.monotonic() + _LIMIT_SECONDS
    while not what():
        assert time.monotonic() < ends, "it never came to be so"
        time.sleep(0.01)


def _hanging(found: list[Sample]) -> int:
    return samples.hanging(found, found[0].due, time.time(), _RATE) if found else 0


def _load(generator: Path, site: _Site) -> Load:
    url = f"http://shop.localhost:{site.server_address[1]}"
    return Load(generator, url=url, rate=_RATE, run="drill-0123")


def test_requests_are_due_at_a_steady_rate_and_orders_say_what_they_are(generator: Path, site: _Site) -> None:
    with _load(generator, site) as load:
        _await(lambda: len(load.seen()) >= _RATE / 2)
        found = sorted(load.stop(), key=lambda each: each.due)

    gaps = [later.due - earlier.due for earlier, later in pairwise(found)]
    assert all(gap == pytest.approx(1 / _RATE, abs=1e-4) for gap in gaps)
    assert {each.kind for each in found} == {"menu", "page", "order"}
    orders = [each for each in found if each.kind == "order"]
    assert all(each.number.startswith("FF-") and each.note.startswith("drill-0123-") for each in orders)
    assert len(set(site.keys)) == len(site.keys) == len(orders)
    assert not any(each.failed for each in found)


def test_an_order_that_failed_is_asked_again_under_its_own_key(generator: Path, site: _Site) -> None:
    site.broken = True
    with _load(generator, site) as load:
        _await(lambda: any(each.kind == "order" for each in load.seen()))
        orders = [each for each in load.stop() if each.kind == "order"]

    assert orders
    assert all((each.first, each.code, each.attempts) == (502, 201, 2) for each in orders)
    assert all(each.failed and not each.failed_for_good and each.total > each.latency for each in orders)
    assert sorted(site.keys) == sorted([each.note for each in orders] * 2)


def test_a_site_that_fails_without_a_drill_is_refused(generator: Path, site: _Site) -> None:
    site.broken = True
    with _load(generator, site) as load:
        _await(lambda: any(each.failed for each in load.seen()))
        with pytest.raises(UserError, match=r"(?s)before the drill began.*, e\.g\. order: 502"):
            load.steady(0)


def test_a_site_that_hangs_without_a_drill_is_refused(generator: Path, site: _Site) -> None:
    site.slow = True
    with _load(generator, site) as load:
        _await(lambda: _hanging(load.seen()) >= 10)
        with pytest.raises(UserError, match=r"\d+ of \d+ .*, \d\d+ more had no answer"):
            load.steady(0)


def test_a_site_that_answers_as_it_is_asked_is_not_refused(
    generator: Path, site: _Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The samples are given: a machine that others keep busy may well have the real ones late.
    now = time.time()
    monkeypatch.setattr(Load, "seen", lambda _: list(steady(now - 3, now, 1 / _RATE)))
    with _load(generator, site) as load:
        load.steady(0)


def test_a_site_where_nothing_listens_fails_and_is_no_defect(generator: Path) -> None:
    load = Load(generator, url="http://127.0.0.1:1", rate=_RATE, run="drill-0123")
    with load:
        _await(load.seen)
        found = load.stop()

    assert found
    assert all(
        each.first == each.code == 0 and "refused" in each.error and each.attempts == 3 for each in found
    )


@pytest.mark.parametrize("url", ["http://example.com", "http://10.0.0.1:80", "http://127.0.0.1.example.com"])
def test_load_is_only_put_on_this_machine(generator: Path, url: str) -> None:
    with pytest.raises(process.CommandError, match="not on loopback"):
        process.output([str(generator), "-url", url, "-run", "drill-0123"], timeout=10)


def test_a_generator_that_ends_by_itself_is_noticed(generator: Path) -> None:
    with Load(generator, url="http://example.com", rate=_RATE, run="drill-0123") as load:
        _await(lambda: load._running().poll() is not None)
        with pytest.raises(UserError, match=r"has ended: .*not on loopback"):
            load.alive()
