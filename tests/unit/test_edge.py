"""One host, as an Ingress or as a Gateway, from the same routes."""

import pulumi

from components.edge import Edge, EdgeArgs
from components.names import Identity
from components.routes import Upstream

from .recorder import PLACE, Recording, record
from .test_settings import parse

EDGE = {"host": "shop.example.com", "className": "nginx", "controllerNamespace": "ingress-nginx"}


def upstream(component: str, port: int) -> Upstream:
    name = f"feastflow-{component}"
    identity = Identity(name=name, component=component, instance="shop")
    return Upstream(service=pulumi.Output.from_input(name), port=port, server=identity)


def edge(**settings: object) -> Recording:
    """The edge alone, in front of two tiers."""
    given = parse(edge={**EDGE, **settings}).edge

    def program() -> None:
        tiers = upstream("backend", 5000), upstream("frontend", 3000)
        created = Edge("edge", EdgeArgs(place=PLACE, settings=given, backend=tiers[0], frontend=tiers[1]))
        pulumi.export("url", created.url)

    return record(program)


def test_api_goes_to_the_backend_and_everything_else_to_the_frontend(dev: Recording) -> None:
    spec = dev.one("Ingress", "feastflow").inputs["spec"]
    (rule,) = spec["rules"]
    assert rule["host"] == "feastflow-dev.localhost"
    assert [
        (
            path["path"],
            path["pathType"],
            path["backend"]["service"]["name"],
            path["backend"]["service"]["port"],
        )
        for path in rule["http"]["paths"]
    ] == [
        ("/api", "Prefix", "feastflow-backend", {"number": 5000}),
        ("/", "Prefix", "feastflow-frontend", {"number": 3000}),
    ]
    assert spec["ingressClassName"] == "traefik"
    assert "tls" not in spec


def test_an_ingress_has_no_annotation_that_behaviour_depends_on(dev: Recording) -> None:
    annotations = dev.one("Ingress", "feastflow").inputs["metadata"]["annotations"]
    assert annotations == {"pulumi.com/skipAwait": "true"}


def test_an_address_is_awaited_only_where_the_controller_publishes_one() -> None:
    recording = edge(awaitAddress=True)
    assert "annotations" not in recording.one("Ingress", "feastflow").inputs["metadata"]


def test_production_is_served_by_https(prod: Recording) -> None:
    spec = prod.one("Ingress", "feastflow").inputs["spec"]
    assert spec["tls"] == [{"hosts": ["feastflow-prod.localhost"]}]
    assert prod.exports["url"] == "https://feastflow-prod.localhost:8443"
    assert prod.one("ConfigMap", "backend-config").inputs["data"]["FRONTEND_URL"] == prod.exports["url"]


def test_a_certificate_of_the_users_own_is_named() -> None:
    recording = edge(tls={"enabled": True, "secretName": "shop-tls"})
    spec = recording.one("Ingress", "feastflow").inputs["spec"]
    assert spec["tls"] == [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}]
    assert spec["ingressClassName"] == "nginx"
    assert recording.exports["url"] == "https://shop.example.com"


def test_only_the_controllers_namespace_reaches_the_tiers() -> None:
    recording = edge()
    for name, port in {"feastflow-backend": 5000, "feastflow-frontend": 3000}.items():
        spec = recording.one("NetworkPolicy", f"edge-to-{name}").inputs["spec"]
        assert spec["ingress"] == [
            {
                "from": [
                    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
                ],
                "ports": [{"port": port, "protocol": "TCP"}],
            }
        ]


def test_a_gateway_leads_where_the_ingress_would() -> None:
    recording = edge(mode="gateway", className="shared", listenerPort=8000)
    assert recording.all("Ingress") == []
    gateway = recording.one("Gateway", "feastflow").inputs
    assert gateway["spec"] == {
        "gatewayClassName": "shared",
        "listeners": [
            {
                "name": "http",
                "protocol": "HTTP",
                "port": 8000,
                "hostname": "shop.example.com",
                "allowedRoutes": {"namespaces": {"from": "Same"}},
            }
        ],
    }
    assert gateway["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    route = recording.one("HTTPRoute", "feastflow").inputs["spec"]
    assert route["parentRefs"] == [{"name": "feastflow"}]
    assert route["hostnames"] == ["shop.example.com"]
    assert route["rules"] == [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
            "backendRefs": [{"name": name, "port": port}],
        }
        for prefix, name, port in (("/api", "feastflow-backend", 5000), ("/", "feastflow-frontend", 3000))
    ]


def test_a_secure_gateway_terminates_with_the_named_certificate() -> None:
    recording = edge(mode="gateway", tls={"enabled": True, "secretName": "shop-tls"}, awaitAddress=True)
    gateway = recording.one("Gateway", "feastflow").inputs
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["name"], listener["protocol"], listener["port"]) == ("https", "HTTPS", 443)
    assert listener["tls"] == {
        "mode": "Terminate",
        "certificateRefs": [{"kind": "Secret", "name": "shop-tls"}],
    }
    assert gateway["metadata"]["annotations"] == {"pulumi.com/waitFor": "condition=Programmed"}
