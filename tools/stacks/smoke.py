"""A look at the result as a browser takes it: the page, the API behind it, and the demo's menu.

Asked is what the stack's readiness probes ask, where the edge routes it. The pods' own answers have been
awaited by then; this is about the way to them: where no pod of the API is ready, the ingress controller may
hand its paths to the page.
"""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from components.settings.model.tiers import Backend, Frontend
from tools.stacks import localsettings, workspace
from tools.toolchain.errors import UserError

_SECONDS = 60.0
_LOOPBACK = "127.0.0.1"
# The edge routes what is below it to the API, and everything else to the page.
_API = "/api"
_MENU = "/api/menu"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Paths that must answer as a probe's must; `api` is None where the edge routes no probe to the API.

    With `demo` the API must have a menu, too.
    """

    page: str = "/"
    api: str | None
    demo: bool


def asked(config: workspace.Config, outputs: Mapping[str, Any]) -> Asked:
    """Return what is asked of a stack with these settings and outputs."""
    page = _readiness(config, "frontend", Frontend().probes.readiness)
    api = _readiness(config, "backend", Backend().probes.readiness)
    return Asked(
        page="/" if _is_below_api(page) else page,
        api=api if _is_below_api(api) else None,
        demo=localsettings.is_demo(str((outputs.get("images") or {}).get("backend"))),
    )


def _readiness(config: workspace.Config, tier: str, default: str) -> str:
    probes = workspace.section(config, tier).get("probes")
    return str(probes.get("readiness") or default) if isinstance(probes, Mapping) else default


def _is_below_api(path: str) -> bool:
    return urlsplit(path).path == _API or path.startswith(f"{_API}/")


def check(url: str, what: Asked) -> str:
    """Wait, at most a minute, until the site answers as it should; returns what was seen in a few words."""
    ended = time.monotonic() + _SECONDS
    while True:
        try:
            return _look(url, what)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            if time.monotonic() > ended:
                raise UserError(
                    f"{url} does not answer as it should: {problem}",
                    "everything is deployed, but no customer gets to see it",
                    "look at the pods and the edge: make status",
                ) from problem
        time.sleep(0.5)


def _look(url: str, what: Asked) -> str:
    _answer(url, what.page)
    seen = ["the page"]
    if what.api:
        _answer(url, what.api)
        seen.append("the API")
    if what.demo:
        menu = json.loads(_answer(url, _MENU))
        seen.append(f"{len(menu['items'])} dishes from the database")
    return ", ".join(seen)


def _answer(url: str, path: str) -> str:
    """Return what is answered there, with a status that the kubelet takes for success."""
    status, text = get(url, path)
    if not http.client.OK <= status < http.client.BAD_REQUEST:
        raise ValueError(f"{path} answered {status}")
    return text


def get(url: str, path: str) -> tuple[int, str]:
    """Status and body. Connects to loopback for a name below `.localhost`, which not every resolver knows."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = _LOOPBACK if host.endswith("localhost") else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(address, port, timeout=5, context=_trust(address))
    else:
        connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def _trust(address: str) -> ssl.SSLContext:
    """Every authority that the machine trusts; on loopback, the ingress controller's own certificate too."""
    context = ssl.create_default_context()
    if address == _LOOPBACK:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
