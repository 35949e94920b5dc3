"""Addresses of the Kubernetes API, for the instances of a replicated database, which keep their state there.

They are, first that is known: the setting; what the cluster says of its Service `kubernetes`; what it said at
the last update, where no cluster can be asked now. In a rendering nothing is known: private networks.
"""

import ipaddress
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from ..settings.model.tenancy import API_SERVER_PORTS, Cluster
from ..workloads import network
from ..workloads.network import Rule
from .cluster.live import Seen

OUTPUT = "apiServer"
# What RFC 1918, RFC 6598 and RFC 4193 leave to networks of one's own; no metadata service is in there.
_PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8")


def rules(
    settings: Cluster, seen: Seen | None, before: pulumi.Output[dict[str, Any]]
) -> pulumi.Output[list[Rule]]:
    """Return what the instances may connect to."""
    found = seen.api_server if seen else ()
    if settings.api_server:
        return pulumi.Output.from_input(_by_range(settings.api_server, settings.server_ports))
    if found:
        return pulumi.Output.from_input(_by_address(found))
    # Where another output of the stack is secret, all that was read with it counts as secret.
    return pulumi.Output.unsecret(
        before.apply(lambda last: _by_address(last.get(OUTPUT) or ()) or _by_range(_PRIVATE))
    )


def recorded(seen: Seen | None, before: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is to be remembered for a preview without a cluster."""
    found = list(seen.api_server) if seen and seen.api_server else before.get(OUTPUT)
    return {OUTPUT: found} if found else {}


def _by_range(ranges: Sequence[str], ports: Sequence[int] = API_SERVER_PORTS) -> list[Rule]:
    return [Rule(peers=network.addresses(ranges), ports=ports)]


def _by_address(found: Sequence[str]) -> list[Rule]:
    by_port: dict[int, list[str]] = defaultdict(list)
    for each in found:
        address, port = each.split(" ")
        by_port[int(port)].append(f"{address}/{ipaddress.ip_address(address).max_prefixlen}")
    return [Rule(peers=network.addresses(by_port[port]), ports=[port]) for port in sorted(by_port)]
