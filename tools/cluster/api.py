"""Questions to the API server over one connection: a kubectl for each would take the processor away."""

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

Object = dict[str, Any]

# Where the kinds are that are asked for by name.
_GROUPS = {
    "pods": "/api/v1",
    "nodes": "/api/v1",
    "persistentvolumes": "/api/v1",
    "persistentvolumeclaims": "/api/v1",
    "deployments": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "horizontalpodautoscalers": "/apis/autoscaling/v2",
    "endpointslices": "/apis/discovery.k8s.io/v1",
    "clusters": "/apis/postgresql.cnpg.io/v1",
}
_OF_THE_CLUSTER = ("nodes", "persistentvolumes")
_SECONDS = 5.0


class Api:
    """The API server of a kubeconfig that holds one cluster and one user's certificate."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read whom to ask, and with which certificate; nothing is asked yet."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._address = urlsplit(cluster["server"])
        self._trust = ssl.create_default_context(cadata=_text(cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(_text(user["client-certificate-data"]) + _text(user["client-key-data"]))
            file.flush()
            self._trust.load_cert_chain(file.name)
        self._connection: http.client.HTTPSConnection | None = None

    def one(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one object; `kind` is a plural, as in `pods`.

        Raises:
            LookupError: when there is none of that name.
            OSError: when the API server does not answer, or not with success.
        """
        found = self._asked(f"{_path(kind, namespace)}/{name}")
        if found is None:
            raise LookupError(f"there is no {name} among the {kind} of {namespace or 'the cluster'}")
        return found

    def all(
        self, kind: str, namespace: str | None = None, *, labels: str = "", fields: str = ""
    ) -> list[Object]:
        """Return the objects of a kind, each with its kind; of all namespaces where none is named.

        `labels` and `fields` are selectors. None where the API server does not know the kind.

        Raises:
            OSError: when the API server does not answer, or not with success.
        """
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = urlencode({name: value for name, value in selectors.items() if value})
        found = self._asked(_path(kind, namespace) + (f"?{query}" if query else ""))
        if found is None:
            return []
        each_of = str(found["kind"]).removesuffix("List")
        return [{**each, "kind": each_of} for each in found["items"]]

    def raw(self, path: str) -> Object:
        """Return the answer at a path.

        Raises:
            LookupError: when there is nothing.
            OSError: when the API server does not answer, or not with success.
        """
        found = self._asked(path)
        if found is None:
            raise LookupError(f"there is nothing at {path}")
        return found

    def _asked(self, path: str) -> Object | None:
        try:
            try:
                return self._get(path)
            except (OSError, http.client.HTTPException):
                # A connection that was closed meanwhile.
                self._connection = None
                return self._get(path)
        except http.client.HTTPException as broken:
            self._connection = None
            raise OSError(f"{path} was not answered: {broken!r}") from broken

    def _get(self, path: str) -> Object | None:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                self._address.hostname or "", self._address.port, timeout=_SECONDS, context=self._trust
            )
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status == http.client.NOT_FOUND:
            return None
        if answer.status != http.client.OK:
            raise OSError(f"{path} answered {answer.status}")
        found: Object = json.loads(text)
        return found


def _path(kind: str, namespace: str | None) -> str:
    within = f"/namespaces/{namespace}" if namespace and kind not in _OF_THE_CLUSTER else ""
    return f"{_GROUPS[kind]}{within}/{kind}"


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
