"""Cases of the rules about routes."""

from ..manifests import DELETE, Manifest
from .shape import About, at

_HOST = "web.example.com"


def _other(api_version: str, kind: str, **rest: object) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}, **rest}


_TRAEFIK = {"entryPoints": ["web"], "routes": [{"match": "PathPrefix(`/`)", "kind": "Rule", "services": []}]}
_GATEWAY = "gateway.networking.k8s.io/"

ABOUT: dict[str, About] = {
    "route-past-edge": About(
        kind="EndpointSlice",
        field="endpoints",
        allowed=(),
        denied=at("endpoints", [{"addresses": ["169.254.169.254"]}], [{"addresses": ["203.0.113.7"]}]),
        others=(
            _other(
                "v1", "Endpoints", subsets=[{"addresses": [{"ip": "203.0.113.7"}], "ports": [{"port": 80}]}]
            ),
            _other("traefik.io/v1alpha1", "IngressRoute", spec=_TRAEFIK),
            _other("traefik.io/v1alpha1", "IngressRouteTCP", spec={"routes": [{"match": "HostSNI(`*`)"}]}),
            _other("traefik.io/v1alpha1", "IngressRouteUDP", spec={"routes": [{"services": []}]}),
            _other("traefik.containo.us/v1alpha1", "IngressRoute", spec=_TRAEFIK),
            _other(
                _GATEWAY + "v1", "GRPCRoute", spec={"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}
            ),
            _other(
                _GATEWAY + "v1alpha2",
                "TCPRoute",
                spec={"rules": [{"backendRefs": [{"name": "postgres", "port": 5432}]}]},
            ),
            _other(
                _GATEWAY + "v1beta1",
                "ReferenceGrant",
                spec={
                    "from": [
                        {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": "evil"}
                    ],
                    "to": [{"group": "", "kind": "Service"}],
                },
            ),
            _other("networking.istio.io/v1", "VirtualService", spec={"hosts": ["*"]}),
            _other("networking.istio.io/v1", "Gateway", spec={"servers": [{"hosts": ["*"]}]}),
            _other("route.openshift.io/v1", "Route", spec={"host": _HOST}),
            _other("projectcontour.io/v1", "HTTPProxy", spec={"virtualhost": {"fqdn": _HOST}}),
            _other("cilium.io/v2", "CiliumNetworkPolicy", spec={"ingress": [{"fromEntities": ["all"]}]}),
        ),
    ),
    "service-target": About(
        kind="Service",
        field="spec/externalName",
        wrong=["db.example.com"],
        allowed=({"metadata/annotations": {"example.com/team": "web"}},),
        denied=(
            {
                "spec/type": "ExternalName",
                "spec/externalName": "evil.example.com",
                "spec/selector": DELETE,
            },
            {"metadata/annotations": {"tailscale.com/expose": "true"}},
        ),
    ),
    "ingress-tls-hosts": About(
        kind="Ingress",
        field="spec/tls",
        allowed=at(
            "spec/tls",
            DELETE,
            [{"hosts": ["*.example.com"], "secretName": "web"}],
            [{"hosts": ["other.example.com"]}, {"hosts": [_HOST]}],
        ),
        denied=at(
            "spec/tls",
            [{"hosts": ["another.example.com"]}],
            [{}],
            [{"secretName": "web"}],
            [{"hosts": [_HOST]}, {}],
            [{"hosts": ["*.com"]}],
        ),
    ),
    "host-exact": About(
        kind="Ingress",
        field="spec/rules/0/host",
        wrong=[_HOST],
        allowed=at("spec/rules/0/host", "a.example.com"),
        denied=at("spec/rules/0/host", "*.com", "*.example.com"),
        others=(
            _other(
                _GATEWAY + "v1",
                "HTTPRoute",
                spec={
                    "hostnames": ["*.example.com"],
                    "rules": [{"backendRefs": [{"name": "web", "port": 80}]}],
                },
            ),
            _other(
                _GATEWAY + "v1",
                "Gateway",
                spec={
                    "gatewayClassName": "traefik",
                    "listeners": [{"name": "all", "protocol": "HTTP", "port": 80}],
                },
            ),
        ),
    ),
    "ingress-annotations": About(
        kind="Ingress",
        field="metadata/annotations",
        allowed=at(
            "metadata/annotations",
            {"traefik.ingress.kubernetes.io/router.middlewares": "web-retry@kubernetescrd"},
            {"nginx.ingress.kubernetes.io/force-ssl-redirect": "true"},
        ),
        denied=at(
            "metadata/annotations",
            {"nginx.ingress.kubernetes.io/configuration-snippet": "return 200;"},
            {"nginx.ingress.kubernetes.io/server-snippet": "location / {}"},
            {"nginx.org/location-snippets": "deny all;"},
            {"nginx.ingress.kubernetes.io/server-alias": "other.example.com"},
            {"nginx.ingress.kubernetes.io/permanent-redirect": "https://evil.example.com"},
            {"haproxy-ingress.github.io/config-backend": "x"},
            {"nginx.ingress.kubernetes.io/mirror-target": "https://evil.example.com"},
        ),
    ),
    "ingress-backends": About(
        kind="HTTPRoute",
        field="spec/rules/0/backendRefs/0/namespace",
        wrong=["web"],
        allowed=at("spec/rules/0/backendRefs/0/kind", "Service"),
        denied=(
            *at("spec/rules/0/backendRefs/0/namespace", "kube-system"),
            {
                "spec/rules/0/backendRefs/0/kind": "TraefikService",
                "spec/rules/0/backendRefs/0/group": "traefik.io",
            },
            {
                "spec/rules/0/filters": [
                    {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "evil", "port": 80}}}
                ]
            },
        ),
    ),
    "gateway-routes": About(
        kind="Gateway",
        field="spec/listeners/0/allowedRoutes/namespaces/from",
        wrong=["Same"],
        allowed=at("spec/listeners/0/allowedRoutes", {"namespaces": {"from": "Same"}}),
        denied=(
            *at(
                "spec/listeners/0/allowedRoutes",
                {"namespaces": {"from": "All"}},
                {"namespaces": {"from": "Selector", "selector": {}}},
            ),
            {
                "spec/listeners/0/protocol": "TCP",
                "spec/listeners/0/tls": DELETE,
                "spec/listeners/0/hostname": DELETE,
            },
        ),
    ),
}
