"""The store's access key: drawn once, kept in its own namespace, given to the namespaces of stacks."""

import base64
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

from tools.stacks import workspace
from tools.stacks.workspace import Config
from tools.store import manifests
from tools.toolchain.kubectl import Kubectl
from tools.toolchain.process import CommandError

_PAUSE = 1.0


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


@contextmanager
def offered(client: Kubectl, config: Config) -> Iterator[None]:
    """Give the key to a stack's namespace as soon as it is there, while the block runs.

    An update that makes the namespace waits for it. A Secret of that name is left as it is; nothing is given
    where the cluster has no store, or the stack is backed up to another one.
    """
    backup = workspace.section(config, "database").get("backup") or {}
    namespace = str(config["feastflow:namespace"])
    key = known(client) if backup.get("endpoint") == manifests.ENDPOINT else None
    if key is None:
        yield
        return
    over = Event()

    def look() -> None:
        while not over.is_set():
            # What keeps the API server from answering is the update's to tell.
            with suppress(CommandError):
                if _has(client, namespace) or give(client, namespace, key):
                    return
            over.wait(_PAUSE)

    giver = Thread(target=look, daemon=True)
    giver.start()
    try:
        yield
    finally:
        over.set()
        giver.join()


def _has(client: Kubectl, namespace: str) -> bool:
    words = ("get", "secret", manifests.SECRET, "--ignore-not-found", "--output", "name")
    return bool(client.within(namespace).output(*words).strip())


def apply(client: Kubectl, *objects: Mapping[str, Any]) -> None:
    """Apply objects on the server's side, whichever fields others have."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    client.output("apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=text)
