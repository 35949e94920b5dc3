"""Another user of the API server, who changes objects as `kubectl edit` does, over one connection."""

import http.client
import json
import ssl
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml

from ..server import Server

Manifest = dict[str, Any]

NAME = "stranger"
_SECONDS = 30.0


class Stranger:
    """A user of a server that may do everything."""

    def __init__(self, server: Server) -> None:
        """Connect as the server's administrator."""
        address = urlsplit(server.url)
        trust = ssl.create_default_context(cafile=str(server.known.certificate))
        config = yaml.safe_load(server.kubeconfig.read_text(encoding="utf-8"))
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_SECONDS, context=trust
        )
        self._resource = cache(self._found)

    def get(self, thing: Manifest) -> Manifest | None:
        """Return the object of this kind and name as it is; None where there is none."""
        code, found = self._ask("GET", self._path(thing))
        return found if code == http.client.OK else None

    def put(self, thing: Manifest) -> Manifest | None:
        """Put the object in the place of the one that is there; None where the server refuses it."""
        code, found = self._ask("PUT", f"{self._path(thing)}?fieldManager={NAME}", thing)
        return found if code == http.client.OK else None

    def apply(self, thing: Manifest, manager: str) -> None:
        """Apply the object server-side, as the provider does in this field manager's name."""
        path = f"{self._path(thing)}?fieldManager={manager}&force=true"
        code, found = self._ask("PATCH", path, thing, "application/apply-patch+yaml")
        assert code in (http.client.OK, http.client.CREATED), found

    def delete(self, thing: Manifest) -> bool:
        """Delete the object with what depends on it; returns whether it is gone at once."""
        self._ask("DELETE", self._path(thing), {"propagationPolicy": "Background"})
        return self.get(thing) is None

    def _path(self, thing: Manifest) -> str:
        plural, namespaced = self._resource(thing["apiVersion"], thing["kind"])
        metadata = thing["metadata"]
        within = f"/namespaces/{metadata['namespace']}" if namespaced else ""
        return f"{_base(thing['apiVersion'])}{within}/{plural}/{metadata['name']}"

    def _found(self, version: str, kind: str) -> tuple[str, bool]:
        _, listed = self._ask("GET", _base(version))
        (found,) = (each for each in listed["resources"] if each["kind"] == kind and "/" not in each["name"])
        return found["name"], found["namespaced"]

    def _ask(
        self, verb: str, path: str, body: Manifest | None = None, kind: str = "application/json"
    ) -> tuple[int, Manifest]:
        text = json.dumps(body) if body is not None else None
        self._connection.request(verb, path, text, {**self._headers, "Content-Type": kind})
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


def _base(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
