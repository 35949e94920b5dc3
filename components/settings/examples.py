"""Examples of every key: the fields' own are accepted, those here are refused; and what an example needs.

docs/configuration.md shows them, and a test tries each as a stack's settings.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from .model.base import model_in
from .model.stack import Stack
from .model.workload import PEM

# By the model that has the key. Each is what could be meant, not only what has the wrong type.
REFUSED: Mapping[str, object] = {
    "Administrator.password": {"secret": "database"},
    "Administrator.user": "DB-Admin",
    "Amounts.cpu": "250Mi",
    "Amounts.memory": "256m",
    "Autoscaling.cpuPercent": 0,
    "Autoscaling.maxReplicas": 101,
    "Autoscaling.memoryPercent": 0,
    "Autoscaling.minReplicas": 0,
    "Autoscaling.requestsMetric": "requests/second",
    "Autoscaling.requestsPerSecond": 0,
    "Autoscaling.scaleDownSeconds": -1,
    "Backup.allowHttp": "never",
    "Backup.cidrs": ["192.0.2.1/24"],
    "Backup.compression": "zip",
    "Backup.destination": "s3://my-backups",
    "Backup.encryption": "SSE-KMS",
    "Backup.endpoint": "http://s3.example.com",
    "Backup.region": "Frankfurt",
    "Backup.retention": "14 days",
    "Backup.schedule": "30 25 * * *",
    "Backend.jobs": {"Report": {"schedule": "30 3 * * *"}},
    "Backend.jwtExpire": "7 days",
    "Backend.poolSize": 0,
    "CaBundle.path": "ca.crt",
    "CaBundle.pem": "/etc/ssl/own.crt",
    "CaBundle.variables": ["1ST_AUTHORITY"],
    "Canary.judge": {"seconds": 5},
    "Canary.weight": 51,
    "Cluster.apiServer": ["0.0.0.0/0"],
    "Cluster.apiServerPorts": [65536],
    "Cluster.deadNodeSeconds": 3601,
    "Cluster.domain": "cluster.local.",
    "Cluster.ipFamilies": ["ipv6"],
    "Cluster.zones": 0,
    "Credentials.idKey": "access/id",
    "Credentials.secretKey": "access/secret",
    "Credentials.secretName": "Backup Store",
    "Credentials.workloadIdentity": {},
    "Database.backup": {"destination": "s3://my-backups/feastflow/prod"},
    "Database.caBundle": {"pem": "/etc/ssl/own.crt"},
    "Database.crashRecoverySeconds": 10,
    "Database.engine": "patroni",
    "Database.external": {"host": "db.example.com"},
    "Database.gid": 0,
    "Database.image": "postgres:14",
    "Database.instances": 0,
    "Database.maxConnections": 9,
    "Database.name": "template1",
    "Database.nodeSelector": {"kubernetes.io/arch": "x86_64"},
    "Database.operatorAccount": "default",
    "Database.operatorNamespace": "CNPG",
    "Database.pooler": {"image": "pgbouncer:1.18.0"},
    "Database.pullSecrets": ["Registry"],
    "Database.restore": {"from": "s3://my-backups/feastflow/prod", "at": "yesterday"},
    "Database.storage": "2GB",
    "Database.storageClass": "Standard",
    "Database.tolerations": [{"key": "node.kubernetes.io/not-ready"}],
    "Database.uid": 0,
    "Database.user": "postgres",
    "Database.version": 14,
    "Edge.attempts": 0,
    "Edge.awaitAddress": "always",
    "Edge.className": "Traefik",
    "Edge.controllerCidrs": ["10.0.0.1/8"],
    "Edge.controllerNamespace": "traefik.system",
    "Edge.host": "https://feastflow.example.com",
    "Edge.listenerPort": 0,
    "Edge.mode": "service",
    "Edge.port": 65536,
    "Edge.rateLimit": {"burst": 100},
    "Egress.cidrs": ["192.0.2.1/24"],
    "Egress.host": "https://api.example.com",
    "Egress.port": 0,
    "ExternalServer.administrator": {"user": "dbadmin"},
    "ExternalServer.ca": "/etc/ssl/own.crt",
    "ExternalServer.cidrs": ["10.20.0.5/24"],
    "ExternalServer.host": "10.20.0.5",
    "ExternalServer.password": {"secret": "database"},
    "ExternalServer.port": 0,
    "ExternalServer.sslMode": "prefer",
    "Frontend.callsBackend": "http://api",
    "Issuer.group": "Cert-Manager",
    "Issuer.kind": "Certificate",
    "Issuer.name": "Let's Encrypt",
    "Job.args": "--all",
    "Job.command": "npm run report",
    "Job.env": {"DB_HOST": "other"},
    "Job.keptFailed": 0,
    "Job.keptSuccessful": 21,
    "Job.resources": {"limits": {"memory": "256Mi"}},
    "Job.retries": 11,
    "Job.schedule": "30 25 * * *",
    "Job.startingSeconds": 5,
    "Job.suspended": "later",
    "Job.timeZone": "Local",
    "Job.timeoutSeconds": 5,
    "Migrations.attempt": 0,
    "Migrations.command": "npm run migrate",
    "Migrations.mode": "always",
    "Migrations.retries": 11,
    "Migrations.timeoutSeconds": 0,
    "Judge.maxErrorPercent": 51,
    "Judge.maxLatencyMs": 0,
    "Judge.seconds": 5,
    "Latency.milliseconds": 0,
    "Latency.percentile": 100,
    "Objective.availability": 100,
    "Objective.windowDays": 1,
    "Observability.enabled": "yes",
    "Observability.monitors": "auto",
    "Observability.namespace": "Monitoring",
    "Observability.objectives": {"database": {"availability": 99.9}},
    "Observability.otlpEndpoint": "collector.observability.svc:4318",
    "Pooler.drainSeconds": -1,
    "Pooler.image": "pgbouncer:1.18.0",
    "Pooler.poolSize": 0,
    "Pooler.replicas": 0,
    "Probes.liveness": "health",
    "Probes.readiness": "ready",
    "Probes.startup": "health",
    "Probes.startupSeconds": 1,
    "RateLimit.burst": 0,
    "RateLimit.proxies": 11,
    "RateLimit.requestsPerSecond": 0,
    "Reference.externalSecret": {"store": "vault"},
    "Reference.key": "smtp/password",
    "Reference.secret": "SMTP",
    "Release.active": "red",
    "Release.canary": {"weight": 60},
    "Release.green": {"image": "registry.example.com/shop/api:latest"},
    "Release.strategy": "bluegreen",
    "Release.timeoutSeconds": 5,
    "Proof.enabled": "weekly",
    "Proof.maxAgeDays": 0,
    "Proof.schedule": "30 25 * * *",
    "Restore.at": "2026-11-28 20:15:00",
    "Restore.from": "my-backups/feastflow",
    "Shutdown.drainSeconds": -1,
    "Shutdown.endpointRemovalSeconds": -1,
    "Shutdown.marginSeconds": -1,
    "Shutdown.preStopCommand": [],
    "Shutdown.proxyIdleSeconds": 86401,
    "Shutdown.shareProcessNamespace": "host",
    "Signatures.images": [],
    "Signatures.issuer": "token.actions.githubusercontent.com",
    "Signatures.subject": "my-team",
    "Signatures.unsigned": "postgres",
    "Stack.environment": "Dev Env",
    "Stack.namespace": "kube-system",
    "Stack.rotation": 0,
    "StoreKey.key": "",
    "StoreKey.kind": "Vault",
    "StoreKey.property": "",
    "StoreKey.store": "Vault",
    "StoreKey.version": "",
    "Tenancy.admissionPolicies": "warn",
    "Tenancy.createNamespace": "never",
    "Tenancy.developers": "system:authenticated",
    "Tenancy.dnsAddresses": ["10.96.0.0/12"],
    "Tenancy.dnsLabels": {"k8s app": "kube-dns"},
    "Tenancy.dnsNamespace": "kube.system",
    "Tenancy.dnsPorts": [],
    "Tenancy.podSecurityVersion": "latest",
    "Tenancy.priorityClasses": "high",
    "Tenancy.protect": "data",
    "Tenancy.signatures": {"images": ["ghcr.io/my-team/**"]},
    "Tenancy.trustedAccounts": ["cert-manager"],
    "Tls.enabled": "https",
    "Tls.issuer": {"kind": "Issuer"},
    "Tls.secretName": "FeastFlow",
    "Toleration.effect": "Evict",
    "Toleration.key": "node-role.kubernetes.io/control-plane",
    "Toleration.operator": "Any",
    "Toleration.tolerationSeconds": -1,
    "Toleration.value": "arm64/v8",
    "Version.args": "--port 5000",
    "Version.command": "node server.js",
    "Version.env": {"NODE_ENV": "test"},
    "Version.image": "registry.example.com/shop/api",
    "Workload.args": "--port 5000",
    "Workload.caBundle": {"pem": "/etc/ssl/own.crt"},
    "Workload.command": [],
    "Workload.egress": [{"host": "10.0.0.1"}],
    "Workload.env": {"PORT": "80"},
    "Workload.envNames": {"DB_PASS": "PGPASSWORD"},
    "Workload.gid": 0,
    "Workload.image": "registry.example.com/shop/api:latest",
    "Workload.metricsPath": "metrics",
    "Workload.nodeSelector": {"kubernetes.io/os": "windows"},
    "Workload.port": 80,
    "Workload.pullSecrets": ["Registry"],
    "Workload.secrets": {"SMTP_PASSWORD": {"secret": "smtp"}},
    "Workload.tolerations": [{"key": "pool", "operator": "Exists", "value": "shop"}],
    "Workload.uid": 0,
    "Workload.writable": [{"path": "tmp"}],
    "WritablePath.path": "/",
    "WritablePath.size": "64m",
}

_BLUE_GREEN = {"release": {"strategy": "blue-green"}}
_CANARY = {"release": {"strategy": "canary"}}
_EVICTED = {"tolerations": [{"effect": "NoExecute"}]}
_EXISTING = {"secret": "smtp", "key": "password"}
_REPLICATED = {"engine": "replicated", "instances": 3}
_BACKED_UP = {
    "backup": {
        "destination": "s3://my-backups/feastflow/again",
        "credentials": {"secretName": "backup-store"},
    }
}
_OF_SECRET = {"backup": {"credentials": {"secretName": "backup-store"}}}
_KEPT = {"secret": "database", "key": "password"}
_EXTERNAL = {"engine": "external", "external": {"host": "db.example.com", "ca": PEM}}
# What the example of a key needs, and those of the keys below it.
NEEDS: Mapping[str, Mapping[str, Any]] = {
    "backend.jobs.NAME": {"backend": {"jobs": {"report": {"command": ["npm", "run", "report"]}}}},
    "cluster.apiServerPorts": {"cluster": {"apiServer": ["10.0.0.1/32"]}},
    "database.backup.credentials.idKey": {"database": _OF_SECRET},
    "database.backup.credentials.secretKey": {"database": _OF_SECRET},
    "database.external": {"database": _EXTERNAL},
    **{
        f"database.external.{key}": {"database": {"external": {"password": _KEPT}}}
        for key in (
            *("host", "port", "cidrs", "sslMode", "ca"),
            *("password.secret", "password.key"),
        )
    },
    **{
        f"database.external.administrator.{key}": {
            "database": {"external": {"administrator": {"password": _KEPT}}}
        }
        for key in ("user", "password.secret", "password.key")
    },
    "database.instances": {"database": _REPLICATED},
    "database.restore": {"database": _BACKED_UP},
    "database.operatorAccount": {"database": _REPLICATED},
    "database.tolerations[].tolerationSeconds": {"database": _EVICTED},
    "database.pooler.resources.requests.memory": {
        "database": {"pooler": {"resources": {"limits": {"memory": "256Mi"}}}}
    },
    "database.resources.limits.memory": {
        "database": {"resources": {"requests": {"memory": "256Mi"}}},
        "backend": {"poolSize": 1, "autoscaling": {"maxReplicas": 3}},
    },
    "edge.listenerPort": {"edge": {"mode": "gateway"}},
    "edge.tls": {"edge": {"tls": {"enabled": True}}},
    "edge.tls.enabled": {"edge": {"tls": {"secretName": "feastflow-tls"}}},
    # An Ingress divides by pods, and the default tiers have no room for nine of them to one.
    **{
        f"{tier}.release.canary": {tier: _CANARY, "edge": {"mode": "gateway"}}
        for tier in ("backend", "frontend")
    },
    **{
        f"{tier}.{key}": {tier: needs}
        for tier in ("backend", "frontend")
        for key, needs in (
            ("release.active", _BLUE_GREEN),
            ("release.green", _BLUE_GREEN),
            ("secrets.NAME.key", {"secrets": {"SMTP_PASSWORD": _EXISTING}}),
            ("secrets.NAME.secret", {"secrets": {"SMTP_PASSWORD": _EXISTING}}),
            ("tolerations[].tolerationSeconds", _EVICTED),
        )
    },
}
# What stands for NAME, by the key that it is below.
_NAMES = {"jobs": "report", "objectives": "backend", "secrets": "SMTP_PASSWORD"}


def refused(model: type[BaseModel], key: str) -> object:
    """Return the refused example of a model's key, or that of another model's key of the same name."""
    owners = [f"{owner.__name__}.{key}" for owner in model.__mro__]
    alike = [name for name in REFUSED if name.endswith(f".{key}")]
    return next(REFUSED[name] for name in (*owners, *alike) if name in REFUSED)


def needed(key: str) -> dict[str, Any]:
    """Return what a key's example needs, as sections of a stack."""
    found: dict[str, Any] = {}
    for other, needs in NEEDS.items():
        if key == other or key.startswith((f"{other}.", f"{other}[]")):
            found = _merged(found, needs)
    return found


def sections(key: str, value: object) -> dict[str, Any]:
    """Return a stack's settings, without prefixes, in which the key has the value and the rest fits to it."""
    found: dict[str, Any] = _merged(needed(key), _filled(Stack, key.split("."), value, whole=True))
    return found


def name_of(key: str) -> str:
    """Return the key as a refusal calls it: with the example's name, and the first of a list."""
    for above, name in _NAMES.items():
        key = key.replace(f"{above}.NAME", f"{above}.{name}")
    return key.replace("[]", "[0]")


def _filled(model: type[BaseModel], parts: list[str], value: object, *, whole: bool) -> dict[str, Any]:
    """Return the model's settings with the value at its place; `whole`: with all that it requires."""
    found = dict(_required(model)) if whole else {}
    if not parts:
        return found
    name = parts[0].removesuffix("[]")
    field = next(each for each in model.model_fields.values() if each.alias == name)
    if len(parts) == 1:
        return {**found, name: value}
    below = model_in(field.annotation)
    if below is None:
        raise KeyError(".".join(parts))
    within = whole if field.is_required() else not isinstance(field.get_default(), BaseModel)
    if parts[1] == "NAME":
        return {**found, name: {_NAMES[name]: _filled(below, parts[2:], value, whole=within)}}
    inner = _filled(below, parts[1:], value, whole=within)
    return {**found, name: [inner] if parts[0].endswith("[]") else inner}


def _required(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    for field in model.model_fields.values():
        if field.is_required() and field.alias:
            below = model_in(field.annotation)
            yield (
                field.alias,
                field.examples[0] if field.examples else dict(_required(below)) if below else None,
            )


def _merged(first: Any, second: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return both as one; where both say something, what the second says."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        both = {key: _merged(first[key], second[key]) for key in first.keys() & second.keys()}
        return {**first, **second, **both}
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [_merged(one, other) for one, other in zip(first, second, strict=True)]
    return second
