"""A look at the result as a browser takes it: the page, the API behind it, and the menu from the database."""

import http.client
import json
import time
from urllib.parse import urlsplit

from toolchain.refusal import Refusal

_SECONDS = 60.0


def check(url: str) -> str:
    """Wait, at most a minute, until the site answers as it should; returns what was seen in a few words."""
    ended = time.monotonic() + _SECONDS
    while True:
        try:
            return _look(url)
        except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as problem:
            if time.monotonic() > ended:
                raise Refusal(
                    f"{url} does not answer as it should: {problem}",
                    "everything is deployed, but nobody could order a dish",
                    "look at the pods and the edge: make status",
                ) from problem
        time.sleep(0.5)


def _look(url: str) -> str:
    status, page = get(url, "/")
    if status != http.client.OK or "FeastFlow" not in page:
        raise ValueError(f"/ answered {status}")
    status, text = get(url, "/api/status")
    if status != http.client.OK:
        raise ValueError(f"/api/status answered {status}")
    status, menu = get(url, "/api/menu")
    if status != http.client.OK:
        raise ValueError(f"/api/menu answered {status}")
    dishes = json.loads(menu)
    count = len(dishes.get("items", dishes) if isinstance(dishes, dict) else dishes)
    return f"the page, the API ({json.loads(text)['status']}) and {count} dishes from the database"


def get(url: str, path: str) -> tuple[int, str]:
    """Status and body. Connects to loopback for a name below `.localhost`, which not every resolver knows."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = "127.0.0.1" if host.endswith("localhost") else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(address, port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": parts.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
