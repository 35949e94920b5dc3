"""Questions to the API server over one connection: a kubectl for each would take the processor away."""

import base64
import http.client
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

Object = dict[str, Any]

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

    def get(self, path: str) -> Object:
        """The object at a path.

        Raises:
            OSError: when the API server does not answer, or not with success.
        """
        try:
            return self._get(path)
        except (OSError, http.client.HTTPException):
            # A connection that was closed meanwhile.
            self._connection = None
            return self._get(path)

    def items(self, path: str) -> list[Object]:
        """The objects of a list; none where there is no such list."""
        found: list[Object] = self.get(path).get("items", [])
        return found

    def _get(self, path: str) -> Object:
        if self._connection is None:
            self._connection = http.client.HTTPSConnection(
                self._address.hostname or "", self._address.port, timeout=_SECONDS, context=self._trust
            )
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status == http.client.NOT_FOUND:
            return {}
        if answer.status != http.client.OK:
            raise OSError(f"{path} answered {answer.status}")
        found: Object = json.loads(text)
        return found


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
