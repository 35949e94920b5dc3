"""The smoke check: the answers that a browser would get, awaited for a while and then refused."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.cli import smoke
from tools.toolchain.refusal import Refusal

_GOOD = {
    "/": "<title>FeastFlow</title>",
    "/api/status": json.dumps({"status": "ok"}),
    "/api/menu": json.dumps({"items": [{"name": "Soup"}, {"name": "Bread"}]}),
}


class _Site(ThreadingHTTPServer):
    """A site on loopback that answers with `pages` and keeps the Host it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pages: dict[str, str | int] = dict(_GOOD)
        self.hosts: list[str | None] = []

    def url(self) -> str:
        return f"http://feastflow-dev.localhost:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: _Site

    def do_GET(self) -> None:
        self.server.hosts.append(self.headers["Host"])
        answer = self.server.pages.get(self.path, 404)
        self.send_response(answer if isinstance(answer, int) else 200)
        self.end_headers()
        self.wfile.write(str(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Site]:
    """Yield the site, asked for only a moment."""
    monkeypatch.setattr(smoke, "_SECONDS", 0.0)
    with _Site() as served:
        thread = threading.Thread(target=served.serve_forever, args=[0.01])
        thread.start()
        yield served
        served.shutdown()
        thread.join()


def test_only_on_loopback_is_an_untrusted_certificate_accepted() -> None:
    assert smoke._trust("127.0.0.1").verify_mode == ssl.CERT_NONE
    assert smoke._trust("127.0.0.2").verify_mode == ssl.CERT_REQUIRED
    assert smoke._trust("shop.example.com").check_hostname


def test_a_site_that_works_is_told_in_a_few_words(site: _Site) -> None:
    assert smoke.check(site.url(), demo=True) == "the page, the API (ok), 2 dishes from the database"


@pytest.mark.parametrize("answer", [404, "<html>", "[]", "{}", '"ok"'])
def test_another_applications_api_need_not_say_what_the_demos_does(site: _Site, answer: str | int) -> None:
    site.pages.update({"/": "<title>Another</title>", "/api/status": answer, "/api/menu": answer})

    assert smoke.check(site.url(), demo=False) == "the page"


def test_a_name_below_localhost_is_asked_for_on_loopback(site: _Site) -> None:
    smoke.check(site.url(), demo=True)

    assert set(site.hosts) == {site.url().removeprefix("http://")}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 404), ("/", 502), ("/api/status", 503), ("/api/status", 404), ("/api/menu", 500)],
)
def test_a_site_that_takes_no_orders_is_refused_with_what_was_wrong(
    site: _Site, path: str, status: int
) -> None:
    site.pages[path] = status

    with pytest.raises(Refusal, match=f"{path} answered {status}") as caught:
        smoke.check(site.url(), demo=True)
    assert site.url() in caught.value.found
    assert "make status" in caught.value.fix


def test_a_site_that_is_not_ready_yet_is_awaited(site: _Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_SECONDS", 10.0)
    page = site.pages.pop("/")
    monkeypatch.setattr("time.sleep", lambda _: site.pages.update({"/": page}))

    assert smoke.check(site.url(), demo=True).startswith("the page")


def test_a_site_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_SECONDS", 0.0)

    with pytest.raises(Refusal, match="Connection refused"):
        smoke.check("http://x.localhost:1", demo=True)
