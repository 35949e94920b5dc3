"""The matrix: for each rule what it allows, denies, leaves to others, and cannot read.

One change of an object that keeps every rule makes a case. The pack and the API server both judge every case.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from policies.rule import Rule
from policies.rules import RULES
from policies.vocabulary import Subject

from .manifests import BASES, DELETE, Manifest, changed

Change = dict[str, Any]


class Verdict(StrEnum):
    """What a case shows. What is null must be judged as if it were missing."""

    ALLOWED = "allowed"
    DENIED = "denied"
    IRRELEVANT = "irrelevant"
    WRONG_TYPE = "wrong"
    HUGE = "huge"
    NULL = "null"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An object, and what the rule says of it."""

    id: str
    rule: str
    verdict: Verdict
    manifest: Manifest


@dataclass(frozen=True, kw_only=True)
class About:
    """How to make a rule's cases: the field that decides, and what it allows and denies there.

    `wrong` is a value of a type that the field cannot have, `huge` one that is beyond every
    number. `beside` goes with what cannot be read, so that only the field decides.
    """

    kind: str
    field: str
    allowed: tuple[Change, ...]
    denied: tuple[Change, ...]
    wrong: Any = "text"
    huge: Any = 10**30
    beside: Change = dataclasses.field(default_factory=dict)


def _at(field: str, *values: Any) -> tuple[Change, ...]:
    return tuple({field: value} for value in values)


def _probe(seconds: int, failures: int, **more: Any) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/", "port": "http"},
        "periodSeconds": seconds,
        "failureThreshold": failures,
        **more,
    }


def _container(name: str) -> str:
    return f"container/securityContext/{name}"


def _pod(name: str) -> str:
    return f"pod/securityContext/{name}"


_SIDECAR = {"init/restartPolicy": "Always", "init/ports": [{"containerPort": 9000}]}
_MEMORY = "container/resources/{}/memory"
_DIGEST = "sha256:" + "0123456789abcdef" * 4

ABOUT: dict[str, About] = {
    "probe-liveness": About(
        kind="Deployment",
        field="container/livenessProbe",
        allowed=(
            {"container/livenessProbe": {"exec": {"command": ["alive"]}}},
            {"container/ports": DELETE}
            | {
                f"container/{probe}Probe": {"exec": {"command": [probe]}}
                for probe in ("liveness", "readiness", "startup")
            },
        ),
        denied=(
            *_at("container/livenessProbe", DELETE),
            {**_SIDECAR, "init/readinessProbe": {"exec": {"command": ["x"]}}},
        ),
    ),
    "probe-readiness": About(
        kind="StatefulSet",
        field="container/readinessProbe",
        allowed=_at("container/readinessProbe", {"tcpSocket": {"port": 8080}}),
        denied=(
            *_at("container/readinessProbe", DELETE),
            {**_SIDECAR, "init/livenessProbe": {"exec": {"command": ["x"]}}},
        ),
    ),
    "probe-startup": About(
        kind="Deployment",
        field="container/startupProbe",
        allowed=(
            {"container/startupProbe": DELETE, "container/livenessProbe": _probe(10, 3)},
            {
                "container/startupProbe": DELETE,
                "container/livenessProbe": _probe(5, 4, initialDelaySeconds=10),
            },
        ),
        denied=(
            *_at("container/startupProbe", DELETE),
            {
                "container/startupProbe": DELETE,
                "container/livenessProbe": _probe(9, 3, initialDelaySeconds=2),
            },
        ),
    ),
    "probes-differ": About(
        kind="Deployment",
        field="container/livenessProbe",
        allowed=_at(
            "container/livenessProbe",
            _probe(5, 3),
            {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 1},
            {"exec": {"command": ["alive"]}, "failureThreshold": 1},
        ),
        denied=(
            *_at(
                "container/livenessProbe",
                _probe(5, 2),
                _probe(1, 1),
                {"httpGet": {"port": "http"}, "failureThreshold": 1},
            ),
            {f"container/{probe}Probe": {"tcpSocket": {"port": 8080}} for probe in ("liveness", "readiness")},
            {f"container/{probe}Probe": {"exec": {"command": ["ok"]}} for probe in ("liveness", "readiness")},
            {f"container/{probe}Probe": {"grpc": {"port": 8080}} for probe in ("liveness", "readiness")},
        ),
    ),
    "probe-port": About(
        kind="Deployment",
        field="container/readinessProbe/httpGet/port",
        allowed=_at("container/readinessProbe/httpGet/port", "http", 8080),
        denied=(
            *_at("container/readinessProbe/httpGet/port", "metrics", 8081),
            {"container/startupProbe": {"tcpSocket": {"port": 9}}},
            {"container/livenessProbe": {"grpc": {"port": 9}}},
        ),
        wrong={"number": 8080},
    ),
    "resource-limits": About(
        kind="Deployment",
        field="container/resources/limits",
        allowed=_at(_MEMORY.format("limits"), "1Gi", "128M", "1e9", "134217728"),
        denied=(
            *_at("container/resources/limits", DELETE, {}),
            *(
                {f"container/resources/limits/{name}": DELETE}
                for name in ("cpu", "memory", "ephemeral-storage")
            ),
            {"init/resources": {"requests": {"cpu": "1m", "memory": "1Mi", "ephemeral-storage": "1Mi"}}},
            {"container/resources/limits/cpu": "0", "container/resources/requests/cpu": "0"},
        ),
    ),
    "resource-requests": About(
        kind="StatefulSet",
        field="container/resources/requests",
        allowed=_at("container/resources/requests/cpu", "1", "0.5", "500m", "1n", 1),
        denied=(
            *_at("container/resources/requests", DELETE, {}),
            *(
                {f"container/resources/requests/{name}": DELETE}
                for name in ("cpu", "memory", "ephemeral-storage")
            ),
            {"init/resources/requests/cpu": "0"},
        ),
    ),
    "resource-request-within-limit": About(
        kind="Deployment",
        field=_MEMORY.format("requests"),
        allowed=_at(_MEMORY.format("requests"), "128Mi", "134217728", "134217.728k", "1e8"),
        denied=_at(_MEMORY.format("requests"), "129Mi", "134217729", "1E", "999999999999Ki"),
        wrong=["128Mi"],
    ),
    "volume-size": About(
        kind="Deployment",
        field="pod/volumes/0/emptyDir/sizeLimit",
        allowed=(
            *_at("pod/volumes/0/emptyDir/sizeLimit", "1Gi"),
            {"pod/volumes/0": {"name": "tmp", "secret": {"secretName": "web-1"}}},
        ),
        denied=(
            *_at("pod/volumes/0/emptyDir/sizeLimit", DELETE, "0"),
            {"pod/volumes/0/emptyDir": {"medium": "Memory"}},
        ),
        wrong={"size": 1},
        # Kubernetes caps what is too large, unless nothing can be.
        huge="9" * 100_000 + "Zi",
    ),
    "host-namespaces": About(
        kind="Deployment",
        field="pod/hostNetwork",
        allowed=_at("pod/hostNetwork", False),
        denied=_at("pod/hostPID", True)
        + _at("pod/hostIPC", True)
        + ({"pod/hostNetwork": True, "container/ports/0/hostPort": DELETE},),
    ),
    "privileged": About(
        kind="Deployment",
        field=_container("privileged"),
        allowed=_at(_container("privileged"), False, DELETE),
        denied=({_container("privileged"): True, _container("allowPrivilegeEscalation"): DELETE},),
    ),
    "privilege-escalation": About(
        kind="Deployment",
        field=_container("allowPrivilegeEscalation"),
        allowed=_at(_container("allowPrivilegeEscalation"), False),
        denied=(
            *_at(_container("allowPrivilegeEscalation"), True, DELETE),
            {"init/securityContext/allowPrivilegeEscalation": True},
        ),
    ),
    "capabilities": About(
        kind="Deployment",
        field=_container("capabilities"),
        allowed=_at(
            _container("capabilities"),
            {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            {"drop": ["CHOWN", "ALL"]},
        ),
        denied=_at(
            _container("capabilities"),
            DELETE,
            {"drop": ["CHOWN"]},
            {"drop": ["ALL"], "add": ["SYS_ADMIN"]},
            {"drop": ["all"]},
        ),
    ),
    "volume-types": About(
        kind="Deployment",
        field="pod/volumes",
        beside={"container/volumeMounts": DELETE, "init/volumeMounts": DELETE},
        allowed=_at(
            "pod/volumes/0",
            {"name": "tmp", "configMap": {"name": "web"}},
            {"name": "tmp", "persistentVolumeClaim": {"claimName": "web"}},
            {"name": "tmp", "projected": {"sources": [{"secret": {"name": "web"}}]}},
        ),
        denied=_at(
            "pod/volumes/0",
            {"name": "tmp", "hostPath": {"path": "/"}},
            {"name": "tmp", "nfs": {"server": "192.0.2.1", "path": "/"}},
        ),
    ),
    "host-ports": About(
        kind="Deployment",
        field="container/ports/0/hostPort",
        allowed=_at("container/ports/0/hostPort", 0),
        denied=_at("container/ports/0/hostPort", 8080),
    ),
    "host-probes": About(
        kind="Deployment",
        field="container/readinessProbe/httpGet/host",
        allowed=_at("container/readinessProbe/httpGet/host", ""),
        denied=(
            *_at("container/readinessProbe/httpGet/host", "192.0.2.1"),
            {"container/lifecycle/postStart": {"httpGet": {"host": "192.0.2.1", "port": "http"}}},
            {"container/startupProbe": {"tcpSocket": {"host": "192.0.2.1", "port": 8080}}},
        ),
        wrong=["192.0.2.1"],
    ),
    "apparmor": About(
        kind="Deployment",
        field=_pod("appArmorProfile"),
        allowed=(
            *_at(
                _pod("appArmorProfile"),
                {"type": "RuntimeDefault"},
                {"type": "Localhost", "localhostProfile": "web"},
            ),
            *_at(_container("appArmorProfile"), {"type": "RuntimeDefault"}),
        ),
        denied=(
            *_at(_pod("appArmorProfile"), {"type": "Unconfined"}),
            *_at(_container("appArmorProfile"), {"type": "Unconfined"}),
        ),
    ),
    "selinux": About(
        kind="Deployment",
        field=_pod("seLinuxOptions"),
        allowed=_at(_pod("seLinuxOptions"), {"type": "container_t", "level": "s0:c1"}),
        denied=(
            *_at(_pod("seLinuxOptions"), {"type": "spc_t"}, {"user": "root"}),
            *_at(_container("seLinuxOptions"), {"role": "sysadm_r"}),
        ),
    ),
    "proc-mount": About(
        kind="Deployment",
        field=_container("procMount"),
        allowed=_at(_container("procMount"), "Default"),
        denied=({_container("procMount"): "Unmasked", "pod/hostUsers": False},),
        wrong=["Default"],
    ),
    "seccomp": About(
        kind="Deployment",
        field=_pod("seccompProfile"),
        allowed=(
            *_at(_pod("seccompProfile"), {"type": "Localhost", "localhostProfile": "web.json"}),
            {
                _pod("seccompProfile"): DELETE,
                _container("seccompProfile"): {"type": "RuntimeDefault"},
                "init/securityContext/seccompProfile": {"type": "RuntimeDefault"},
            },
        ),
        denied=(
            *_at(_pod("seccompProfile"), DELETE, {"type": "Unconfined"}),
            *_at(_container("seccompProfile"), {"type": "Unconfined"}),
        ),
    ),
    "sysctls": About(
        kind="Deployment",
        field=_pod("sysctls"),
        allowed=_at(_pod("sysctls"), [], [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]),
        denied=_at(_pod("sysctls"), [{"name": "kernel.msgmax", "value": "1"}]),
    ),
    "windows-host-process": About(
        kind="Deployment",
        field=_pod("windowsOptions"),
        allowed=_at(_pod("windowsOptions"), {}, {"runAsUserName": "web"}),
        denied=(
            {
                "pod/os": {"name": "windows"},
                _pod("windowsOptions"): {"hostProcess": True},
                "pod/hostNetwork": True,
            },
        ),
    ),
    "run-as-non-root": About(
        kind="Deployment",
        field=_pod("runAsNonRoot"),
        allowed=(
            {
                _pod("runAsNonRoot"): DELETE,
                _container("runAsNonRoot"): True,
                "init/securityContext/runAsNonRoot": True,
            },
        ),
        denied=(*_at(_pod("runAsNonRoot"), DELETE, False), *_at(_container("runAsNonRoot"), False)),
    ),
    "run-as-user": About(
        kind="Deployment",
        field=_pod("runAsUser"),
        allowed=(
            {_pod("runAsUser"): DELETE, _container("runAsUser"): 1, "init/securityContext/runAsUser": 2},
            *_at(_pod("runAsUser"), 2147483647),
        ),
        denied=(*_at(_pod("runAsUser"), DELETE, 0), *_at("init/securityContext/runAsUser", 0)),
    ),
    "run-as-group": About(
        kind="Deployment",
        field=_pod("runAsGroup"),
        allowed=_at(_container("runAsGroup"), 7),
        denied=(*_at(_pod("runAsGroup"), DELETE, 0), *_at(_container("runAsGroup"), 0)),
    ),
    "groups": About(
        kind="Deployment",
        field=_pod("fsGroup"),
        allowed=(*_at(_pod("fsGroup"), DELETE, 7), *_at(_pod("supplementalGroups"), [7, 8])),
        denied=(*_at(_pod("fsGroup"), 0), *_at(_pod("supplementalGroups"), [7, 0])),
    ),
    "read-only-root": About(
        kind="Deployment",
        field=_container("readOnlyRootFilesystem"),
        allowed=_at(_container("readOnlyRootFilesystem"), True),
        denied=_at(_container("readOnlyRootFilesystem"), DELETE, False),
    ),
    "image-version": About(
        kind="Deployment",
        field="container/image",
        allowed=_at(
            "container/image",
            "web:1",
            "localhost:5000/web:1.2.3-rc.1",
            f"web@{_DIGEST}",
            f"web:latest@{_DIGEST}",
        ),
        denied=_at(
            "container/image", "web", "web:latest", "localhost:5000/web", "registry.example.com/web:latest"
        ),
        wrong=["web:1"],
    ),
    "image-pull-policy": About(
        kind="Deployment",
        field="container/imagePullPolicy",
        allowed=_at("container/imagePullPolicy", "Always", "IfNotPresent", "Never"),
        denied=_at("container/imagePullPolicy", DELETE),
        wrong=["Always"],
    ),
    "secret-literal": About(
        kind="Deployment",
        field="container/env",
        allowed=_at(
            "container/env",
            [{"name": "PASSWORD_FILE", "value": "/run/secrets/password"}],
            [{"name": "DB_PASSWORD", "value": "$(PGPASSWORD)"}],
            [
                {"name": "TOKEN_SECONDS", "value": "60"},
                {"name": "API_URL", "value": "https://api.example.com/a"},
            ],
            [{"name": "DATABASE_URL", "value": "postgres://$(USER):$(PASSWORD)@db/shop"}],
            [{"name": "SECRET", "value": ""}],
        ),
        denied=_at(
            "container/env",
            [{"name": "DB_PASSWORD", "value": "hunter2"}],
            [{"name": "JWT_SECRET", "value": "abc"}],
            [{"name": "API_KEY", "value": "abc"}],
            [{"name": "GITHUB_TOKEN", "value": "abc"}],
            [{"name": "DATABASE_URL", "value": "postgres://shop:hunter2@db/shop"}],
            [{"name": "CERT", "value": "-----BEGIN RSA PRIVATE KEY-----"}],
        ),
    ),
    "secret-in-config-map": About(
        kind="ConfigMap",
        field="data",
        allowed=_at(
            "data",
            {"passwd": "web:x:1:1::/:/bin/sh"},
            {"tokenSeconds": "60"},
            {"ca.crt": "-----BEGIN CERTIFICATE-----"},
            {},
        ),
        denied=_at(
            "data",
            {"password": "hunter2"},
            {"db.password": "x"},
            {"url": "redis://u:p@cache"},
            {"tls": "-----BEGIN PRIVATE KEY-----"},
        ),
    ),
    "secret-immutable": About(
        kind="Secret",
        field="immutable",
        allowed=_at("immutable", True),
        denied=_at("immutable", DELETE, False),
    ),
    "secret-whole": About(
        kind="Deployment",
        field="container/envFrom",
        allowed=_at("container/envFrom", [], [{"configMapRef": {"name": "web"}}]),
        denied=_at("container/envFrom", [{"secretRef": {"name": "web-1"}}]),
    ),
    "rollout-strategy": About(
        kind="Deployment",
        field="spec/strategy",
        allowed=_at(
            "spec/strategy/rollingUpdate",
            {"maxUnavailable": 0, "maxSurge": 1},
            {"maxUnavailable": "0%", "maxSurge": "50%"},
        ),
        denied=(
            *_at("spec/strategy", DELETE, {"type": "Recreate"}, {"type": "RollingUpdate"}),
            *_at("spec/strategy/rollingUpdate/maxUnavailable", 1, "10%", DELETE),
        ),
    ),
    "update-strategy": About(
        kind="StatefulSet",
        field="spec/updateStrategy",
        allowed=_at("spec/updateStrategy", DELETE, {"type": "RollingUpdate"}),
        denied=_at("spec/updateStrategy", {"type": "OnDelete"}),
    ),
    "spread": About(
        kind="Deployment",
        field="pod/topologySpreadConstraints",
        allowed=(
            {
                "pod/topologySpreadConstraints": DELETE,
                "pod/affinity": {
                    "podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [
                            {
                                "topologyKey": "kubernetes.io/hostname",
                                "labelSelector": {"matchLabels": {"app": "web"}},
                            }
                        ]
                    }
                },
            },
        ),
        denied=_at("pod/topologySpreadConstraints", DELETE, []),
    ),
    "spread-stateful": About(
        kind="StatefulSet",
        field="pod/topologySpreadConstraints",
        allowed=(
            {"pod/topologySpreadConstraints": DELETE, "spec/replicas": 1},
            {"pod/topologySpreadConstraints": DELETE, "spec/replicas": DELETE},
        ),
        denied=_at("pod/topologySpreadConstraints", DELETE, []),
    ),
    "grace-period": About(
        kind="Deployment",
        field="pod/terminationGracePeriodSeconds",
        allowed=(*_at("pod/terminationGracePeriodSeconds", DELETE, 6, 3600), {"container/lifecycle": DELETE}),
        denied=(
            {"pod/terminationGracePeriodSeconds": 0, "container/lifecycle": DELETE},
            {"pod/terminationGracePeriodSeconds": 5},
        ),
    ),
    "disruption-budget-bounds": About(
        kind="PodDisruptionBudget",
        field="spec/maxUnavailable",
        allowed=(
            *_at("spec/maxUnavailable", 1, "25%"),
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": 1},
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": "50%"},
        ),
        denied=(
            *_at("spec/maxUnavailable", 0, "0%", "100%", DELETE),
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": "100%"},
            {"spec/maxUnavailable": DELETE, "spec/minAvailable": 0},
        ),
        wrong=["1"],
    ),
    "autoscaler-range": About(
        kind="HorizontalPodAutoscaler",
        field="spec/maxReplicas",
        allowed=_at("spec/maxReplicas", 3, 100),
        denied=_at("spec/maxReplicas", 2),
    ),
    "autoscaler-minimum": About(
        kind="HorizontalPodAutoscaler",
        field="spec/minReplicas",
        allowed=_at("spec/minReplicas", 2, 3),
        denied=_at("spec/minReplicas", DELETE, 1),
    ),
    "job-deadline": About(
        kind="Job",
        field="spec/activeDeadlineSeconds",
        allowed=_at("spec/activeDeadlineSeconds", 1, 86400),
        denied=_at("spec/activeDeadlineSeconds", DELETE),
    ),
    "service-internal": About(
        kind="Service",
        field="spec/type",
        allowed=(*_at("spec/type", DELETE, "ClusterIP"), {"spec/clusterIP": "None"}),
        denied=(*_at("spec/type", "NodePort", "LoadBalancer"), {"spec/externalIPs": ["192.0.2.1"]}),
        wrong=["ClusterIP"],
    ),
    "ingress-host": About(
        kind="Ingress",
        field="spec/rules/0/host",
        wrong=["web.example.com"],
        allowed=_at("spec/rules/0/host", "*.example.com"),
        denied=(
            *_at("spec/rules/0/host", DELETE),
            {"spec/defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
        ),
    ),
    "ingress-tls": About(
        kind="Ingress",
        field="spec/tls",
        allowed=_at("spec/tls", [{"hosts": ["web.example.com"], "secretName": "web"}]),
        denied=_at("spec/tls", DELETE, []),
    ),
    "route-host": About(
        kind="HTTPRoute",
        field="spec/hostnames",
        allowed=_at("spec/hostnames", ["a.example.com", "b.example.com"]),
        denied=_at("spec/hostnames", DELETE, []),
    ),
    "gateway-tls": About(
        kind="Gateway",
        field="spec/listeners/0/protocol",
        allowed=_at("spec/listeners/0/protocol", "TLS"),
        denied=({"spec/listeners/0/protocol": "HTTP", "spec/listeners/0/tls": DELETE},),
        wrong=["HTTPS"],
    ),
    "network-policy-bounds": About(
        kind="NetworkPolicy",
        field="spec/ingress",
        allowed=({"spec/ingress": [], "spec/egress": DELETE},),
        denied=(
            *_at("spec/ingress", [{}], [{"from": [{"podSelector": {}}]}], [{"ports": [{"port": 80}]}]),
            *_at("spec/egress", [{}], [{"to": [], "ports": [{"port": 53}]}]),
        ),
    ),
    "namespace-pod-security": About(
        kind="Namespace",
        field="metadata/labels",
        allowed=_at("metadata/labels", {"pod-security.kubernetes.io/enforce": "restricted", "team": "web"}),
        denied=_at("metadata/labels", DELETE, {}, {"pod-security.kubernetes.io/enforce": "baseline"}),
    ),
    "service-account": About(
        kind="Deployment",
        field="pod/serviceAccountName",
        allowed=_at("pod/serviceAccountName", "other"),
        denied=_at("pod/serviceAccountName", DELETE, "default", ""),
        wrong=["web"],
    ),
    "service-account-token": About(
        kind="Deployment",
        field="pod/automountServiceAccountToken",
        allowed=_at("pod/automountServiceAccountToken", False),
        denied=_at("pod/automountServiceAccountToken", DELETE, True),
    ),
    "service-links": About(
        kind="Deployment",
        field="pod/enableServiceLinks",
        allowed=_at("pod/enableServiceLinks", False),
        denied=_at("pod/enableServiceLinks", DELETE, True),
    ),
    "account-token": About(
        kind="ServiceAccount",
        field="automountServiceAccountToken",
        allowed=_at("automountServiceAccountToken", False),
        denied=_at("automountServiceAccountToken", DELETE, True),
    ),
    "role-wildcard": About(
        kind="Role",
        field="rules",
        allowed=_at("rules", [], [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]),
        denied=_at(
            "rules",
            [{"apiGroups": [""], "resources": ["*"], "verbs": ["get"]}],
            [{"apiGroups": [""], "resources": ["pods"], "verbs": ["*"]}],
            [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["get"]}],
        ),
    ),
    "postgres-image": About(
        kind="Cluster",
        field="spec/imageName",
        allowed=_at("spec/imageName", "postgresql:15", f"postgresql:15.14@{_DIGEST}"),
        denied=_at("spec/imageName", "postgresql:latest"),
        wrong=["postgresql:15"],
    ),
    "postgres-resources": About(
        kind="Cluster",
        field="spec/resources",
        allowed=_at("spec/resources/limits/cpu", "2"),
        denied=_at("spec/resources", DELETE, {}, {"requests": {"cpu": "1", "memory": "1Gi"}}),
    ),
    "postgres-superuser": About(
        kind="Cluster",
        field="spec/enableSuperuserAccess",
        allowed=_at("spec/enableSuperuserAccess", DELETE, False),
        denied=_at("spec/enableSuperuserAccess", True),
    ),
}


def cases() -> list[Case]:
    """Every case, under an id that is a name for an object too."""
    return [case for rule in RULES for case in _of(rule)]


def _of(rule: Rule) -> Iterator[Case]:
    about = ABOUT[rule.id]
    rows = [
        *((Verdict.ALLOWED, changed(about.kind, change)) for change in ({}, *about.allowed)),
        *((Verdict.DENIED, changed(about.kind, change)) for change in about.denied),
        *((Verdict.DENIED, manifest) for manifest in _elsewhere(rule, about)),
        # An object of a kind that the rule is not about.
        (Verdict.IRRELEVANT, changed("ConfigMap" if "ConfigMap" not in rule.kinds else "Service", {})),
        *(
            (verdict, changed(about.kind, {**about.beside, about.field: value}))
            for verdict, value in (
                (Verdict.WRONG_TYPE, about.wrong),
                (Verdict.HUGE, about.huge),
                (Verdict.NULL, None),
                (Verdict.MISSING, DELETE),
            )
        ),
    ]
    for number, (verdict, manifest) in enumerate(rows):
        identity = f"{rule.id}-{verdict}-{number}"
        manifest["metadata"]["name"] = identity
        yield Case(id=identity, rule=rule.id, verdict=verdict, manifest=manifest)


def _elsewhere(rule: Rule, about: About) -> Iterator[Manifest]:
    """The first thing denied, in every other kind that the rule is about and whose fields are the same."""
    for kind in sorted(set(rule.kinds) & set(BASES) - {about.kind}):
        of_the_pod = about.field.startswith(("container/", "pod/"))
        # A Job's container serves nobody: it has no ports, and none is demanded.
        if of_the_pod and not (kind in ("Job", "CronJob") and rule.subject is Subject.SERVING):
            yield changed(kind, about.denied[0])
