"""Openings: the width of what a NetworkPolicy opens, and other objects that open.

Bounds: a range has at most 65,536 addresses of IPv4 (/16) or is a /48 of IPv6, the size of one site
(RFC 6177); a range of ports at most 16.
"""

from ..expression import Expression
from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    Default,
    Every,
    Literal,
    Matches,
    Not,
    Some,
    Variable,
    absent,
    anything,
    empty,
    entries,
    every,
    if_,
    is_,
    items,
    less,
    number,
    number_or_text,
    one_of,
    present,
    some,
    sum_,
    text,
)

_CATEGORY = "network"
_RULE, _PEER, _PORT, _WANTED = Variable("rule"), Variable("peer"), Variable("port"), Variable("wanted")
_EXCEPT = Variable("hole")
_PORTS = 16
# Longer prefixes are narrower: /16 to /32, and /48 to /128.
_BOUNDED = "^[0-9.]+/(1[6-9]|2[0-9]|3[0-2])$|:.*/(4[89]|[5-9][0-9]|1[0-2][0-9])$"
_EVERYWHERE = "^(0\\.0\\.0\\.0|[0:]+)/0$"
# The one IPv6 block that is allocated: no private, link-local or metadata address is in it.
_GIVEN_OUT = "2000::/3"
# Ranges that `everywhere` must except: private networks, and link-local ones with a cloud's metadata service.
_IPV4, _IPV6 = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), ("fc00::/7",)
_LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
# Metadata services of clouds, one by one, and IPv4 written as IPv6: mapped, and by NAT64.
_METADATA = (
    "(?i)^169\\.254\\.(169|170)\\.|^169\\.254\\.[0-9.]+/([0-9]|[12][0-9]|3[01])$|^168\\.63\\.129\\.16/"
    "|^192\\.0\\.0\\.192/|^100\\.100\\.100\\.200/|^fd00:ec2:|^fd20:ce:|^fe80:|^[0:]*:ffff:|^64:ff9b:"
)
# The API server's ports: its address may be any, mostly a private one, until the settings name it.
_API_PORTS = (443, 6443)
_PRIVATE = (*_IPV4, "100.64.0.0/10", *_IPV6, "fd00::/8")


def _rules(direction: str, holds: Expression) -> Every:
    return Every(items(OBJECT, "spec", direction), _RULE, holds)


def _selects(selector: Expression) -> Expression:
    """Return the test that a selector names a label's value, not only that the label exists."""
    return some(
        Not(empty(entries(selector, "matchLabels"))),
        Some(
            items(selector, "matchExpressions"),
            _WANTED,
            is_(Default(text(_WANTED, "operator"), ""), "In"),
        ),
    )


def _selector(name: str) -> Expression:
    return entries(_PEER, name)


def _peers(key: str, *, outward: bool) -> Every:
    pods, spaces = anything(_PEER, "podSelector"), anything(_PEER, "namespaceSelector")
    narrow_pods = every(present(pods), _selects(_selector("podSelector")))
    named_space = every(present(spaces), _selects(_selector("namespaceSelector")))
    somewhere = every(present(spaces), narrow_pods) if outward else Literal(False)
    return Every(
        items(_RULE, key),
        _PEER,
        some(
            present(anything(_PEER, "ipBlock")),
            named_space,
            every(absent(spaces), narrow_pods),
            # Such as a cluster's DNS, wherever it runs.
            somewhere,
        ),
    )


def _leaves_out(*ranges: str) -> Expression:
    return every(
        *(Some(items(_PEER, "ipBlock", "except"), _EXCEPT, is_(_EXCEPT, range_)) for range_ in ranges)
    )


def _range(*, outward: bool) -> Expression:
    cidr = Default(text(_PEER, "ipBlock", "cidr"), "")
    bounded = every(Matches(cidr, _BOUNDED), Not(Matches(cidr, _METADATA)))
    if not outward:
        return bounded
    to_an_api_server = every(
        present(anything(_RULE, "ports")),
        Every(items(_RULE, "ports"), _PORT, one_of(Default(number_or_text(_PORT, "port"), 0), *_API_PORTS)),
    )
    return some(
        bounded,
        is_(cidr, _GIVEN_OUT),
        every(one_of(cidr, *_PRIVATE), to_an_api_server),
        every(
            Matches(cidr, _EVERYWHERE),
            some(_leaves_out(_LINK_LOCAL[0]), _leaves_out(_LINK_LOCAL[1])),
            some(_leaves_out(*_IPV4), _leaves_out(*_IPV6), to_an_api_server),
        ),
    )


def _blocks(key: str, *, outward: bool) -> Every:
    return Every(
        items(_RULE, key),
        _PEER,
        if_(present(anything(_PEER, "ipBlock")), _range(outward=outward)),
    )


def _named_ports() -> Every:
    first = number(_PORT, "port")
    last = number(_PORT, "endPort")
    return Every(
        items(_RULE, "ports"),
        _PORT,
        every(
            present(number_or_text(_PORT, "port")),
            if_(
                present(last),
                less(Default(last, 0), sum_(Default(first, 0), Literal(_PORTS))),
            ),
        ),
    )


RULES = (
    Rule(
        id="network-policy-ports",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("NetworkPolicy",),
        holds=every(_rules("ingress", _named_ports()), _rules("egress", _named_ports())),
        protects="A policy opens the ports that were meant, not all of them.",
        remedy=f"give each of ports a port, and let endPort be at most {_PORTS - 1} above it",
    ),
    Rule(
        id="network-policy-peers",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("NetworkPolicy",),
        holds=every(
            _rules("ingress", _peers("from", outward=False)), _rules("egress", _peers("to", outward=True))
        ),
        protects="Who may come in is named: not every namespace, and not every pod.",
        remedy="give selectors matchLabels, or matchExpressions with In; {} and Exists select everything",
    ),
    Rule(
        id="network-policy-ranges",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("NetworkPolicy",),
        holds=every(
            _rules("ingress", _blocks("from", outward=False)), _rules("egress", _blocks("to", outward=True))
        ),
        protects="No range lets the Internet in, or leads to a cloud's metadata and every private network.",
        remedy="let a range be a /16 or /48 at most; out to everywhere, except private and link-local ranges",
    ),
)
