"""Routes that bypass the edge, its host names and its encryption, or lead to anything but a Service.

Other kinds of routes are refused whole: the rules read Ingress, Gateway and HTTPRoute, and each other kind
has a language of its controller's own. Kubernetes' controllers write EndpointSlices, and are passed.
"""

from ..expression import Expression
from ..logic import Wildcard
from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    Default,
    Every,
    Matches,
    Not,
    Some,
    Variable,
    anything,
    empty,
    entries,
    equal,
    every,
    is_,
    items,
    items_or_null,
    one_of,
    present,
    some,
    text,
)

_CATEGORY = "network"
_RULE, _TLS, _HOST, _KEY, _LISTENER = (
    Variable("rule"),
    Variable("tls"),
    Variable("host"),
    Variable("key"),
    Variable("listener"),
)
_BACKEND, _HOSTED, _WANTED = Variable("backend"), Variable("hosted"), Variable("wanted")
# With its group, since other projects use the same kind.
FOREIGN = (
    *(
        f"{group}/IngressRoute{kind}"
        for group in ("traefik.io", "traefik.containo.us")
        for kind in ("", "TCP", "UDP")
    ),
    "configuration.konghq.com/TCPIngress",
    "configuration.konghq.com/UDPIngress",
    "gateway.networking.x-k8s.io/XListenerSet",
    "getambassador.io/Host",
    "getambassador.io/Mapping",
    "getambassador.io/TCPMapping",
    "k8s.nginx.org/TransportServer",
    "k8s.nginx.org/VirtualServer",
    "networking.istio.io/EnvoyFilter",
    "networking.istio.io/Gateway",
    "networking.istio.io/ServiceEntry",
    "networking.istio.io/VirtualService",
    "networking.istio.io/WorkloadEntry",
    "projectcontour.io/HTTPProxy",
    "route.openshift.io/Route",
    "apisix.apache.org/ApisixRoute",
    "zalando.org/RouteGroup",
    "multicluster.x-k8s.io/ServiceExport",
    "traefik.io/TraefikService",
    # Policies of others' that open what a NetworkPolicy closes.
    "cilium.io/CiliumNetworkPolicy",
    "crd.projectcalico.org/NetworkPolicy",
    "projectcalico.org/NetworkPolicy",
)
_ROUTES = (
    "EndpointSlice",
    "Endpoints",
    "GRPCRoute",
    "ReferenceGrant",
    "TCPRoute",
    "TLSRoute",
    "UDPRoute",
    *FOREIGN,
)
# A controller's own configuration, other hosts, and other destinations.
_DANGEROUS = (
    "(?i)snippet|server-alias|/(permanent|temporal)-redirect|/redirect-to|upstream-vhost|/mirror-|/auth-(url|signin|proxy)"
    "|/default-backend$|ssl-passthrough|config-(backend|frontend|global|defaults|tcp|sections)|(backend|frontend)-config"
    "|/actions\\.|/conditions\\.|proxy-redirect|/proxy-pass|lua-resty|modsecurity|/custom-response"
)
_WAYS_IN = (
    "(?i)^tailscale\\.com/(expose|funnel)|^getambassador\\.io/config|ngrok|cloudflare.*tunnel|^a8r\\.io/"
)


def _hosts(hosts: Expression) -> Expression:
    return Every(hosts, _HOST, Not(Matches(_HOST, "\\*")))


RULES = (
    Rule(
        id="route-past-edge",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_ROUTES,
        holds=every(
            empty(entries(OBJECT, "spec")),
            empty(items_or_null(OBJECT, "endpoints")),
            empty(items_or_null(OBJECT, "subsets")),
        ),
        protects="There is one way in, whose hosts, encryption and targets the rules can read.",
        remedy="route with an Ingress, or a Gateway and an HTTPRoute, to a Service that selects pods",
    ),
    Rule(
        id="service-target",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Service",),
        holds=every(
            Not(is_(Default(text(OBJECT, "spec", "type"), "ClusterIP"), "ExternalName")),
            is_(Default(text(OBJECT, "spec", "externalName"), ""), ""),
            Every(entries(OBJECT, "metadata", "annotations"), _KEY, Not(Matches(_KEY, _WAYS_IN))),
        ),
        protects="A Service's name leads to pods, not to another host, and opens no way in of its own.",
        remedy="select pods; let a setting name what is outside, and a NetworkPolicy open the way there",
    ),
    Rule(
        id="ingress-tls-hosts",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Ingress",),
        holds=some(
            empty(items(OBJECT, "spec", "tls")),
            every(
                Every(items(OBJECT, "spec", "tls"), _TLS, Not(empty(items(_TLS, "hosts")))),
                Every(
                    items(OBJECT, "spec", "rules"),
                    _RULE,
                    Some(
                        items(OBJECT, "spec", "tls"),
                        _TLS,
                        Some(
                            items(_TLS, "hosts"),
                            _HOST,
                            some(
                                equal(_HOST, Default(text(_RULE, "host"), "")),
                                equal(_HOST, Wildcard(Default(text(_RULE, "host"), ""))),
                            ),
                        ),
                    ),
                ),
            ),
        ),
        protects="Every host that is served is served with a certificate, not only another one.",
        remedy="name in spec.tls[].hosts every host of spec.rules",
    ),
    Rule(
        id="host-exact",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("Ingress", "HTTPRoute", "Gateway"),
        holds=every(
            Every(
                items(OBJECT, "spec", "rules"), _RULE, Not(Matches(Default(text(_RULE, "host"), ""), "\\*"))
            ),
            _hosts(items(OBJECT, "spec", "hostnames")),
            Every(
                items(OBJECT, "spec", "listeners"),
                _LISTENER,
                Not(Matches(Default(text(_LISTENER, "hostname"), "*"), "\\*|^$")),
            ),
        ),
        protects="A site answers to its own name, and does not catch what is meant for others.",
        remedy="write host names out, without *",
    ),
    Rule(
        id="ingress-annotations",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Ingress",),
        holds=Every(
            entries(OBJECT, "metadata", "annotations"),
            _KEY,
            Not(Matches(_KEY, _DANGEROUS)),
        ),
        protects="An Ingress does not write the controller's configuration, which every tenant shares.",
        remedy="leave snippets, aliases, redirects and mirrors out of annotations, and use spec",
    ),
    Rule(
        id="ingress-backends",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("Ingress", "HTTPRoute"),
        holds=every(
            Every(
                items(OBJECT, "spec", "rules"),
                _RULE,
                every(
                    Every(
                        items(_RULE, "http", "paths"),
                        _HOSTED,
                        Not(present(anything(_HOSTED, "backend", "resource"))),
                    ),
                    Every(
                        items(_RULE, "backendRefs"),
                        _BACKEND,
                        every(
                            is_(Default(text(_BACKEND, "namespace"), ""), ""),
                            is_(Default(text(_BACKEND, "kind"), "Service"), "Service"),
                            is_(Default(text(_BACKEND, "group"), ""), ""),
                        ),
                    ),
                    Every(
                        items(_RULE, "filters"),
                        _WANTED,
                        Not(is_(Default(text(_WANTED, "type"), ""), "RequestMirror")),
                    ),
                ),
            ),
        ),
        protects="Requests go to Services of this namespace, and are copied nowhere.",
        remedy="let backends be Services of the same namespace, and leave mirrors out",
    ),
    Rule(
        id="gateway-routes",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Gateway",),
        holds=every(
            Every(
                items(OBJECT, "spec", "listeners"),
                _LISTENER,
                every(
                    one_of(
                        Default(text(_LISTENER, "allowedRoutes", "namespaces", "from"), "Same"),
                        "Same",
                        "None",
                    ),
                    one_of(Default(text(_LISTENER, "protocol"), ""), "HTTP", "HTTPS", "TLS"),
                ),
            ),
            one_of(
                Default(text(OBJECT, "spec", "allowedListeners", "namespaces", "from"), "None"),
                "None",
                "Same",
            ),
        ),
        protects="No other namespace answers to this site's name.",
        remedy="set allowedRoutes.namespaces.from: Same, and let protocol be HTTPS",
    ),
)
