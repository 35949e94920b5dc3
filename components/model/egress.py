"""Hosts that a tier may connect to: each name opens what it means, or is refused with what does."""

from pydantic_core import PydanticCustomError

from .. import hosts, names
from ..hosts import Host, Kind
from .base import refuse
from .workload import Egress

_CALLS = "pulumi config set --path feastflow:frontend.callsBackend true"
_SERVERS = (names.BACKEND, names.FRONTEND, names.DATABASE)
_API_SERVER = ("default", "kubernetes")


def check(tier: str, egress: tuple[Egress, ...], *, namespace: str, domain: str, site: str) -> None:
    """Refuse the names that open nothing, or something else than they mean.

    `namespace` is the stack's, `domain` the cluster's, `site` the host at the edge.

    Raises:
        PydanticCustomError: with the name that does, or the setting.
    """
    for index, host in enumerate(egress):
        found = hosts.read(host.host, domain)
        why, fix, key = _problem(tier, host, found, namespace, domain, site)
        if why:
            raise _refused(why, fix, f"{tier}.egress.{index}.{key}")


def _refused(why: str, fix: str, at: str) -> PydanticCustomError:
    return refuse(why, fix, at=at)


def _problem(
    tier: str, host: Egress, found: Host, namespace: str, domain: str, site: str
) -> tuple[str, str, str]:
    """Return why the host is refused, what to do instead, and the key; empty where it is not."""
    if service := _in_own_namespace(host.host, found, namespace):
        return (*_own(tier, service, site), "host")
    if found.kind is Kind.CLUSTER and (found.namespace, found.service) == _API_SERVER:
        why = "the API server has no pods that a policy could name"
        return ("", "", "") if host.cidrs else (why, "give its addresses in cidrs", "cidrs")
    if host.cidrs:
        if found.kind is Kind.CLUSTER:
            why = "a Service is reached in its namespace, and its address may change at any time"
            return why, "remove cidrs, or name a host outside the cluster", "cidrs"
        return "", "", ""
    return (*_unknown(host.host, found, domain), "host")


def _unknown(name: str, found: Host, domain: str) -> tuple[str, str]:
    if found.kind is Kind.OTHER_DOMAIN:
        return (
            f"it names a Service of a cluster whose domain is {found.domain}, and this one's is {domain}",
            (
                f"if it is this cluster's: pulumi config set --path feastflow:cluster.domain {found.domain}; "
                "a host outside of it needs its addresses in cidrs"
            ),
        )
    if found.kind is Kind.UNKNOWN:
        return (
            "it is written as a name of the cluster's, and no Service and no pod has such a name",
            f"write {names.hosts('name', 'namespace', domain)[-1]}",
        )
    if found.kind is Kind.EITHER:
        return (
            (
                f"it may be short for a Service in the namespace {found.namespace}, or a public host, and a "
                "policy opens either in another way"
            ),
            f"write {name}.svc for the Service, or {name}. (with the dot) for the public host",
        )
    if found.kind is Kind.PRIVATE:
        return (
            (
                "no public DNS server knows such a name, so every public address would be opened, and this "
                "host's would not"
            ),
            "give its addresses, such as cidrs: [10.20.0.0/16]; a Service is written name.namespace.svc",
        )
    return "", ""


def _in_own_namespace(name: str, found: Host, namespace: str) -> str:
    """Return the Service that a name of the stack's own namespace means; empty for other names."""
    if name == f"{found.service}.{names.DATABASE_HEADLESS}":
        # Short for a pod of that Service; no other one has names for its pods.
        return names.DATABASE_HEADLESS
    certain = found.kind is Kind.CLUSTER or _server(found.service)
    return found.service if found.kind is Kind.OWN or (certain and found.namespace == namespace) else ""


def _server(service: str) -> str:
    """Return whose Service it is, of the tiers; empty where it is none's."""
    return next((each for each in _SERVERS if service == each or service.startswith(f"{each}-")), "")


def _own(tier: str, service: str, site: str) -> tuple[str, str]:
    one_side = "a path inside the namespace has two sides, and this would open one"
    return {
        ("frontend", names.BACKEND): (one_side, f"remove it, and have both opened: {_CALLS}"),
        ("frontend", names.DATABASE): (
            "the site has no login of the database and no way to it",
            f"remove it, and ask the API: {_CALLS}",
        ),
        ("backend", names.DATABASE): ("the way to the database is open without it", "remove it"),
        ("backend", names.FRONTEND): (
            f"{one_side}: the site takes requests from the edge alone",
            f"name the site as its visitors do: {site}",
        ),
    }.get(
        (tier, _server(service)),
        (
            "it is in the stack's own namespace, where the stack opens each path, and nothing else is",
            "remove it; another program's Service is in another namespace: name.namespace.svc",
        ),
    )
