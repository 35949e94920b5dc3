"""Cases of the rules about openings."""

from components.settings.values.addresses import PUBLIC

from .shape import About, Change

_PODS = {"podSelector": {"matchLabels": {"app": "web"}}}
_PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"]


def _from(*peers: object) -> Change:
    return {"spec/ingress": [{"from": list(peers), "ports": [{"port": 8080}]}]}


def _to(*peers: object, port: int = 443) -> Change:
    return {"spec/egress": [{"to": list(peers), "ports": [{"port": port}]}]}


def _ports(*ports: object) -> Change:
    return {"spec/ingress": [{"from": [_PODS], "ports": list(ports)}]}


def _block(cidr: str, *holes: str) -> dict[str, object]:
    return {"ipBlock": {"cidr": cidr, **({"except": list(holes)} if holes else {})}}


ABOUT: dict[str, About] = {
    "network-policy-ports": About(
        kind="NetworkPolicy",
        field="spec/ingress",
        allowed=(
            _ports({"port": "http"}),
            _ports({"port": 8080, "endPort": 8095}),
            _ports({"port": 53, "protocol": "UDP"}, {"port": 53}),
        ),
        denied=(
            _ports({"protocol": "TCP"}),
            _ports({"port": 8080}, {}),
            _ports({"port": 1, "endPort": 65535}),
            _ports({"port": 8080, "endPort": 8096}),
            {"spec/egress": [{"to": [_PODS], "ports": [{"protocol": "UDP"}]}]},
        ),
    ),
    "network-policy-peers": About(
        kind="NetworkPolicy",
        field="spec/ingress",
        allowed=(
            _from({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "traefik"}}}),
            _from(
                {
                    "namespaceSelector": {
                        "matchExpressions": [{"key": "team", "operator": "In", "values": ["web", "shop"]}]
                    }
                }
            ),
            _to({"namespaceSelector": {}, **_PODS}, port=53),
            _from(_block("192.0.2.0/24")),
        ),
        denied=(
            _from({"namespaceSelector": {}}),
            _from({"podSelector": {}}),
            _from(_PODS, {"namespaceSelector": {}, "podSelector": {}}),
            _from({"namespaceSelector": {}, **_PODS}),
            _from(
                {
                    "namespaceSelector": {
                        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "Exists"}]
                    }
                }
            ),
            _from({"podSelector": {"matchExpressions": [{"key": "evil", "operator": "DoesNotExist"}]}}),
            _to({"namespaceSelector": {}}),
            _to({"podSelector": {}}),
        ),
    ),
    "network-policy-ranges": About(
        kind="NetworkPolicy",
        field="spec/ingress",
        allowed=(
            _from(_block("10.1.0.0/16")),
            _from(_block("2001:db8:1::/48")),
            _to(_block("203.0.113.7/32")),
            # NodeLocal DNS.
            _to(_block("169.254.20.10/32"), port=53),
            _to(_block("0.0.0.0/0", *_PRIVATE), _block("::/0", "fc00::/7", "fe80::/10"), port=587),
            _to(_block("0.0.0.0/0", "169.254.0.0/16"), port=6443),
            _to(*(_block(cidr, *special) for cidr, special in PUBLIC.items())),
        ),
        denied=(
            _from(_block("0.0.0.0/0")),
            _from(_block("0.0.0.0/0", *_PRIVATE)),
            _from(_block("::/0")),
            _from(_block("2000::/3")),
            _to(_block("2000::/2")),
            _to(_block("c000::/3")),
            _from(_block("0.0.0.0/1"), _block("128.0.0.0/1")),
            _from(_block("10.0.0.0/8")),
            _from(_block("2001:db8::/32")),
            _to(_block("0.0.0.0/0")),
            _to(_block("169.254.169.254/32")),
            _to(_block("168.63.129.16/32")),
            _to(_block("fd00:ec2::254/128")),
            _to(_block("64:ff9b::/96")),
            _to(_block("0.0.0.0/0", "169.254.0.0/16"), port=22),
            _to(_block("0.0.0.0/0", *_PRIVATE[:3])),
            _to(_block("128.0.0.0/1", *_PRIVATE[1:])),
        ),
    ),
}
