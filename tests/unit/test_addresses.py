"""Public and other addresses, of both families, and the ranges that the settings may name."""

import ipaddress
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from components.settings.values import addresses
from components.settings.values.addresses import METADATA, PUBLIC, Network

# IANA's registries of special purposes, as of 2026-11: a block, and whether it is reachable from everywhere.
# https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry
REGISTRY = {
    "0.0.0.0/8": False,
    "0.0.0.0/32": False,
    "10.0.0.0/8": False,
    "100.64.0.0/10": False,
    "127.0.0.0/8": False,
    "169.254.0.0/16": False,
    "172.16.0.0/12": False,
    "192.0.0.0/24": False,
    "192.0.0.0/29": False,
    "192.0.0.8/32": False,
    "192.0.0.170/32": False,
    "192.0.0.171/32": False,
    "192.0.2.0/24": False,
    "192.31.196.0/24": True,
    "192.52.193.0/24": True,
    "192.88.99.0/24": False,
    "192.168.0.0/16": False,
    "192.175.48.0/24": True,
    "198.18.0.0/15": False,
    "198.51.100.0/24": False,
    "203.0.113.0/24": False,
    "240.0.0.0/4": False,
    "255.255.255.255/32": False,
    "::1/128": False,
    "::/128": False,
    "::ffff:0:0/96": False,
    "64:ff9b::/96": False,
    "64:ff9b:1::/48": False,
    "100::/64": False,
    "100:0:0:1::/64": False,
    "2001::/23": False,
    "2001::/32": False,
    "2001:2::/48": False,
    "2001:10::/28": False,
    "2001:db8::/32": False,
    "2002::/16": False,
    "2620:4f:8000::/48": True,
    "3fff::/20": False,
    "5f00::/16": False,
    "fc00::/7": False,
    "fe80::/10": False,
}
# By the clouds' own pages, and by the names under which tools that steal credentials know them.
SERVICES = (
    *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.169.253", "169.254.0.23"),
    *("168.63.129.16", "192.0.0.192", "100.100.100.200", "fd00:ec2::254", "fd00:ec2::23"),
    *("fd20:ce::254", "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe", "::ffff:169.254.169.254"),
    *("64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "64:ff9b:1::a9fe:a9fe", "::169.254.169.254"),
)
MULTICAST = ("224.0.0.0/4", "ff00::/8")


def allowed() -> list[Network]:
    """Return every range that is left when what is not public is taken out of it."""

    def left(whole: Network, without: Network) -> Iterator[Network]:
        if not whole.overlaps(without):
            yield whole
        elif whole != without and without.subnet_of(whole):  # type: ignore[arg-type]
            yield from whole.address_exclude(without)  # type: ignore[arg-type]

    found: list[Network] = []
    for text, special in PUBLIC.items():
        ranges: list[Network] = [ipaddress.ip_network(text)]
        for other in special:
            ranges = [each for whole in ranges for each in left(whole, ipaddress.ip_network(other))]
        found += ranges
    return found


ALLOWED = allowed()


def is_allowed(text: str) -> bool:
    network = ipaddress.ip_network(text)
    return any(each.overlaps(network) for each in ALLOWED if each.version == network.version)


@pytest.mark.parametrize(
    "block", [*(block for block, reachable in REGISTRY.items() if not reachable), *MULTICAST]
)
def test_nothing_private_or_special_is_public(block: str) -> None:
    assert not is_allowed(block)


@pytest.mark.parametrize("service", SERVICES)
def test_no_clouds_metadata_is_public(service: str) -> None:
    assert not is_allowed(service)


@pytest.mark.parametrize("service", [*METADATA, *SERVICES[:13]])
def test_a_metadata_service_is_known_as_one_or_is_no_address_of_a_host(service: str) -> None:
    assert addresses.problem(str(ipaddress.ip_network(service)))


@pytest.mark.parametrize("block", [block for block, reachable in REGISTRY.items() if reachable])
def test_a_block_that_is_reachable_from_everywhere_stays_public(block: str) -> None:
    network = ipaddress.ip_network(block)
    assert any(
        network.subnet_of(each)  # type: ignore[arg-type]
        for each in ALLOWED
        if each.version == network.version
    )


def test_every_address_of_ipv4_that_no_registry_names_is_public() -> None:
    special = [
        ipaddress.IPv4Network(block)
        for block in (*REGISTRY, *MULTICAST, "168.63.129.16/32")
        if ":" not in block and not REGISTRY.get(block)
    ]
    closed = sum(network.num_addresses for network in ipaddress.collapse_addresses(special))
    public = sum(network.num_addresses for network in ALLOWED if network.version == 4)
    assert public == 2**32 - closed


def test_every_address_of_ipv6_that_is_given_out_and_that_no_registry_names_is_public() -> None:
    given_out = ipaddress.IPv6Network("2000::/3")
    special = [
        network
        for block, reachable in REGISTRY.items()
        if ":" in block and not reachable and (network := ipaddress.IPv6Network(block)).subnet_of(given_out)
    ]
    closed = sum(network.num_addresses for network in ipaddress.collapse_addresses(special))
    public = sum(network.num_addresses for network in ALLOWED if network.version == 6)
    assert public == given_out.num_addresses - closed


@given(st.ip_addresses())
@example(ipaddress.ip_address("1.1.1.1"))
@example(ipaddress.ip_address("2606:4700:4700::1111"))
def test_an_address_is_public_only_if_python_calls_it_global_too(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_allowed(str(address)):
        assert address.is_global
        assert not address.is_multicast


def test_an_exception_is_inside_its_range_as_kubernetes_demands() -> None:
    for text, special in PUBLIC.items():
        whole = ipaddress.ip_network(text)
        for other in special:
            inner = ipaddress.ip_network(other)
            assert inner.subnet_of(whole)  # type: ignore[arg-type]
            assert inner != whole


@pytest.mark.parametrize(
    "text",
    ["10.0.0.0/8", "172.31.0.0/16", "130.211.0.0/22", "35.191.0.0/16", "192.0.2.10/32", "2001:db8::/32"],
)
def test_a_private_or_a_providers_range_may_be_named(text: str) -> None:
    assert addresses.problem(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        *("0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1", "64.0.0.0/7", "2600::/12"),
        *("127.0.0.1/32", "::1/128", "224.0.0.1/32", "ff02::1/128", "255.255.255.255/32", "0.0.0.0/32"),
        *("::ffff:10.0.0.0/104", "64:ff9b::a00:0/104", "2002:a00::/24", "169.254.0.0/17"),
    ],
)
def test_a_range_that_is_too_wide_or_special_may_not_be_named(text: str) -> None:
    assert addresses.problem(text)
