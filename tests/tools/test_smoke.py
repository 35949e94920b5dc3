"""The smoke check: the answers that a browser would get, awaited for a while and then refused."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.stacks import smoke
from tools.stacks.smoke import Asked
from tools.toolchain.errors import UserError

_DEMO = Asked(api="/api/ready", demo=True)
_BUILT = "localhost/feastflow/backend:0123456789abcdef"
_GOOD = {
    "/": "<title>FeastFlow</title>",
    "/api/ready": "ready",
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
    assert smoke.check(site.url(), _DEMO) == "the page, the API, 2 dishes from the database"


def test_of_another_application_is_asked_what_its_probes_ask_and_no_menu(site: _Site) -> None:
    site.pages = {"/shop": 302, "/api/healthy": 204}

    assert smoke.check(site.url(), Asked(page="/shop", api="/api/healthy", demo=False)) == "the page, the API"


def test_an_api_whose_probe_the_edge_does_not_route_is_not_asked(site: _Site) -> None:
    site.pages = {"/": "<title>Another</title>"}

    assert smoke.check(site.url(), Asked(api=None, demo=False)) == "the page"


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, Asked(page="/", api="/api/ready", demo=False)),
        (
            {
                "backend": {"probes": {"readiness": "/api/live?deep=1"}},
                "frontend": {"probes": {"readiness": "/shop"}},
            },
            Asked(page="/shop", api="/api/live?deep=1", demo=False),
        ),
        ({"backend": {"probes": {"readiness": "/ready"}}}, Asked(api=None, demo=False)),
        ({"backend": {"probes": {"readiness": "/apis"}}}, Asked(api=None, demo=False)),
        ({"backend": {"probes": {"readiness": "/api?of=it"}}}, Asked(api="/api?of=it", demo=False)),
        ({"frontend": {"probes": {"readiness": "/api/page"}}}, Asked(page="/", api="/api/ready", demo=False)),
        ({"backend": {"probes": {"liveness": "/live"}}}, Asked(page="/", api="/api/ready", demo=False)),
    ],
)
def test_what_is_asked_is_what_the_readiness_probes_ask_where_the_edge_routes_it(
    config: dict[str, object], found: Asked
) -> None:
    assert smoke.asked({f"feastflow:{key}": value for key, value in config.items()}, {}) == found


@pytest.mark.parametrize(
    ("image", "demo"),
    [
        (_BUILT, True),
        ("localhost/app/backend:0123456789ab", False),
        (f"{_BUILT}-0123", False),
        ("api:2", False),
    ],
)
def test_the_menu_is_asked_for_where_the_demo_is_what_runs(image: str, demo: bool) -> None:  # noqa: FBT001 - of the table
    assert smoke.asked({}, {"images": {"backend": image}}).demo == demo


def test_a_name_below_localhost_is_asked_for_on_loopback(site: _Site) -> None:
    smoke.check(site.url(), _DEMO)

    assert set(site.hosts) == {site.url().removeprefix("http://")}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/", 404),
        ("/", 502),
        ("/api/ready", 503),
        ("/api/ready", 404),
        ("/api/menu", 500),
        ("/api/menu", 404),
    ],
)
def test_a_site_that_takes_no_orders_is_refused_with_what_was_wrong(
    site: _Site, path: str, status: int
) -> None:
    site.pages[path] = status

    with pytest.raises(UserError, match=f"{path} answered {status}") as caught:
        smoke.check(site.url(), _DEMO)
    assert site.url() in caught.value.found
    assert "make status" in caught.value.fix


def test_a_site_that_is_not_ready_yet_is_awaited(site: _Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_SECONDS", 10.0)
    page = site.pages.pop("/")
    monkeypatch.setattr("time.sleep", lambda _: site.pages.update({"/": page}))

    assert smoke.check(site.url(), _DEMO).startswith("the page")


def test_a_site_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "_SECONDS", 0.0)

    with pytest.raises(UserError, match="Connection refused"):
        smoke.check("http://x.localhost:1", _DEMO)
