"""A look at the result as a browser takes it: the page, the API behind it, and the menu from the database.

An application that is not the demo need not have `/api/status` and `/api/menu`: 404 is an answer too. The
demo's 404 is not: where no pod of the API is ready, the ingress controller may hand its paths to the page.
"""

import http.client
import json
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from tools.toolchain.errors import UserError

_SECONDS = 60.0
_LOOPBACK = "127.0.0.1"


def check(url: str, *, demo: bool) -> str:
    """Wait, at most a minute, until the site answers as it should; returns what was seen in a few words."""
    ended = time.monotonic() + _SECONDS
    while True:
        try:
            return _look(url, demo=demo)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            if time.monotonic() > ended:
                raise UserError(
                    f"{url} does not answer as it should: {problem}",
                    "everything is deployed, but nobody could order a dish",
                    "look at the pods and the edge: make status",
                ) from problem
        time.sleep(0.5)


def _look(url: str, *, demo: bool) -> str:
    status, _ = get(url, "/")
    if status != http.client.OK:
        raise ValueError(f"/ answered {status}")
    seen = ["the page"]
    health, menu = (_json(url, path, demo=demo) for path in ("/api/status", "/api/menu"))
    if "status" in health:
        seen.append(f"the API ({health['status']})")
    if isinstance(menu.get("items"), list):
        seen.append(f"{len(menu['items'])} dishes from the database")
    return ", ".join(seen)


def _json(url: str, path: str, *, demo: bool) -> dict[str, Any]:
    """What the API says there; empty where it says nothing, or something else than this project's."""
    status, text = get(url, path)
    if status == http.client.NOT_FOUND and not demo:
        return {}
    if status != http.client.OK:
        raise ValueError(f"{path} answered {status}")
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


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
