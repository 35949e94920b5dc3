"""Hosts that a tier may connect to: each name opens what it means, or is refused with what does."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..values import hosts, names
from ..values.hosts import Host, Kind
from ..values.tiers import TIERS
from .base import refuse
from .workload import Egress

_CALLS = "pulumi config set --path feastflow:frontend.callsBackend true"
_SERVERS = tuple(tier.workload for tier in TIERS)
_API_SERVER = ("default", "kubernetes")
_ONE_SIDE = "a path inside the namespace has two sides, and this would open one"


@dataclass(frozen=True)
class _Problem:
    """Why a host is refused, and what to do instead; `key` is the one to change."""

    why: str
    fix: str
    key: str = "host"


def check(tier: str, egress: tuple[Egress, ...], *, namespace: str, domain: str, site: str) -> None:
    """Refuse the names that open nothing, or something else than they mean.

    `namespace` is the stack's, `domain` the cluster's, `site` the host at the edge.

    Raises:
        PydanticCustomError: with the name that does, or the setting.
    """
    for index, host in enumerate(egress):
        found = hosts.read(host.host, domain)
        if service := _in_own_namespace(host.host, found, namespace):
            problem: _Problem | None = _own(tier, service, site)
        elif found.kind is Kind.CLUSTER:
            problem = _inside(host, found)
        else:
            problem = None if host.cidrs else _unknown(host.host, found, domain)
        if problem:
            raise refuse(problem.why, problem.fix, at=f"{tier}.egress.{index}.{problem.key}")


def check_endpoint(url: str, *, namespace: str, domain: str, at: str) -> None:
    """Refuse a URL whose host is neither a Service of another namespace nor certainly public.

    Raises:
        PydanticCustomError: for the key `at`.
    """
    name = urlsplit(url).hostname or ""
    found = hosts.read(name, domain)
    service = names.hosts("collector", "observability", domain)[2]
    if _in_own_namespace(name, found, namespace):
        raise refuse(
            "it is in the stack's own namespace, where the stack opens each path, and nothing else is",
            f"name the collector's Service in its own namespace, such as {service}",
            at=at,
        )
    if found.kind is Kind.PRIVATE:
        raise refuse(
            "no public DNS server knows such a name, and a policy opens addresses",
            f"name a collector in the cluster that passes it on, such as {service}",
            at=at,
        )
    if problem := _unknown(name, found, domain):
        raise refuse(problem.why, problem.fix, at=at)


def check_store(way: Egress, *, namespace: str, domain: str, key: str) -> None:
    """Refuse a store of backups whose name opens nothing, or that would be deleted with the stack.

    `key` is the section of the settings that names it.

    Raises:
        PydanticCustomError: with the name that does, or the setting.
    """
    found = hosts.read(way.host, domain)
    if _in_own_namespace(way.host, found, namespace):
        raise refuse(
            "it is in the stack's own namespace, and what deletes the database would delete its backups too",
            "name a store elsewhere, such as http://store.backups.svc:9000",
            at=f"{key}.endpoint",
        )
    if problem := _closed(way, found, domain):
        at = "cidrs" if problem.key == "cidrs" else "endpoint"
        raise refuse(problem.why, problem.fix, at=f"{key}.{at}")


def check_database(way: Egress, *, namespace: str, domain: str) -> None:
    """Refuse an external server of the database whose name opens nothing, or a path of one side.

    Raises:
        PydanticCustomError: with the name that does, or the setting.
    """
    found = hosts.read(way.host, domain)
    if _in_own_namespace(way.host, found, namespace):
        raise refuse(
            "it is in the stack's own namespace, where the stack opens each path, and nothing else is",
            "name a server elsewhere, such as postgres.other-namespace.svc, or set engine to standalone",
            at="database.external.host",
        )
    if problem := _closed(way, found, domain):
        raise refuse(problem.why, problem.fix, at=f"database.external.{problem.key}")


def _closed(way: Egress, found: Host, domain: str) -> _Problem | None:
    """Return why a host outside the namespace would not be opened; None where it is."""
    if found.kind is Kind.CLUSTER:
        return _inside(way, found)
    return None if way.cidrs else _unknown(way.host, found, domain)


def _inside(host: Egress, found: Host) -> _Problem | None:
    if (found.namespace, found.service) == _API_SERVER:
        why = "the API server has no pods that a policy could name"
        return None if host.cidrs else _Problem(why, "give its addresses in cidrs", "cidrs")
    if host.cidrs:
        why = "a Service is reached in its namespace, and its address may change at any time"
        return _Problem(why, "remove cidrs, or name a host outside the cluster", "cidrs")
    return None


def _unknown(name: str, found: Host, domain: str) -> _Problem | None:
    if found.kind is Kind.OTHER_DOMAIN:
        return _Problem(
            f"it names a Service of a cluster whose domain is {found.domain}, and this one's is {domain}",
            f"if it is this cluster's: pulumi config set --path feastflow:cluster.domain {found.domain}; "
            "a host outside of it needs its addresses in cidrs",
        )
    if found.kind is Kind.UNKNOWN:
        return _Problem(
            "it is written as a name of the cluster's, and no Service and no pod has such a name",
            f"write {names.hosts('name', 'namespace', domain)[-1]}",
        )
    if found.kind is Kind.EITHER:
        return _Problem(
            f"it may be short for a Service in the namespace {found.namespace}, or a public host, and a "
            "policy opens either in another way",
            f"write {name}.svc for the Service, or {name}. (with the dot) for the public host",
        )
    if found.kind is Kind.PRIVATE:
        return _Problem(
            "no public DNS server knows such a name, so every public address would be opened, and this "
            "host's would not",
            "give its addresses, such as cidrs: [10.20.0.0/16]; a Service is written name.namespace.svc",
        )
    return None


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


def _own(tier: str, service: str, site: str) -> _Problem:
    server = _server(service)
    if (tier, server) == ("frontend", names.BACKEND):
        return _Problem(_ONE_SIDE, f"remove it, and have both opened: {_CALLS}")
    if (tier, server) == ("frontend", names.DATABASE):
        why = "the site has no login of the database and no way to it"
        return _Problem(why, f"remove it, and ask the API: {_CALLS}")
    if (tier, server) == ("backend", names.DATABASE):
        return _Problem("the way to the database is open without it", "remove it")
    if (tier, server) == ("backend", names.FRONTEND):
        why = f"{_ONE_SIDE}: the site takes requests from the edge alone"
        return _Problem(why, f"name the site as its visitors do: {site}")
    return _Problem(
        "it is in the stack's own namespace, where the stack opens each path, and nothing else is",
        "remove it; another program's Service is in another namespace: name.namespace.svc",
    )
