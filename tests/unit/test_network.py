"""Every path that is open, and that no other is."""

from typing import Any

from .recorder import Recording, record_stack
from .test_hardening import THIRD


def rules(recording: Recording, direction: str) -> dict[str, list[dict[str, Any]]]:
    """Rules by policy, of one direction: `ingress` or `egress`."""
    return {
        policy.object_name: policy.inputs["spec"][direction]
        for policy in recording.all("NetworkPolicy")
        if policy.inputs["spec"].get(direction)
    }


def own(selector: dict[str, Any]) -> str:
    """Whose pods they are."""
    labels = selector.get("matchLabels", {})
    return (
        "database" if labels.get("cnpg.io/cluster") == "postgres" else str(labels.get("component", "anybody"))
    )


def component(peer: dict[str, Any]) -> str:
    """Who a peer is, in one word."""
    if "podSelector" in peer and "namespaceSelector" not in peer:
        return own(peer["podSelector"])
    if "namespaceSelector" in peer:
        return "namespace " + str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
    return str(peer["ipBlock"]["cidr"])


def paths(recording: Recording) -> set[tuple[str, str, int]]:
    """Every (client, server, port) that is open in both directions, or whose other side is outside."""
    into, out = set(), set()
    for policy in recording.all("NetworkPolicy"):
        spec = policy.inputs["spec"]
        here = own(spec["podSelector"])
        for rule in spec.get("ingress", []):
            into |= {(component(peer), here, port["port"]) for peer in rule["from"] for port in rule["ports"]}
        for rule in spec.get("egress", []):
            out |= {(here, component(peer), port["port"]) for peer in rule["to"] for port in rule["ports"]}
    inside = {"backend", "frontend", "database", "migrations", "roles"}
    half = {path for path in into ^ out if path[0] in inside and path[1] in inside}
    assert half == set(), "a path inside the namespace needs both of its policies"
    return into | out


def test_the_open_paths_of_dev_are_these_and_no_others(dev: Recording) -> None:
    assert paths(dev) == {
        ("anybody", "namespace kube-system", 53),
        ("namespace traefik", "backend", 5000),
        ("namespace traefik", "frontend", 3000),
        ("backend", "database", 5432),
        ("migrations", "database", 5432),
        ("roles", "database", 5432),
    }


# No cluster is asked here, and no last update is known.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")


def test_the_open_paths_of_prod_are_devs_and_what_replication_needs(dev: Recording, prod: Recording) -> None:
    assert paths(prod) - paths(dev) == {
        ("database", "database", 5432),
        ("database", "database", 8000),
        ("namespace cnpg-system", "database", 8000),
        *(("database", private, port) for private in PRIVATE for port in (443, 6443)),
    }
    assert paths(dev) <= paths(prod)


def test_the_backend_reaches_the_database_by_the_policy_of_the_seeds_name(dev: Recording) -> None:
    spec = dev.one("NetworkPolicy", "postgres-network-policy").inputs["spec"]
    assert spec["podSelector"]["matchLabels"]["component"] == "database"
    assert spec["policyTypes"] == ["Ingress"]
    clients = spec["ingress"][0]["from"]
    assert [component(peer) for peer in clients] == ["backend", "migrations"]
    assert spec["ingress"][0]["ports"] == [{"port": 5432, "protocol": "TCP"}]


def test_a_policy_that_opens_one_direction_leaves_the_other_closed(dev: Recording) -> None:
    for policy in dev.all("NetworkPolicy"):
        spec = policy.inputs["spec"]
        if policy.object_name != "default-deny":
            assert spec["policyTypes"] == (["Ingress"] if "ingress" in spec else ["Egress"]), policy.name


def test_hosts_outside_are_opened_as_narrowly_as_they_are_known() -> None:
    recording = record_stack(THIRD)
    anywhere, redis = rules(recording, "egress")["feastflow-backend-to-outside"]
    assert redis == {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "tools"}}}],
        "ports": [{"port": 6379, "protocol": "TCP"}],
    }
    ipv4, ipv6 = (peer["ipBlock"] for peer in anywhere["to"])
    assert anywhere["ports"] == [{"port": 443, "protocol": "TCP"}]
    assert ipv4["cidr"] == "0.0.0.0/0"
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(ipv4["except"])
    assert (ipv6["cidr"], ipv6["except"]) == ("::/0", ["fc00::/7", "fe80::/10"])
    assert rules(recording, "egress")["feastflow-frontend-to-outside"] == [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 8443, "protocol": "TCP"}]}
    ]


def test_pods_start_only_when_their_paths_are_open() -> None:
    recording = record_stack(THIRD)
    backend = recording.one("Deployment", "feastflow-backend")
    for name in ("feastflow-backend-to-outside", "postgres-network-policy", "feastflow-backend-to-postgres"):
        assert recording.one("NetworkPolicy", name).urn in backend.dependencies
