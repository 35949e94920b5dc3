"""The cluster as it is before anything is changed: which one it is, and whose the stack's namespace is.

Some ten requests to the API server, none of which changes anything, with the credentials that the kubeconfig
names: certificates, a token, a token's file, a password, or an exec plugin. Not a client library: where the
connection needs something else (`tls-server-name`, `auth-provider`), nothing is seen; `Seen.unseen` says why.
"""

import base64
import http.client
import ipaddress
import json
import os
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from . import kubeconfig, kubeconfig_shape, survey
from .kubeconfig import Entry, KubeconfigError
from .model.stack import Kubeconfig, Stack
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
_SECONDS = 10.0
_PLUGIN_SECONDS = 60.0
_EXEC_KIND = "ExecCredential"
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
    """What the API server answered. `cluster` is the cluster's identity, None where it may not be read.

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


class _UnseenError(Exception):
    """Why the API server could not be asked."""


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
        config = kubeconfig.read(settings, environ)
    except KubeconfigError as problem:
        return Seen(name=problem.place, unseen=problem.problem)
    context = settings.context or (config.current if config else "")
    server = str(config.cluster(context).get("server") or "") if config else ""
    if config is None or not server:
        return None
    seen = Seen(name=f"context {context} at {server}")
    try:
        with _opened(config.cluster(context), config.user(context), environ) as ask:
            found = ask(f"api/v1/namespaces/{_OF_CLUSTER}")
            space = _namespace(ask, namespace)
            return replace(
                seen,
                cluster=str(found["metadata"]["uid"]) if found else None,
                namespace=space,
                survey=_survey(ask, stack, exists=space is not None) if stack else None,
                api_server=api_server(ask(_API_SERVICE), ask(_API_ENDPOINTS)) if addresses else (),
            )
    except _UnseenError as problem:
        return replace(seen, unseen=str(problem))
    except _STRANGE as problem:
        return replace(seen, unseen=f"what answers is no API server of Kubernetes ({type(problem).__name__})")


def _survey(ask: "_Ask", stack: Stack, *, exists: bool) -> Survey | None:
    """Return None where an answer is strange: whose the namespace is, is known all the same."""
    try:
        return survey.look(ask, stack, exists=exists)
    except (_UnseenError, *_STRANGE):
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


def _namespace(ask: "_Ask", name: str) -> Namespace | None:
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


def _touched(ask: "_Ask", place: str, *, is_denied: bool) -> tuple[str, ...]:
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


@dataclass(frozen=True, kw_only=True)
class _Ask:
    opener: urllib.request.OpenerDirector
    server: str
    headers: Mapping[str, str]

    def __call__(self, path: str, body: bytes | None = None) -> dict[str, Any] | None:
        """Return the object at the path; None when it is not there or may not be read. A body is posted."""
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        try:
            request = urllib.request.Request(f"{self.server}/{path}", body, headers)  # noqa: S310
            with self.opener.open(request, timeout=_SECONDS) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                    return None
                raise _UnseenError(f"the API server answered {error.code} to GET /{path}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise _UnseenError(f"{self.server} cannot be asked: {error}") from error
        if not isinstance(found, dict):
            raise _UnseenError(f"what answers at {self.server} is no API server of Kubernetes")
        return found


@contextmanager
def _opened(cluster: Entry, user: Entry, environ: Mapping[str, str]) -> Iterator[_Ask]:
    for entry, key in ((cluster, "tls-server-name"), (user, "auth-provider")):
        if entry.get(key):
            raise _UnseenError(f"the kubeconfig's {key} is known to the provider alone")
    proxies = {"https": str(cluster["proxy-url"])} if cluster.get("proxy-url") else None
    try:
        user = {**user, **_by_plugin(user["exec"], cluster, environ)} if user.get("exec") else user
        trust = _trust(cluster, user)
        headers = {"Accept": "application/json", **_authorization(user)}
    except (OSError, ValueError, TypeError) as error:
        raise _UnseenError(f"the kubeconfig's credentials cannot be read: {error}") from error
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=trust)
    )
    yield _Ask(
        opener=opener, server=kubeconfig_shape.server(str(cluster["server"])).rstrip("/"), headers=headers
    )


def _trust(cluster: Entry, user: Entry) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority")
    trust = ssl.create_default_context(cadata=authority or None)
    if cluster.get("insecure-skip-tls-verify"):
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    certificate, key = _content(user, "client-certificate"), _content(user, "client-key")
    if certificate and key:
        # The standard library loads keys from files alone; a temporary one is the user's only.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as both:
            both.write(f"{certificate}\n{key}\n")
            both.flush()
            trust.load_cert_chain(both.name)
    return trust


def _authorization(user: Entry) -> dict[str, str]:
    token = user.get("token")
    if user.get("tokenFile"):
        token = Path(str(user["tokenFile"])).read_text(encoding="utf-8").strip()
    if token:
        return {"Authorization": f"Bearer {token}"}
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    return {}


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True


def _content(entry: Entry, key: str) -> str:
    if entry.get(f"{key}-data"):
        return base64.b64decode(str(entry[f"{key}-data"])).decode()
    return Path(str(entry[key])).read_text(encoding="utf-8") if entry.get(key) else ""


def _by_plugin(plugin: Entry, cluster: Entry, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what a credential plugin answers, as a user's entry would have it.

    See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
    """
    about: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        about["cluster"] = {
            "server": cluster.get("server"),
            "certificate-authority-data": base64.b64encode(
                _content(cluster, "certificate-authority").encode()
            ).decode(),
        }
    asked = {"apiVersion": plugin.get("apiVersion"), "kind": _EXEC_KIND, "spec": about}
    named = {str(each["name"]): str(each["value"]) for each in plugin.get("env") or []}
    command = [str(plugin["command"]), *map(str, plugin.get("args") or [])]
    try:
        answer = subprocess.run(  # noqa: S603 - the kubeconfig's own, which kubectl and the provider run too
            command,
            env={**environ, **named, "KUBERNETES_EXEC_INFO": json.dumps(asked)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PLUGIN_SECONDS,
            check=True,
        ).stdout
        status = json.loads(answer)["status"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        # Its output may hold a credential: only the kind of the problem is told.
        raise _UnseenError(
            f"the kubeconfig's credential plugin {command[0]} gave none: {type(error).__name__}"
        ) from error
    if not isinstance(status, dict):
        raise _UnseenError(f"the kubeconfig's credential plugin {command[0]} gave no status")
    found = {"token": status.get("token")}
    for theirs, ours in (("clientCertificateData", "client-certificate"), ("clientKeyData", "client-key")):
        if status.get(theirs):
            found[f"{ours}-data"] = base64.b64encode(status[theirs].encode()).decode()
    return found
