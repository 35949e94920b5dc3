"""The store's access key: drawn once, kept in its own namespace, given to the namespaces of stacks."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from tools.store import manifests
from tools.toolchain.kubectl import Kubectl


def drawn() -> dict[str, str]:
    """Return a new key, by the names of its parts in the Secret."""
    return {manifests.ID: secrets.token_hex(10).upper(), manifests.KEY: secrets.token_hex(20)}


def known(client: Kubectl) -> dict[str, str] | None:
    """Return the key that the store has; its pod would refuse another one until it is started again."""
    words = ("get", "secret", manifests.SECRET, "--output", "json", "--ignore-not-found")
    text = client.within(manifests.NAMESPACE).output(*words)
    if not text.strip():
        return None
    return {name: base64.b64decode(value).decode() for name, value in json.loads(text)["data"].items()}


def give(client: Kubectl, namespace: str, key: Mapping[str, str]) -> bool:
    """Have the key in a namespace; returns whether there is such a namespace, that stays."""
    words = ("get", "namespace", namespace, "--ignore-not-found", "--output", "jsonpath={.status.phase}")
    if client.output(*words).strip() != "Active":
        return False
    apply(client, manifests.secret(namespace, key))
    return True


def apply(client: Kubectl, *objects: Mapping[str, Any]) -> None:
    """Apply objects on the server's side, whichever fields others have."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    client.output("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=text)
