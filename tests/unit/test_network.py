"""Every open network path, and no other."""

from typing import Any

import pytest

from components.settings.values.addresses import PUBLIC

from .recorder import Recording, record_stack
from .test_hardening import THIRD
from .test_settings import MINIMAL, refusal


def rules(recording: Recording, direction: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rules of each policy in one direction: `ingress` or `egress`."""
    return {
        policy.object_name: policy.inputs["spec"][direction]
        for policy in recording.all("NetworkPolicy")
        if policy.inputs["spec"].get(direction)
    }


def own(selector: dict[str, Any]) -> str:
    """Return the tier whose pods a selector selects."""
    labels = selector.get("matchLabels", {})
    return (
        "database" if labels.get("cnpg.io/cluster") == "postgres" else str(labels.get("component", "anybody"))
    )


def component(peer: dict[str, Any]) -> str:
    """Return a short name for a peer: a tier, a namespace or a range."""
    if "podSelector" in peer and "namespaceSelector" not in peer:
        return own(peer["podSelector"])
    if "namespaceSelector" in peer:
        return "namespace " + str(peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"])
    return str(peer["ipBlock"]["cidr"])


def paths(recording: Recording) -> set[tuple[str, str, int]]:
    """Return every (client, server, port) that is open in both directions, or whose other side is outside."""
    into, out = set(), set()
    for policy in recording.all("NetworkPolicy"):
        spec = policy.inputs["spec"]
        here = own(spec["podSelector"])
        for rule in spec.get("ingress", []):
            into |= {(component(peer), here, port["port"]) for peer in rule["from"] for port in rule["ports"]}
        for rule in spec.get("egress", []):
            out |= {(here, component(peer), port["port"]) for peer in rule["to"] for port in rule["ports"]}
    inside = {"backend", "frontend", "database", "jobs", "migrations", "roles"}
    half = {path for path in into ^ out if path[0] in inside and path[1] in inside}
    assert half == set(), "a path inside the namespace needs both of its policies"
    return into | out


def test_the_open_paths_of_dev_are_these_and_no_others(dev: Recording) -> None:
    assert paths(dev) == {
        ("anybody", "namespace kube-system", 53),
        ("namespace traefik", "backend", 5000),
        ("namespace traefik", "frontend", 3000),
        ("namespace observability", "backend", 5000),
        ("backend", "database", 5432),
        ("migrations", "database", 5432),
        ("jobs", "database", 5432),
        ("roles", "database", 5432),
    }


# No cluster is asked here, and no last update is known.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")


def test_the_open_paths_of_prod_are_devs_and_what_replication_needs(dev: Recording, prod: Recording) -> None:
    assert paths(prod) - paths(dev) == {
        ("database", "database", 5432),
        ("database", "database", 8000),
        ("namespace cnpg-system", "database", 8000),
        ("namespace observability", "database", 9187),
        *(("database", private, port) for private in PRIVATE for port in (443, 6443)),
    }
    assert paths(dev) <= paths(prod)


def test_the_backend_reaches_the_database_by_the_policy_of_the_seeds_name(dev: Recording) -> None:
    spec = dev.one("NetworkPolicy", "postgres-network-policy").inputs["spec"]
    assert spec["podSelector"]["matchLabels"]["component"] == "database"
    assert spec["policyTypes"] == ["Ingress"]
    clients = spec["ingress"][0]["from"]
    assert [component(peer) for peer in clients] == ["backend", "migrations", "jobs"]
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
    # tests/unit/test_addresses.py tests these addresses.
    assert {block["cidr"]: block["except"] for block in (ipv4, ipv6)} == {
        cidr: list(special) for cidr, special in PUBLIC.items()
    }
    assert rules(recording, "egress")["feastflow-frontend-to-outside"] == [
        {"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 8443, "protocol": "TCP"}]}
    ]


def dns(**tenancy: object) -> list[dict[str, Any]]:
    recording = record_stack({**MINIMAL, "feastflow:tenancy": tenancy})
    return rules(recording, "egress")["allow-dns"]


def test_dns_is_known_by_its_own_labels_and_ports() -> None:
    label = {"dns.operator.openshift.io/daemonset-dns": "default"}
    assert dns(dnsNamespace="openshift-dns", dnsLabels=label, dnsPorts=[5353]) == [
        {
            "to": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-dns"}},
                    "podSelector": {"matchLabels": label},
                }
            ],
            "ports": [{"port": 5353, "protocol": "UDP"}, {"port": 5353, "protocol": "TCP"}],
        }
    ]


def test_a_cache_on_the_node_is_asked_by_its_address_and_on_the_port_of_dns_alone() -> None:
    pods, cache = dns(dnsPorts=[5353], dnsAddresses=["169.254.20.10", "fd00::a/128"])
    assert pods["ports"] == [{"port": 5353, "protocol": "UDP"}, {"port": 5353, "protocol": "TCP"}]
    assert cache == {
        "to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}, {"ipBlock": {"cidr": "fd00::a/128"}}],
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
    }


def test_a_controller_that_is_no_pod_is_known_by_its_addresses_and_nothing_else_reaches_the_tiers() -> None:
    ranges = ["130.211.0.0/22", "2600:1901::/48"]
    edge = {"host": "shop.example.com", "controllerCidrs": ranges}
    recording = record_stack({**MINIMAL, "feastflow:edge": edge})
    into = rules(recording, "ingress")
    for name, port in {"feastflow-backend": 5000, "feastflow-frontend": 3000}.items():
        assert into[f"edge-to-{name}"] == [
            {
                "from": [{"ipBlock": {"cidr": cidr}} for cidr in ranges],
                "ports": [{"port": port, "protocol": "TCP"}],
            }
        ]


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"edge": {"host": "a.example.com", "controllerCidrs": ["0.0.0.0/0"]}}, "edge.controllerCidrs[0]"),
        ({"edge": {"host": "a.example.com", "controllerCidrs": ["10.0.0.1/8"]}}, "edge.controllerCidrs[0]"),
        (
            {"backend": {"egress": [{"host": "a.example.com", "cidrs": ["169.254.169.254/32"]}]}},
            "backend.egress[0].cidrs[0]",
        ),
        ({"tenancy": {"dnsAddresses": ["169.254.0.0/16"]}}, "tenancy.dnsAddresses[0]"),
        ({"tenancy": {"dnsLabels": {"k8s app": "dns"}}}, 'tenancy.dnsLabels["k8s app"]'),
        ({"tenancy": {"dnsPorts": []}}, "tenancy.dnsPorts"),
        ({"cluster": {"ipFamilies": []}}, "cluster.ipFamilies"),
    ],
)
def test_an_opening_that_is_too_wide_or_empty_is_refused(section: dict[str, Any], key: str) -> None:
    assert f"feastflow:{key}\n" in refusal(**section)


@pytest.mark.parametrize(
    ("families", "host"), [(["IPv4"], "0.0.0.0"), (["IPv6"], "::"), (["IPv4", "IPv6"], "::")]
)
def test_the_site_listens_on_every_family_that_its_pods_have(families: list[str], host: str) -> None:
    recording = record_stack({**MINIMAL, "feastflow:cluster": {"ipFamilies": families}})
    assert recording.one("ConfigMap", "frontend-config").inputs["data"]["HOSTNAME"] == host


def test_pods_start_only_when_their_paths_are_open() -> None:
    recording = record_stack(THIRD)
    backend = recording.one("Deployment", "feastflow-backend")
    for name in ("feastflow-backend-to-outside", "postgres-network-policy", "feastflow-backend-to-postgres"):
        assert recording.one("NetworkPolicy", name).urn in backend.dependencies
