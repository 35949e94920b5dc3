"""The identity of a deployment: the run's own OIDC token, shown to the cluster and to AWS, never stored.

GitHub's tokens live for minutes and a deployment takes longer, so kubectl, Pulumi and the AWS libraries are
told how to get one when they need it: an exec credential plugin, and a credential process.
"""

import base64
import json
import re
import shlex
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from tools.toolchain.errors import UserError

_ROOT = Path(__file__).parents[2]
_SECONDS = 30
# Characters that AWS takes in a session's name, at most 64 of them.
_NO_SESSION = re.compile(r"[^\w+=,.@-]", re.ASCII)
_LONGEST_SESSION = 64
_AWS_AUDIENCE = "sts.amazonaws.com"


def write(environ: Mapping[str, str]) -> list[str]:
    """Write what the variables describe: a kubeconfig, and AWS's configuration where a role is named.

    Raises:
        UserError: when a variable is missing.
    """
    # Without it the state would be made on a machine that is gone after the run.
    _wanted(environ, "PULUMI_BACKEND_URL")
    kubeconfig = Path(_wanted(environ, "KUBECONFIG"))
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    audience = _wanted(environ, "CLUSTER_AUDIENCE")
    server, authority = _wanted(environ, "CLUSTER_SERVER"), _wanted(environ, "CLUSTER_CA")
    document = _kubeconfig(server, authority, audience, _wanted(environ, "CONTEXT"))
    kubeconfig.write_text(json.dumps(document, indent=1), encoding="utf-8")
    kubeconfig.chmod(0o600)
    done = [f"a kubeconfig for {server}"]
    role = environ.get("AWS_ROLE")
    if role:
        process = shlex.join(
            ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", "tools.delivery", "aws", "--role", role]
        )
        config = f"[default]\ncredential_process = {process}\n"
        Path(_wanted(environ, "AWS_CONFIG_FILE")).write_text(config, encoding="utf-8")
        done.append(f"AWS as {role}")
    return done


def cluster(audience: str, environ: Mapping[str, str]) -> str:
    """Return what kubectl and Pulumi's provider ask for: an ExecCredential with a token for the cluster."""
    token = _token(audience, environ)
    status = {"token": token, "expirationTimestamp": _expiry(token)}
    kind = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    return json.dumps({**kind, "status": status})


def aws(role: str, environ: Mapping[str, str]) -> str:
    """Return what the AWS libraries ask for: an hour's keys of the role, in exchange for a token."""
    region = environ.get("AWS_REGION") or "us-east-1"
    url = environ.get("AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com/"
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": session(environ),
        "WebIdentityToken": _token(_AWS_AUDIENCE, environ),
    }
    answer = _asked(url, {"Accept": "application/json"}, urlencode(form).encode())
    keys = answer["AssumeRoleWithWebIdentityResponse"]["AssumeRoleWithWebIdentityResult"]["Credentials"]
    expires = datetime.fromtimestamp(float(keys["Expiration"]), UTC).isoformat()
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return json.dumps({"Version": 1, **{name: keys[name] for name in names}, "Expiration": expires})


def session(environ: Mapping[str, str]) -> str:
    """Return the name of this run in AWS's own logs: stack, run and attempt, where they are known."""
    parts = [environ.get(name) for name in ("STACK", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT")]
    text = "-".join(["feastflow", *filter(None, parts)])
    # What tells runs apart stands at the end.
    return _NO_SESSION.sub("-", text)[-_LONGEST_SESSION:]


def _kubeconfig(server: str, authority: str, audience: str, context: str) -> dict[str, Any]:
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-m", "tools.delivery", "token", "--audience", audience],
        "env": [{"name": "PYTHONPATH", "value": str(_ROOT)}],
        "interactiveMode": "Never",
    }
    data = base64.b64encode(authority.encode()).decode() if "-----BEGIN" in authority else authority
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": server, "certificate-authority-data": data}}],
        "users": [{"name": context, "user": {"exec": plugin}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }


def _token(audience: str, environ: Mapping[str, str]) -> str:
    url = _wanted(environ, "ACTIONS_ID_TOKEN_REQUEST_URL")
    key = _wanted(environ, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    answer = _asked(f"{url}&audience={quote(audience, safe='')}", {"Authorization": f"Bearer {key}"}, None)
    return str(answer["value"])


def _expiry(token: str) -> str:
    """Return when the token ends, as it says; nothing relies on it, so its signature is not checked."""
    claims = token.split(".")[1]
    text = base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))
    return datetime.fromtimestamp(int(json.loads(text)["exp"]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _asked(url: str, headers: Mapping[str, str], data: bytes | None) -> Any:  # noqa: ANN401 - JSON
    try:
        request = urllib.request.Request(url, data=data, headers=dict(headers))  # noqa: S310 - GitHub's and AWS's own
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        found = f"{_host(url)} answers {error.code}: {error.read(500).decode('utf-8', 'replace')}"
    except (OSError, ValueError) as error:
        found = f"{_host(url)} does not answer: {error}"
    raise UserError(
        found,
        "without a token of this run it may not deploy",
        "see that the role and the cluster trust this repository and its environment: docs/delivery.md",
    )


def _host(url: str) -> str:
    return re.sub(r"^\w+://([^/?]+).*$", r"\1", url)


def _wanted(environ: Mapping[str, str], name: str) -> str:
    if not environ.get(name):
        raise UserError(
            f"{name} is not set",
            "a deployment has to know where to go, and who it is there",
            "set it in the environment of the stack's name, with id-token: write: docs/delivery.md",
        )
    return environ[name]
