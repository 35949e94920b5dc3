"""The edge's figures by a real Traefik: Services are called as the rules and the judge of canaries expect."""

import http.client
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from components.observing import edge
from components.settings.values import names
from tools.toolchain import golang, pins
from tools.toolchain.console import Step

from ..harness.waiting import until
from ..surroundings import free_port
from . import server
from .edge import serving
from .server import Server

_NAMESPACE = "shop-dev"
_PRESENT, _CANARY = names.BACKEND, f"{names.BACKEND}-canary"
_PORT = 5000
_GATEWAY, _INGRESS = "gateway.example.com", "ingress.example.com"
_SERIES = r"(?m)^{}\{{(?P<labels>.*)\}} (?P<value>\S+)$"


class _Version(BaseHTTPRequestHandler):
    """A version of the application that answers everything with one status."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


class _Failing(_Version):
    status = 500


def _address() -> str:
    """Return an address of this machine that is not of loopback: of those, no endpoint may be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            # Nothing is sent: the kernel chooses the address from which it would be.
            asked.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback's")
        return str(asked.getsockname()[0])


def _of(kind: str, version: str, name: str, **rest: Any) -> str:
    metadata = {"name": name, "namespace": _NAMESPACE, **rest.pop("metadata", {})}
    return json.dumps({"apiVersion": version, "kind": kind, "metadata": metadata, **rest})


def _service(name: str, address: str, port: int) -> list[str]:
    return [
        _of("Service", "v1", name, spec={"ports": [{"name": "http", "port": _PORT}]}),
        _of(
            "EndpointSlice",
            "discovery.k8s.io/v1",
            name,
            metadata={"labels": {"kubernetes.io/service-name": name}},
            addressType="IPv4",
            ports=[{"name": "http", "port": port}],
            endpoints=[{"addresses": [address], "conditions": {"ready": True}}],
        ),
    ]


def _route(weight: int) -> str:
    shares = {_PRESENT: 100 - weight, _CANARY: weight}
    backends = [{"name": name, "port": _PORT, "weight": share} for name, share in shares.items()]
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": "/api"}}], "backendRefs": backends}
    spec = {"parentRefs": [{"name": names.EDGE}], "hostnames": [_GATEWAY], "rules": [rule]}
    return _of("HTTPRoute", "gateway.networking.k8s.io/v1", names.EDGE, spec=spec)


def _gateway(port: int) -> str:
    listener = {"name": "http", "protocol": "HTTP", "port": port, "hostname": _GATEWAY}
    spec = {"gatewayClassName": "traefik", "listeners": [listener]}
    return _of("Gateway", "gateway.networking.k8s.io/v1", names.EDGE, spec=spec)


def _class() -> str:
    metadata, spec = {"name": "traefik"}, {"controller": "traefik.io/ingress-controller"}
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass"}
    return json.dumps({**kind, "metadata": metadata, "spec": spec})


def _ingress() -> str:
    backend = {"service": {"name": _PRESENT, "port": {"number": _PORT}}}
    path = {"path": "/api", "pathType": "Prefix", "backend": backend}
    rules = [{"host": _INGRESS, "http": {"paths": [path]}}]
    return _of(
        "Ingress", "networking.k8s.io/v1", names.EDGE, spec={"ingressClassName": "traefik", "rules": rules}
    )


class _Edge:
    """Traefik in front of two versions, of which the canary fails every request."""

    def __init__(self, api: Server, port: int, own: int) -> None:
        self.api, self._port, self._own = api, port, own

    def answers(self, host: str, times: int) -> Counter[int]:
        return Counter(self._ask(self._port, host, "/api/menu")[0] for _ in range(times))

    def counted(self, name: str, metric: str = edge.REQUESTS, by: str = "code") -> Counter[str]:
        """Return the counters of a Service, from what Traefik tells a collector."""
        pattern = re.compile(edge.only(_NAMESPACE, name, _PORT).removeprefix('service=~"').removesuffix('"'))
        found: Counter[str] = Counter()
        for series in re.finditer(_SERIES.format(metric), self._ask(self._own, "localhost", "/metrics")[1]):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', series["labels"]))
            if pattern.fullmatch(labels["service"]):
                found[labels[by]] += int(float(series["value"]))
        return found

    def _ask(self, port: int, host: str, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path, headers={"Host": host})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()


@pytest.fixture(scope="module")
def traefik() -> Iterator[_Edge]:
    """Yield Traefik as the local cluster has it, at an API server of its own."""
    address = _address()
    with Step("traefik", "the pinned version") as step:
        program = golang.binaries(pins.TRAEFIK_BUILD, step) / "traefik"
    port, own = free_port(), free_port()
    with ExitStack() as held:
        api = held.enter_context(server.alone())
        ports = [held.enter_context(serving(each, address)) for each in (_Version, _Failing)]
        namespace = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _NAMESPACE}})
        api.apply(namespace)
        services = [
            text
            for name, at in zip((_PRESENT, _CANARY), ports, strict=True)
            for text in _service(name, address, at)
        ]
        api.apply(*services, _gateway(port), _route(25), _class(), _ingress())
        flags = [
            f"--entrypoints.web.address=127.0.0.1:{port}",
            f"--entrypoints.traefik.address=127.0.0.1:{own}",
            "--metrics.prometheus=true",
            "--providers.kubernetesingress=true",
            "--providers.kubernetesgateway=true",
            "--providers.providersthrottleduration=100ms",
        ]
        api.programs.start("traefik", ["env", f"KUBECONFIG={api.kubeconfig}", str(program), *flags])
        made = _Edge(api, port, own)
        until(lambda: 200 in made.answers(_GATEWAY, 1), what="the route of the Gateway", within=60)
        until(lambda: 200 in made.answers(_INGRESS, 1), what="the route of the Ingress", within=60)
        yield made


def test_behind_a_gateway_each_version_is_counted_by_its_own_service(traefik: _Edge) -> None:
    present, canary = traefik.counted(_PRESENT), traefik.counted(_CANARY)
    assert traefik.answers(_GATEWAY, 40) == {200: 30, 500: 10}

    assert traefik.counted(_PRESENT) - present == {"200": 30}
    assert traefik.counted(_CANARY) - canary == {"500": 10}
    every = traefik.counted(_CANARY)["500"]
    assert traefik.counted(_CANARY, edge.DURATION, "le")["+Inf"] == every


def test_by_an_ingress_the_present_version_is_counted_under_the_same_condition(traefik: _Edge) -> None:
    present = traefik.counted(_PRESENT)
    assert traefik.answers(_INGRESS, 10) == {200: 10}

    assert traefik.counted(_PRESENT) - present == {"200": 10}


def test_a_canary_of_weight_0_gets_no_request(traefik: _Edge) -> None:
    traefik.api.apply(_route(0))
    until(lambda: traefik.answers(_GATEWAY, 12) == {200: 12}, what="the route without the canary", within=30)
    canary = traefik.counted(_CANARY)

    assert traefik.answers(_GATEWAY, 60) == {200: 60}
    assert traefik.counted(_CANARY) in (canary, Counter()), "what Traefik forgets it does not count"
