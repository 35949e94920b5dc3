"""Addresses by what they are for: which of them are public, and which no rule of the network may name.

The ranges are those of IANA's registries of special purposes, with multicast, and with the addresses by which
clouds tell a machine its credentials. Pure: texts of ranges, no resources.
"""

import ipaddress
from collections.abc import Mapping, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Where clouds answer every machine with its identity, beyond the link-local 169.254.0.0/16 of most of them.
METADATA = (
    "100.100.100.200/32",  # Alibaba Cloud
    "168.63.129.16/32",  # Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    "169.254.0.0/16",  # AWS, Azure, Google Cloud, DigitalOcean, OpenStack and others; also ECS' 169.254.170.2
    "192.0.0.192/32",  # Oracle Cloud
    "fd00:c1::a9fe:a9fe/128",  # Oracle Cloud
    "fd00:ec2::/32",  # AWS: fd00:ec2::254, and ::23 of EKS Pod Identity
    "fd20:ce::254/128",  # Google Cloud
    "fe80::a9fe:a9fe/128",  # OpenStack
)
# https://www.iana.org/assignments/iana-ipv4-special-registry, but for the blocks that are reachable from
# everywhere, and https://www.iana.org/assignments/multicast-addresses.
_SPECIAL_IPV4 = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",  # carriers, clusters' pods, and Alibaba's metadata
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",  # also Oracle's metadata
    "192.0.2.0/24",
    "192.88.99.0/24",  # relays of 6to4, as were
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
# Of IPv6 only this block is given out: https://www.iana.org/assignments/ipv6-address-space. Outside of it are
# private addresses (fc00::/7), link-local ones (fe80::/10), multicast, and IPv4 by mapping (::ffff:0:0/96) or
# by NAT64 (64:ff9b::/96, 64:ff9b:1::/48).
_GLOBAL_IPV6 = "2000::/3"
# https://www.iana.org/assignments/iana-ipv6-special-registry, as far as it is inside.
_SPECIAL_IPV6 = (
    "2001::/23",  # protocols, of which Teredo holds IPv4 addresses
    "2001:db8::/32",
    "2002::/16",  # 6to4, which holds IPv4 addresses
    "3fff::/20",
)
# Each range with what is not public of it.
PUBLIC: Mapping[str, Sequence[str]] = {"0.0.0.0/0": _SPECIAL_IPV4, _GLOBAL_IPV6: _SPECIAL_IPV6}

# Addresses that stand for others, which a rule would open without naming them.
_DISGUISED = ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
_UNUSED = ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/127", "ff00::/8")
# A whole private network is an /8, and a provider's block a /32.
_WIDEST = {4: 8, 6: 32}


def problem(text: str) -> str:
    """Return why a range that the settings name as one owner's cannot be; empty where it can."""
    network = ipaddress.ip_network(text)
    for ranges, why in (
        (_DISGUISED, "these addresses stand for IPv4 ones, which the range would open unseen"),
        (_UNUSED, "no machine has these addresses on a network"),
        (METADATA, "a cloud's metadata service, which gives a machine's credentials away, is among them"),
    ):
        if any(network.overlaps(other) for other in _networks(ranges) if other.version == network.version):
            return why
    if network.prefixlen < _WIDEST[network.version]:
        return "so wide a range is everybody's, not one owner's"
    return ""


def is_host(text: str) -> bool:
    """Return whether the range is a single address."""
    network = ipaddress.ip_network(text)
    return network.prefixlen == network.max_prefixlen


def _networks(ranges: Sequence[str]) -> list[Network]:
    return [ipaddress.ip_network(text) for text in ranges]
