"""A FeastFlow that can be adopted: what a stack would apply, and the same objects as a cluster has them."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from tools.cli import adoption
from tools.cli.adopted_objects import Live, Manifest
from tools.cli.adopted_server import Seen
from tools.cli.adoption import Adoption

OWNER = "feastflow.pulumi.com/owner"
_SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "postgres"}}
_ENDED = {"conditions": [{"type": "Complete", "status": "True"}]}
_NAMES = {"DB_NAME": "orders", "DB_OWNER": "cook"}
# As the backend's own Job names it.
_ELSEWHERE = [{"name": "DB_NAME", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "DB_NAME"}}}]
# What the running server of `live` says.
SEEN = Seen(
    directory="/data/pgdata",
    major=15,
    uid=26,
    databases={"orders": "cook", "postgres": "postgres"},
    superusers=("postgres",),
)

Change = Callable[[dict[str, Manifest]], object]


def thing(kind: str, name: str, **content: Any) -> Manifest:
    """Return an object in the namespace `shop`."""
    metadata = {"name": name} if kind == "Namespace" else {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}


def stack() -> list[Manifest]:
    """Return what the stack would apply."""
    pod = {
        "securityContext": {"runAsUser": 26},
        "containers": [
            {
                "name": "postgres",
                "image": "registry.example.com/postgres:15.14",
                "env": [
                    {"name": "PGDATA", "value": "/data/pgdata"},
                    *({"name": name, "value": value} for name, value in _NAMES.items()),
                ],
                "volumeMounts": [
                    {"name": "run", "mountPath": "/var/run/postgresql"},
                    {"name": "data", "mountPath": "/data"},
                ],
            }
        ],
        "volumes": [
            {"name": "run", "emptyDir": {}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "postgres-data"}},
        ],
    }
    env = [{"name": "DB_NAME", "value": "orders"}, {"name": "DB_LOGIN", "value": "cook_a"}]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    server = {"replicas": 1, "selector": _SELECTOR, "serviceName": "p", "template": {"spec": pod}}
    return [
        thing("Namespace", "shop"),
        thing("PersistentVolumeClaim", "postgres-data", spec=claim),
        thing("StatefulSet", "postgres", spec=server),
        thing("Deployment", "api", spec={"selector": {"matchLabels": {"a": "b"}}}),
        thing("Job", "grant", spec={"template": {"spec": {"containers": [{"name": "grant", "env": env}]}}}),
        thing(
            "Job", "migrate", spec={"template": {"spec": {"containers": [{"name": "m", "env": _ELSEWHERE}]}}}
        ),
    ]


def live(change: Change = lambda _: None) -> Live:
    """Return the first object of each kind as a cluster has it; `change` is given them by kind."""
    by_kind = {each["kind"]: copy.deepcopy(each) for each in reversed(stack())}
    by_kind["PersistentVolumeClaim"]["spec"].update(storageClassName="standard", volumeName="pv-1")
    by_kind["PersistentVolumeClaim"]["status"] = {"phase": "Bound"}
    by_kind["Job"]["status"] = _ENDED
    change(by_kind)
    return {(each["kind"], each["metadata"]["name"]): each for each in by_kind.values()}


def pod(there: dict[str, Manifest]) -> dict[str, Any]:
    """Return the pod of the server among objects by kind."""
    found: dict[str, Any] = there["StatefulSet"]["spec"]["template"]["spec"]
    return found


def container(there: dict[str, Manifest]) -> dict[str, Any]:
    """Return the server's container among objects by kind."""
    found: dict[str, Any] = pod(there)["containers"][0]
    return found


def adopting(
    owner: str = "", wanted: list[Manifest] | None = None, config: Mapping[str, Any] | None = None
) -> Adoption:
    """Return an adoption by the stack dev, whose state gives it the owner; `config` are further settings."""
    settings = {"feastflow:namespace": "shop", **(config or {})}
    chosen = stack() if wanted is None else wanted
    return Adoption(stack="dev", owner=owner, config=settings, kubectl="kubectl --context c", wanted=chosen)


def check(change: Change = lambda _: None, seen: Seen = SEEN, adopted: Adoption | None = None) -> None:
    """Check what is there after the change."""
    adoption.check(adopted or adopting(), live(change), seen)
