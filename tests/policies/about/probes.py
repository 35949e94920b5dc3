"""Cases of the rules about probes."""

from ..manifests import DELETE
from .shape import SIDECAR, About, at, probe

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
            *at("container/livenessProbe", DELETE),
            {**SIDECAR, "init/readinessProbe": {"exec": {"command": ["x"]}}},
        ),
    ),
    "probe-readiness": About(
        kind="StatefulSet",
        field="container/readinessProbe",
        allowed=at("container/readinessProbe", {"tcpSocket": {"port": 8080}}),
        denied=(
            *at("container/readinessProbe", DELETE),
            {**SIDECAR, "init/livenessProbe": {"exec": {"command": ["x"]}}},
        ),
    ),
    "probe-startup": About(
        kind="Deployment",
        field="container/startupProbe",
        allowed=(
            {"container/startupProbe": DELETE, "container/livenessProbe": probe(10, 3)},
            {
                "container/startupProbe": DELETE,
                "container/livenessProbe": probe(5, 4, initialDelaySeconds=10),
            },
        ),
        denied=(
            *at("container/startupProbe", DELETE),
            {
                "container/startupProbe": DELETE,
                "container/livenessProbe": probe(9, 3, initialDelaySeconds=2),
            },
        ),
    ),
    "probes-differ": About(
        kind="Deployment",
        field="container/livenessProbe",
        allowed=at(
            "container/livenessProbe",
            probe(5, 3),
            {"httpGet": {"path": "/live", "port": "http"}, "periodSeconds": 1},
            {"exec": {"command": ["alive"]}, "failureThreshold": 1},
        ),
        denied=(
            *at(
                "container/livenessProbe",
                probe(5, 2),
                probe(1, 1),
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
        allowed=at("container/readinessProbe/httpGet/port", "http", 8080),
        denied=(
            *at("container/readinessProbe/httpGet/port", "metrics", 8081),
            {"container/startupProbe": {"tcpSocket": {"port": 9}}},
            {"container/livenessProbe": {"grpc": {"port": 9}}},
        ),
        wrong={"number": 8080},
    ),
}
