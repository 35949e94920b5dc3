"""Requests of service accounts, from a server's audit log, and the rights that they took.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from tools.delivery.rights import Right

# Reviews of one's own rights, which every user may request.
_OPEN = "authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request for objects; `namespace` and `name` are empty where it names none."""

    group: str
    resource: str
    verb: str
    namespace: str
    name: str
    refused: bool

    def is_allowed_by(self, right: Right) -> bool:
        """Return True if RBAC allows the request by this right, in the right's own scope."""
        return (
            (right.group, right.resource, right.verb) == (self.group, self.resource, self.verb)
            # A list has no name, so that a right to some names never allows it.
            and (not right.names or self.name in right.names)
        )


def read(log: Path, account: str) -> set[Asked]:
    """Return what the service account asked; an object that was applied and not there was created, too."""
    user = f"system:serviceaccount:{account.replace('/', ':')}"
    events = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    return {asked for event in events if event["user"]["username"] == user for asked in _of(event)}


def is_allowed(asked: Asked, within: Iterable[Right], everywhere: Iterable[Right], namespace: str) -> bool:
    """Return True if a Role with `within` in the namespace, or a ClusterRole with `everywhere`, allows it."""
    return any(map(asked.is_allowed_by, everywhere)) or (
        asked.namespace == namespace and any(map(asked.is_allowed_by, within))
    )


def _of(event: dict) -> Iterator[Asked]:  # type: ignore[type-arg] # JSON
    where = event.get("objectRef") or {}
    if not where.get("resource") or where.get("apiGroup") == _OPEN:
        return
    code = event["responseStatus"]["code"]
    part = f"/{where['subresource']}" if where.get("subresource") else ""
    verbs = [event["verb"]]
    if verbs == ["patch"] and code == HTTPStatus.CREATED:
        verbs.append("create")
    for verb in verbs:
        yield Asked(
            group=where.get("apiGroup", ""),
            resource=f"{where['resource']}{part}",
            verb=verb,
            namespace=where.get("namespace", ""),
            name=where.get("name", ""),
            refused=code == HTTPStatus.FORBIDDEN,
        )
