"""Another user of the API server, who changes objects as `kubectl edit` does, over one connection."""

import copy
import http.client
import json
import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml

from ..server import Server
from .mutations import Mutation

Manifest = dict[str, Any]

NAME = "stranger"
_SECONDS = 30.0
_OF_THE_SERVER = ("managedFields", "resourceVersion", "generation", "creationTimestamp", "uid")


class Stranger:
    """A user of a server, with the rights of the connection and its headers."""

    def __init__(self, connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> None:
        """Speak by this connection."""
        self._connection = connection
        self._headers = headers
        self._resource = cache(self._found)

    @classmethod
    def of(cls, server: Server) -> "Stranger":
        """Connect to a server without nodes as its administrator."""
        address = urlsplit(server.url)
        trust = ssl.create_default_context(cafile=str(server.known.certificate))
        config = yaml.safe_load(server.kubeconfig.read_text(encoding="utf-8"))
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_SECONDS, context=trust
        )
        return cls(connection, {"Authorization": f"Bearer {config['users'][0]['user']['token']}"})

    @classmethod
    def through(cls, port: int) -> "Stranger":
        """Connect to what `kubectl proxy` serves on this port of loopback."""
        return cls(http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS), {})

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

    def change(self, thing: Manifest, mutation: Mutation) -> bool:
        """Change the object; return whether the server took it, so that it is on the object now."""
        live = self.get(thing)
        assert live is not None
        for wanted in mutation.of(live):
            taken = self.put(wanted)
            if taken and bare(taken) != bare(live):
                return True
        return False

    def delete(self, thing: Manifest) -> bool:
        """Delete the object with what depends on it; return True if it is deleted at once."""
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


def bare(thing: Manifest) -> Manifest:
    """Return the object without its status and what the server counts."""
    found = copy.deepcopy(thing)
    for name in _OF_THE_SERVER:
        found["metadata"].pop(name, None)
    found.pop("status", None)
    return found


def _base(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
