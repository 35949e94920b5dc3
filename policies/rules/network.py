"""Network: one encrypted way in, by host name; the namespace's own guards; policies with peers and ports."""

from ..rule import Level, Rule, Severity
from ..vocabulary import (
    OBJECT,
    Default,
    Every,
    Not,
    Variable,
    absent,
    anything,
    empty,
    every,
    is_,
    items,
    one_of,
    text,
)

_CATEGORY = "network"
_RULE, _LISTENER, _ENTRY = Variable("rule"), Variable("listener"), Variable("entry")


def _bounded(direction: str, peers: str) -> Every:
    return Every(
        items(OBJECT, "spec", direction),
        _RULE,
        every(Not(empty(items(_RULE, peers))), Not(empty(items(_RULE, "ports")))),
    )


RULES = (
    Rule(
        id="service-internal",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Service",),
        holds=every(
            one_of(Default(text(OBJECT, "spec", "type"), "ClusterIP"), "ClusterIP", "ExternalName"),
            empty(items(OBJECT, "spec", "externalIPs")),
        ),
        protects="No traffic bypasses the edge, its host names and its encryption.",
        remedy="set type: ClusterIP, leave externalIPs out, and route to the Service from an Ingress",
    ),
    Rule(
        id="ingress-host",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("Ingress",),
        holds=every(
            absent(anything(OBJECT, "spec", "defaultBackend")),
            Every(items(OBJECT, "spec", "rules"), _RULE, Not(is_(Default(text(_RULE, "host"), ""), ""))),
        ),
        protects="A site answers to its own name, and does not catch what is meant for others.",
        remedy="give every rule a host, and leave defaultBackend out",
    ),
    Rule(
        id="ingress-tls",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Ingress",),
        holds=Not(empty(items(OBJECT, "spec", "tls"))),
        protects="What a browser sends is neither read nor changed on its way.",
        remedy="set spec.tls with the host and the Secret of its certificate",
        level=Level.ADVISORY,
    ),
    Rule(
        id="ingress-certificate",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Ingress",),
        holds=Every(
            items(OBJECT, "spec", "tls"), _ENTRY, Not(is_(Default(text(_ENTRY, "secretName"), ""), ""))
        ),
        protects="A browser can tell the site from another that answers in its name.",
        remedy=(
            "name the certificate's Secret in spec.tls[].secretName, or exempt the Ingress by name until "
            "the day when it has one"
        ),
    ),
    Rule(
        id="route-host",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("HTTPRoute",),
        holds=Not(empty(items(OBJECT, "spec", "hostnames"))),
        protects="A site answers to its own name, and does not catch what is meant for others.",
        remedy="set spec.hostnames",
    ),
    Rule(
        id="gateway-tls",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Gateway",),
        holds=Every(
            items(OBJECT, "spec", "listeners"),
            _LISTENER,
            one_of(Default(text(_LISTENER, "protocol"), ""), "HTTPS", "TLS"),
        ),
        protects="What a browser sends is neither read nor changed on its way.",
        remedy="let every listener's protocol be HTTPS",
        level=Level.ADVISORY,
    ),
    Rule(
        id="network-policy-bounds",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("NetworkPolicy",),
        holds=every(_bounded("ingress", "from"), _bounded("egress", "to")),
        protects="A policy opens named peers and ports, not everything to everyone.",
        remedy="give each rule its peers (from, to) and its ports",
    ),
    Rule(
        id="namespace-pod-security",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Namespace",),
        holds=is_(
            Default(text(OBJECT, "metadata", "labels", "pod-security.kubernetes.io/enforce"), ""),
            "restricted",
        ),
        protects="What is created past this pack is refused by Kubernetes itself.",
        remedy="label the namespace pod-security.kubernetes.io/enforce: restricted",
    ),
)
