"""Requests to the API server with the credentials of a kubeconfig, by the standard library alone.

Certificates, a token, a token's file, a password, or an exec plugin. Where the connection needs other things
(`tls-server-name`, `auth-provider`), nothing can be asked, and `UnseenError` says why.
"""

import base64
import http.client
import json
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from . import kubeconfig_shape
from .kubeconfig import Entry

_SECONDS = 10.0
_PLUGIN_SECONDS = 60.0
_EXEC_KIND = "ExecCredential"


class UnseenError(Exception):
    """Why the API server could not be asked."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    """An open way to the API server; called, it gets the object at a path, or posts a body there."""

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
                raise UnseenError(f"the API server answered {error.code} to GET /{path}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise UnseenError(f"{self.server} cannot be asked: {error}") from error
        if not isinstance(found, dict):
            raise UnseenError(f"what answers at {self.server} is no API server of Kubernetes")
        return found


@contextmanager
def opened(cluster: Entry, user: Entry, environ: Mapping[str, str]) -> Iterator[Ask]:
    """Yield the way to a cluster as a user of the kubeconfig.

    Raises:
        UnseenError: where the connection or its credentials are none that can be used here.
    """
    for entry, key in ((cluster, "tls-server-name"), (user, "auth-provider")):
        if entry.get(key):
            raise UnseenError(f"the kubeconfig's {key} is known to the provider alone")
    proxies = {"https": str(cluster["proxy-url"])} if cluster.get("proxy-url") else None
    try:
        user = {**user, **_by_plugin(user["exec"], cluster, environ)} if user.get("exec") else user
        trust = _trust(cluster, user)
        headers = {"Accept": "application/json", **_authorization(user)}
    except (OSError, ValueError, TypeError) as error:
        raise UnseenError(f"the kubeconfig's credentials cannot be read: {error}") from error
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=trust)
    )
    yield Ask(
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
        raise UnseenError(
            f"the kubeconfig's credential plugin {command[0]} gave none: {type(error).__name__}"
        ) from error
    if not isinstance(status, dict):
        raise UnseenError(f"the kubeconfig's credential plugin {command[0]} gave no status")
    found = {"token": status.get("token")}
    for theirs, ours in (("clientCertificateData", "client-certificate"), ("clientKeyData", "client-key")):
        if status.get(theirs):
            found[f"{ours}-data"] = base64.b64encode(status[theirs].encode()).decode()
    return found
