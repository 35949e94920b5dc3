"""The cluster, asked whether it can take the stack: version, DNS, operator, our rights, what it offers.

A few requests with the answers that they gave; what they mean is for `suitable` to say. Where an account may
not read something, it stays unknown, and nothing is concluded from it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...settings.model.stack import Stack
from ...settings.model.tenancy import DNS_LABELS
from . import offers, rights
from .offers import Offers
from .rights import Need

Object = Mapping[str, Any]
# Returns the object at a path, None where it is not there or may not be read; with a body it is posted.
Ask = Callable[..., dict[str, Any] | None]

_OPERATOR_NAME = ("app.kubernetes.io/name", "cloudnative-pg")
_NODE_LOCAL = "apis/apps/v1/namespaces/kube-system/daemonsets/node-local-dns"
_AUTHORIZATION = "apis/authorization.k8s.io/v1"
# Where clusters have their DNS pods by their own documentation, besides the settings' defaults.
_DNS_PLACES = (
    ("openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"}),
    ("kube-system", DNS_LABELS),
    ("kube-system", {"k8s-app": "coredns"}),
    ("kube-system", {"app.kubernetes.io/name": "coredns"}),
    ("kube-system", {"k8s-app": "core-dns"}),
)
_UNKNOWN = Offers()


@dataclass(frozen=True, kw_only=True)
class Dns:
    """Pods that answer names: where they are, and the ports that they listen on, empty where none is told."""

    namespace: str
    labels: Mapping[str, str]
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The cluster's answers; None is unknown.

    `version` is major and minor. `dns` are the pods that the settings name, or others where they name none;
    `dns_is_known` says whether it could be looked for. `node_local` are the addresses of NodeLocal DNSCache.
    `operators` are accounts (`namespace/name`) of the database's operators, in the namespace of the settings
    or wherever there are. `missing` is what the account may not make, `needed` all that it has to make.
    `monitors` says, where the stack leaves that to the cluster, whether it has the definitions of PodMonitors
    and PrometheusRules, and `unmade` which of the two the account may not make. `offers` is what else the
    cluster has.
    """

    version: tuple[int, int] | None = None
    dns: Dns | None = None
    dns_is_known: bool = False
    node_local: tuple[str, ...] = ()
    operators: tuple[str, ...] | None = None
    missing: tuple[Need, ...] = ()
    needed: tuple[Need, ...] = ()
    monitors: bool = False
    unmade: tuple[Need, ...] = ()
    offers: Offers = _UNKNOWN


def look(ask: Ask, stack: Stack, *, exists: bool) -> Survey:
    """Ask; `exists` says whether the stack's namespace is there."""
    dns, is_known = _dns(ask, stack)
    wanted = rights.needed(stack, exists=exists)
    found = offers.look(ask, stack, exists=exists)
    served = _has_monitors(ask, stack, found)
    return Survey(
        version=_version(ask("version")),
        dns=dns,
        dns_is_known=is_known,
        node_local=_node_local(ask(_NODE_LOCAL)),
        operators=_operators(ask, stack) if stack.database.engine == "replicated" else None,
        missing=_missing(ask, stack.namespace, wanted),
        needed=wanted,
        monitors=served,
        unmade=_missing(ask, stack.namespace, rights.monitors()) if served else (),
        offers=found,
    )


def _has_monitors(ask: Ask, stack: Stack, found: Offers) -> bool:
    """Return whether the stack may choose its monitors by the cluster, and the cluster has both kinds."""
    settings = stack.observability
    chosen = not settings.enabled or settings.monitors is not None
    if chosen or rights.MONITORS not in (found.groups or ()):
        return False
    served = ask(f"apis/{rights.MONITORS}/v1") or {}
    kinds = {str(each.get("name")) for each in served.get("resources") or ()}
    return kinds >= {need.resource for need in rights.monitors()}


def operator(stack: Stack, found: Survey | None) -> str | None:
    """Return the account of the database's operator as the settings or the cluster name it."""
    database = stack.database
    if database.operator_account:
        return f"{database.operator_namespace}/{database.operator_account}"
    own = [each for each in (found.operators if found else None) or () if _is_of(each, stack)]
    return own[0] if len(own) == 1 else None


def _version(told: Object | None) -> tuple[int, int] | None:
    """Return the version; managed clusters tell minors such as `29+`."""
    try:
        major, minor = str((told or {})["major"]), str((told or {})["minor"])
        return int(major), int("".join(each for each in minor if each.isdigit()))
    except (KeyError, ValueError):
        return None


def _dns(ask: Ask, stack: Stack) -> tuple[Dns | None, bool]:
    tenancy = stack.tenancy
    own = (tenancy.dns_namespace, tenancy.dns_selector)
    is_known = False
    for namespace, labels in (own, *(each for each in _DNS_PLACES if each != own)):
        listed = ask(f"api/v1/namespaces/{namespace}/pods?labelSelector={_selector(labels)}&limit=1")
        if listed is None and (namespace, labels) == own:
            return None, False
        is_known = True
        for pod in (listed or {}).get("items") or ():
            return Dns(namespace=namespace, labels=labels, ports=_dns_ports(pod)), True
    return None, is_known


def _dns_ports(pod: Object) -> tuple[int, ...]:
    spec = pod.get("spec") or {}
    ports = [port for each in spec.get("containers") or () for port in each.get("ports") or ()]
    return tuple(
        sorted({int(port["containerPort"]) for port in ports if port.get("name") in ("dns", "dns-tcp")})
    )


def _node_local(found: Object | None) -> tuple[str, ...]:
    """Return the addresses that the cache listens on: `-localip` of its arguments."""
    template = ((found or {}).get("spec") or {}).get("template") or {}
    for container in (template.get("spec") or {}).get("containers") or ():
        arguments = [str(each) for each in container.get("args") or ()]
        for index, each in enumerate(arguments):
            flag, equals, value = each.lstrip("-").partition("=")
            if flag == "localip":
                value = value if equals else (arguments[index + 1 : index + 2] or [""])[0]
                return tuple(address for address in value.split(",") if address)
    return ("169.254.20.10",) if found else ()


def _operators(ask: Ask, stack: Stack) -> tuple[str, ...] | None:
    """Return the operators in the namespace of the settings, else anywhere."""
    selector = _selector(dict([_OPERATOR_NAME]))
    for path in (
        f"apis/apps/v1/namespaces/{stack.database.operator_namespace}/deployments",
        "apis/apps/v1/deployments",
    ):
        listed = ask(f"{path}?labelSelector={selector}&limit=10")
        if listed is None:
            return None if "namespaces" in path else ()
        if found := tuple(sorted({_account(each) for each in listed.get("items") or ()})):
            return found
    return ()


def _account(deployment: Object) -> str:
    pod = ((deployment.get("spec") or {}).get("template") or {}).get("spec") or {}
    return f"{deployment['metadata']['namespace']}/{pod.get('serviceAccountName') or 'default'}"


def _is_of(account: str, stack: Stack) -> bool:
    return account.startswith(f"{stack.database.operator_namespace}/") and not account.endswith("/default")


def _missing(ask: Ask, namespace: str, wanted: Sequence[Need]) -> tuple[Need, ...]:
    """Return what may not be made: by one review of all rules, and one more of each that it does not show."""
    review = ask(f"{_AUTHORIZATION}/selfsubjectrulesreviews", _review("Rules", {"namespace": namespace}))
    if review is None:
        return ()
    rules = (review.get("status") or {}).get("resourceRules") or ()
    return tuple(
        need
        for need in wanted
        if not _allowed(need, rules) and any(_refused(ask, namespace, need, verb) for verb in need.verbs)
    )


def _allowed(need: Need, rules: Iterable[Object]) -> bool:
    return all(any(_allows(rule, need, verb) for rule in rules) for verb in need.verbs)


def _allows(rule: Object, need: Need, verb: str) -> bool:
    wanted = (("apiGroups", need.group), ("resources", need.resource), ("verbs", verb))
    if not all(value in (rule.get(key) or ()) or "*" in (rule.get(key) or ()) for key, value in wanted):
        return False
    return not rule.get("resourceNames") or bool(need.name and need.name in rule["resourceNames"])


def _refused(ask: Ask, namespace: str, need: Need, verb: str) -> bool:
    attributes = {"group": need.group, "resource": need.resource, "verb": verb}
    if need.name:
        attributes["name"] = need.name
    if not need.everywhere:
        attributes["namespace"] = namespace
    review = ask(
        f"{_AUTHORIZATION}/selfsubjectaccessreviews", _review("Access", {"resourceAttributes": attributes})
    )
    return review is not None and not (review.get("status") or {}).get("allowed")


def _review(what: str, spec: Object) -> bytes:
    kind = f"SelfSubject{what}Review"
    return json.dumps({"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}).encode()


def _selector(labels: Mapping[str, str]) -> str:
    return quote(",".join(f"{key}={value}" for key, value in labels.items()), safe="")
