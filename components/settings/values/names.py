"""Names, labels and selectors, derived once from who a workload is.

A selector never holds a version: it cannot be changed after creation, and changing it would replace the
workload. Labels may. A name that follows its content makes an immutable object possible: a change creates a
second object, pods roll over to it, and only then is the first deleted.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

PART_OF = "feastflow"
MANAGED_BY = "pulumi"

BACKEND = "feastflow-backend"
FRONTEND = "feastflow-frontend"
MIGRATIONS = "feastflow-migrations"
ROLES = "feastflow-roles"
JOBS = "feastflow-jobs"
BACKUPS = "feastflow-backups"
PROOFS = "feastflow-proofs"
DATABASE = "postgres"
DATABASE_HEADLESS = "postgres-headless"
# Selects the pod of the replicated engine that leads.
DATABASE_PRIMARY = "cnpg.io/cluster=postgres,cnpg.io/instanceRole=primary"
DATABASE_ADMINISTRATOR = "postgres-administrator"
DATABASE_AUTHORITY = "postgres-authority"
DATABASE_TLS = "postgres-tls"
DATABASE_POLICY = "postgres-network-policy"
# Of the pods that have the database's priority.
DATABASE_TIER = "database"
POOLER = "postgres-pooler"
POOLER_COMPONENT = "pooler"
POOLER_POLICY = "postgres-pooler-network-policy"
FROM_POOLER = "postgres-from-pooler"
FROM_MIGRATIONS = "postgres-from-migrations"
DATABASE_TO_KUBERNETES = "postgres-to-kubernetes"
CONFIG_PREFIX = "feastflow-config"
SECRET_PREFIX = "feastflow-secret"  # noqa: S105 - the start of an object's name, not a secret
# How the names in Pulumi of what keeps the application's own secrets end, before any digest.
OF_APPLICATION = "application-secrets"
EDGE = "feastflow"
OBSERVABILITY = "feastflow-observability"
RULES = "feastflow-rules"
DASHBOARDS = "feastflow-dashboards"
SOLVER = "acme-solver"
RETRY = "feastflow-retry"
RATE_LIMIT = "feastflow-rate-limit"
CERTIFICATE = "feastflow-tls"
# 40 bits: two versions of one object collide once in 10^12, and names stay readable.
_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The identity of a workload: enough to label it, to select it, and to let others reach it.

    `instance` is the namespace, so that two stacks on one cluster never select each other's pods even through
    a query over all namespaces. `selector_override` selects other pods than those that are labelled by it.
    """

    name: str
    component: str
    instance: str
    version: str | None = None
    selector_override: Mapping[str, str] | None = None

    def variant(self, suffix: str, version: str) -> "Identity":
        """Return a variant of the same workload, whose pods this one's selector does not select.

        Without a suffix it is this one, at the version.
        """
        return replace(self, name=joined(self.name, suffix), version=version)

    @property
    def all_variants(self) -> "Identity":
        """Return the identity of all variants' pods: the one for everybody else on the network."""
        tier = {"app.kubernetes.io/instance": self.instance, "component": self.component}
        return replace(self, selector_override=tier)

    @property
    def selector(self) -> dict[str, str]:
        """Return the labels that never change during the workload's life."""
        if self.selector_override is not None:
            return dict(self.selector_override)
        return {
            "app.kubernetes.io/name": self.name,
            "app.kubernetes.io/instance": self.instance,
            "component": self.component,
        }

    @property
    def labels(self) -> dict[str, str]:
        """Return the selector and what describes every object of the workload: the same for all versions."""
        return {
            "app.kubernetes.io/name": self.name,
            "app.kubernetes.io/instance": self.instance,
            "component": self.component,
            "app.kubernetes.io/component": self.component,
            "app.kubernetes.io/part-of": PART_OF,
            "app.kubernetes.io/managed-by": MANAGED_BY,
        }

    @property
    def pod_labels(self) -> dict[str, str]:
        """Return labels of the pods and of what makes them: only these show the version."""
        return {**self.labels, **({"app.kubernetes.io/version": self.version} if self.version else {})}


def hosts(service: str, namespace: str, domain: str) -> list[str]:
    """Return the names by which pods reach a Service in a cluster of this domain, the shortest first."""
    return [
        service,
        f"{service}.{namespace}",
        f"{service}.{namespace}.svc",
        f"{service}.{namespace}.svc.{domain}",
    ]


def outside(client: str) -> str:
    """Return the name of the policy that lets a workload's pods out of the namespace."""
    return f"{client}-to-outside"


def to_collector(client: str) -> str:
    """Return the name of the policy that lets a workload's pods reach the collector of telemetry."""
    return f"{client}-to-collector"


def from_collectors(server: str) -> str:
    """Return the name of the policy that lets collectors read a tier's metrics."""
    return f"collectors-to-{server}"


def to_store(client: str) -> str:
    """Return the name of the policy that lets a workload's pods reach the store of backups."""
    return f"{client}-to-store"


def to_database(client: str) -> str:
    """Return the name of the policy that lets a workload's pods reach the database."""
    return f"{client}-to-{DATABASE}"


def from_edge(server: str) -> str:
    """Return the name of the policy that lets the edge reach a tier's pods."""
    return f"edge-to-{server}"


def joined(*parts: str) -> str:
    """Return a name of these parts, without the empty ones."""
    return "-".join(part for part in parts if part)


def common_labels(instance: str) -> dict[str, str]:
    """Return labels of objects that belong to the whole namespace rather than to one workload."""
    return {
        "app.kubernetes.io/name": PART_OF,
        "app.kubernetes.io/instance": instance,
        "app.kubernetes.io/part-of": PART_OF,
        "app.kubernetes.io/managed-by": MANAGED_BY,
    }


def digest(content: Mapping[str, object] | Sequence[object] | str) -> str:
    """Return ten hex digits of the content's SHA-256; the order of keys does not count."""
    return hashlib.sha256(_canonical(content)).hexdigest()[:_DIGITS]


def keyed_digest(key: str, content: Mapping[str, object]) -> str:
    """Return ten hex digits of an HMAC of secret content.

    A plain hash of a short secret can be found by trying candidates; without the key this one cannot.
    """
    return hmac.new(key.encode(), _canonical(content), hashlib.sha256).hexdigest()[:_DIGITS]


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
