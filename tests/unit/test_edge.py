"""One host, as an Ingress or as a Gateway, from the same routes."""

import contextvars

import pulumi
import pytest

from components.edge import Edge, EdgeArgs
from components.http.traffic import Upstream
from components.settings.values.names import Identity

from .recorder import PLACE, Recording, record
from .test_settings import parse

EDGE = {"host": "shop.example.com", "className": "nginx", "controllerNamespace": "ingress-nginx"}


def upstream(component: str, port: int) -> Upstream:
    name = f"feastflow-{component}"
    identity = Identity(name=name, component=component, instance="shop")
    return Upstream(service=pulumi.Output.from_input(name), port=port, server=identity)


def edge(**settings: object) -> Recording:
    """Return the edge alone, in front of two tiers."""
    given = parse(edge={**EDGE, **settings}).edge

    def program() -> None:
        tiers = upstream("backend", 5000), upstream("frontend", 3000)
        created = Edge("edge", EdgeArgs(place=PLACE, settings=given, backend=tiers[0], frontend=tiers[1]))
        pulumi.export("url", created.url)

    # A context of its own: what is exported here is not what the next program exports.
    return contextvars.Context().run(lambda: record(program))


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


def test_a_request_is_offered_once_unless_the_settings_say_otherwise(dev: Recording) -> None:
    assert dev.all("Middleware") == []


def test_a_request_that_no_pod_has_received_is_offered_to_others_where_the_settings_say_so() -> None:
    recording = edge(className="traefik", attempts=3)
    middleware = recording.one("Middleware", "feastflow-retry")
    assert middleware.inputs["apiVersion"] == "traefik.io/v1alpha1"
    assert middleware.inputs["spec"] == {"retry": {"attempts": 3, "initialInterval": "20ms"}}
    ingress = recording.one("Ingress", "feastflow")
    assert ingress.inputs["metadata"]["annotations"] == {
        "pulumi.com/skipAwait": "true",
        "traefik.ingress.kubernetes.io/router.middlewares": "shop-feastflow-retry@kubernetescrd",
    }
    # Without it Traefik would not serve the route at all.
    assert middleware.urn in ingress.dependencies


def test_the_routes_of_a_gateway_are_retried_by_the_same_object() -> None:
    recording = edge(mode="gateway", className="traefik", listenerPort=8000, attempts=3)
    route = recording.one("HTTPRoute", "feastflow")
    reference = {"group": "traefik.io", "kind": "Middleware", "name": "feastflow-retry"}
    assert [rule["filters"] for rule in route.inputs["spec"]["rules"]] == [
        [{"type": "ExtensionRef", "extensionRef": reference}]
    ] * 2
    assert recording.one("Middleware", "feastflow-retry").urn in route.dependencies


LIMIT = {"requestsPerSecond": 20, "burst": 90}


def test_traefik_counts_each_clients_requests_before_it_offers_one_to_a_pod() -> None:
    recording = edge(className="traefik", attempts=3, rateLimit=LIMIT)
    middleware = recording.one("Middleware", "feastflow-rate-limit")
    assert middleware.inputs["spec"] == {"rateLimit": {"average": 20, "period": "1s", "burst": 90}}
    ingress = recording.one("Ingress", "feastflow")
    assert (
        ingress.inputs["metadata"]["annotations"]["traefik.ingress.kubernetes.io/router.middlewares"]
        == "shop-feastflow-rate-limit@kubernetescrd,shop-feastflow-retry@kubernetescrd"
    )
    assert middleware.urn in ingress.dependencies


def test_behind_proxies_a_client_is_who_connected_to_the_first_of_them() -> None:
    recording = edge(className="traefik", rateLimit={**LIMIT, "proxies": 2})
    spec = recording.one("Middleware", "feastflow-rate-limit").inputs["spec"]["rateLimit"]
    assert spec["sourceCriterion"] == {"ipStrategy": {"depth": 2}}


def test_the_routes_of_traefiks_gateway_have_the_same_limit() -> None:
    recording = edge(mode="gateway", className="traefik", listenerPort=8000, rateLimit=LIMIT)
    for rule in recording.one("HTTPRoute", "feastflow").inputs["spec"]["rules"]:
        assert [each["extensionRef"]["name"] for each in rule["filters"]] == ["feastflow-rate-limit"]


def test_ingress_nginx_has_the_limit_in_its_own_words_and_never_a_smaller_burst() -> None:
    recording = edge(rateLimit=LIMIT)
    assert recording.all("Middleware") == []
    annotations = recording.one("Ingress", "feastflow").inputs["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/limit-rps"] == "20"
    assert annotations["nginx.ingress.kubernetes.io/limit-burst-multiplier"] == "5"


@pytest.mark.parametrize(
    ("given", "key", "why"),
    [
        ({"className": "alb"}, "edge.rateLimit", "class alb is not known"),
        ({"className": "nginx", "mode": "gateway"}, "edge.rateLimit", "only Traefik has such a limit"),
        ({"rateLimit": {**LIMIT, "proxies": 1}}, "edge.rateLimit.proxies", "its own ConfigMap"),
        ({"rateLimit": {"burst": 1}}, "edge.rateLimit.requestsPerSecond", "long run"),
        ({"rateLimit": {**LIMIT, "burst": 0}}, "edge.rateLimit.burst", "at once"),
    ],
)
def test_a_limit_that_nothing_would_hold_is_refused(given: dict[str, object], key: str, why: str) -> None:
    with pytest.raises(pulumi.RunError) as error:
        parse(edge={**EDGE, "rateLimit": LIMIT, **given})
    assert f"feastflow:{key}\n" in str(error.value)
    assert why in str(error.value)


@pytest.mark.parametrize("attempts", [0, 21, "many"])
def test_a_number_of_attempts_that_is_none_is_refused(attempts: object) -> None:
    with pytest.raises(pulumi.RunError, match=r"edge\.attempts"):
        parse(edge={**EDGE, "attempts": attempts})


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
