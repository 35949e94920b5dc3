"""Cases of the rules about network."""

from ..manifests import DELETE
from .shape import About, at

ABOUT: dict[str, About] = {
    "service-internal": About(
        kind="Service",
        field="spec/type",
        allowed=(*at("spec/type", DELETE, "ClusterIP"), {"spec/clusterIP": "None"}),
        denied=(*at("spec/type", "NodePort", "LoadBalancer"), {"spec/externalIPs": ["192.0.2.1"]}),
        wrong=["ClusterIP"],
    ),
    "ingress-host": About(
        kind="Ingress",
        field="spec/rules/0/host",
        wrong=["web.example.com"],
        allowed=at("spec/rules/0/host", "a.example.com"),
        denied=(
            *at("spec/rules/0/host", DELETE),
            {"spec/defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
        ),
    ),
    "ingress-tls": About(
        kind="Ingress",
        field="spec/tls",
        allowed=at("spec/tls", [{"hosts": ["web.example.com"], "secretName": "web"}]),
        denied=at("spec/tls", DELETE, []),
    ),
    "ingress-certificate": About(
        kind="Ingress",
        field="spec/tls/0/secretName",
        allowed=(*at("spec/tls", DELETE, []), *at("spec/tls/0/secretName", "other")),
        denied=(
            *at("spec/tls/0/secretName", DELETE, ""),
            *at(
                "spec/tls",
                [{"hosts": ["web.example.com"], "secretName": "web-tls"}, {"hosts": ["a.example.com"]}],
                [{}],
            ),
        ),
        wrong=["web-tls"],
    ),
    "route-host": About(
        kind="HTTPRoute",
        field="spec/hostnames",
        allowed=at("spec/hostnames", ["a.example.com", "b.example.com"]),
        denied=at("spec/hostnames", DELETE, []),
    ),
    "gateway-tls": About(
        kind="Gateway",
        field="spec/listeners/0/protocol",
        allowed=at("spec/listeners/0/protocol", "TLS"),
        denied=({"spec/listeners/0/protocol": "HTTP", "spec/listeners/0/tls": DELETE},),
        wrong=["HTTPS"],
    ),
    "network-policy-bounds": About(
        kind="NetworkPolicy",
        field="spec/ingress",
        allowed=({"spec/ingress": [], "spec/egress": DELETE},),
        denied=(
            *at("spec/ingress", [{}], [{"from": [{"podSelector": {}}]}], [{"ports": [{"port": 80}]}]),
            *at("spec/egress", [{}], [{"to": [], "ports": [{"port": 53}]}]),
        ),
    ),
    "namespace-pod-security": About(
        kind="Namespace",
        field="metadata/labels",
        allowed=at("metadata/labels", {"pod-security.kubernetes.io/enforce": "restricted", "team": "web"}),
        denied=at("metadata/labels", DELETE, {}, {"pod-security.kubernetes.io/enforce": "baseline"}),
    ),
}
