"""The cluster as it is before anything is changed: which one it is, and whose the stack's namespace is.

Some fifteen requests to the API server, none of which changes anything, with the credentials that the
kubeconfig names: certificates, a token, a token's file, a password, or an exec plugin. Not a client library:
where the connection needs something else (`tls-server-name`, `auth-provider`), nothing is seen;
`Seen.unseen` says why.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...settings.model.stack import Kubeconfig, Stack
from . import kubeconfig, survey
from .asking import Ask, UnseenError, opened
from .kubeconfig import KubeconfigError
from .survey import Survey

# Its uid identifies the cluster: it is created with the cluster and cannot be recreated without it. See
# https://github.com/kubernetes/enhancements/tree/master/keps/sig-multicluster/2149-clusterid
_OF_CLUSTER = "kube-system"
OWNER = "feastflow.pulumi.com/owner"
# `project/stack`: the empty namespace in which an administrator gave a stack's deployer its rights.
RESERVED = "feastflow.pulumi.com/reserved-for"
# A namespace that was given is its giver's to annotate: there, the first object of every stack is.
OWNED = "default-deny"
# The API server's own Service and what is behind it:
# https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
_API_SERVICE = "api/v1/namespaces/default/services/kubernetes"
_API_SLICES = "apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
_API_ENDPOINTS = f"{_API_SLICES}?labelSelector=kubernetes.io/service-name%3Dkubernetes"
# Kinds that a namespace which was given for use does not have yet.
_CONTENTS = (
    "apis/apps/v1/{}/deployments",
    "apis/apps/v1/{}/statefulsets",
    "api/v1/{}/persistentvolumeclaims",
)
# What guards the namespace: another's change of it is told in every preview.
_GUARDS = (
    "apis/networking.k8s.io/v1/{}/networkpolicies",
    "apis/rbac.authorization.k8s.io/v1/{}/roles",
    "apis/rbac.authorization.k8s.io/v1/{}/rolebindings",
)
# The provider of Pulumi, and the repair of `make up`.
_OURS = ("pulumi-kubernetes", "feastflow-drift")
# What reading an answer ends in that no API server of Kubernetes gives: anything may be at an address.
_STRANGE = (AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace that exists. `owner` is what a stack of this project wrote on it, empty without that.

    `reserved` is the stack that it was created for. `contents` are paths of objects in it, where it has no
    owner; at most one of a kind. `touched` says, where it has one, which of a stack's policies, roles and
    bindings others have changed or deleted.
    """

    owner: str = ""
    reserved: str = ""
    deleting: bool = False
    contents: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The API server's answers. `cluster` is the cluster's identity, None where it may not be read.

    `name` is how to tell the user which cluster it is. `namespace` is None when there is none of the name.
    `unseen` says why nothing was seen, where nothing was. `api_server` has each `address port` of the API
    server for pods, where it was asked for and may be read. `survey` is what else was asked.
    """

    name: str = ""
    cluster: str | None = None
    namespace: Namespace | None = None
    unseen: str = ""
    api_server: tuple[str, ...] = ()
    survey: Survey | None = None


def look(
    settings: Kubeconfig,
    namespace: str,
    environ: Mapping[str, str] = os.environ,
    *,
    addresses: bool = False,
    stack: Stack | None = None,
) -> Seen | None:
    """Ask the API server; None where no kubeconfig names one, as in a preview without a cluster.

    With `addresses` it is asked for its own, too; with the `stack`, whether it can take that.
    """
    try:
        reached = kubeconfig.reached(settings, environ)
    except KubeconfigError as problem:
        return Seen(name=problem.place, unseen=problem.problem)
    if reached is None:
        return None
    config, context = reached
    seen = Seen(name=f"context {context} at {config.cluster(context)['server']}")
    try:
        with opened(config.cluster(context), config.user(context), environ) as ask:
            found = ask(f"api/v1/namespaces/{_OF_CLUSTER}")
            space = _namespace(ask, namespace)
            return replace(
                seen,
                cluster=str(found["metadata"]["uid"]) if found else None,
                namespace=space,
                survey=_survey(ask, stack, exists=space is not None) if stack else None,
                api_server=api_server(ask(_API_SERVICE), ask(_API_ENDPOINTS)) if addresses else (),
            )
    except UnseenError as problem:
        return replace(seen, unseen=str(problem))
    except _STRANGE as problem:
        return replace(seen, unseen=f"what answers is no API server of Kubernetes ({type(problem).__name__})")


def _survey(ask: Ask, stack: Stack, *, exists: bool) -> Survey | None:
    """Return None where an answer is strange: whose the namespace is, is known all the same."""
    try:
        return survey.look(ask, stack, exists=exists)
    except (UnseenError, *_STRANGE):
        return None


def api_server(service: Mapping[str, Any] | None, slices: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return `address port` of the Service and of what is behind it: networks differ in which they compare.

    Empty where the endpoints may not be read, since the Service's address alone leads nowhere.
    """
    behind = {
        f"{address} {port['port']}"
        for each in (slices or {}).get("items") or []
        for port in each.get("ports") or []
        for endpoint in each.get("endpoints") or []
        for address in endpoint.get("addresses") or []
        if _is_address(address) and port.get("port")
    }
    spec = (service or {}).get("spec") or {}
    front = {
        f"{address} {port['port']}"
        for address in spec.get("clusterIPs") or []
        for port in spec.get("ports") or []
        if _is_address(address)
    }
    return tuple(sorted(behind | front)) if behind else ()


def _namespace(ask: Ask, name: str) -> Namespace | None:
    place = f"namespaces/{name}"
    found = ask(f"api/v1/{place}")
    denied = ask(f"apis/networking.k8s.io/v1/{place}/networkpolicies/{OWNED}")
    if found is None and denied is None:
        return None
    annotations = [(each or {}).get("metadata", {}).get("annotations", {}) for each in (found, denied)]
    owner = next((str(each[OWNER]) for each in annotations if each.get(OWNER)), "")
    listed = [] if owner else [ask(f"{path.format(place)}?limit=1") for path in _CONTENTS]
    return Namespace(
        owner=owner,
        reserved=str(annotations[0].get(RESERVED) or ""),
        deleting=bool(found and found["metadata"].get("deletionTimestamp")),
        contents=tuple(
            f"{path.rpartition('/')[2]}/{each['metadata']['name']}"
            for path, several in zip(_CONTENTS, listed, strict=False)
            for each in (several or {}).get("items") or []
        ),
        touched=_touched(ask, place, is_denied=denied is not None) if owner else (),
    )


def _touched(ask: Ask, place: str, *, is_denied: bool) -> tuple[str, ...]:
    found = [] if is_denied else [f"networkpolicies/{OWNED} is not there"]
    for path in _GUARDS:
        for each in (ask(path.format(place)) or {}).get("items") or []:
            metadata = each["metadata"]
            times = {
                str(entry.get("manager")): str(entry.get("time") or "")
                for entry in metadata.get("managedFields") or []
            }
            own = max((time for name, time in times.items() if name.startswith(_OURS)), default=None)
            # Older ones had the object before an adoption.
            since = sorted(
                name for name, time in times.items() if own and time > own and not name.startswith(_OURS)
            )
            if since:
                found.append(
                    f"{path.rpartition('/')[2]}/{metadata['name']} was changed by {', '.join(since)}"
                )
    return tuple(found)


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True
