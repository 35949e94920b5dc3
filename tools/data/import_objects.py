"""Objects of an import, made from the Job that made the stack's login: that has the path, TLS and identity.

Everything belongs to the import's Job, and Kubernetes deletes it with that, ten minutes after its end.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from components.postgres import imports
from components.settings.values import majors, names
from tools.toolchain.errors import UserError

Object = dict[str, Any]

NAME = "feastflow-import"
MARK = {"feastflow.dev/import": "yes"}
SELECTOR = ",".join(f"{key}={value}" for key, value in MARK.items())
_FOLDER = "/etc/feastflow/import"
COMMAND = ("sh", f"{_FOLDER}/{imports.SCRIPT}")
_JOBS = (f"{names.ROLES}-grant-", f"{names.ROLES}-check-")
# Of the Job that it is made from.
_OTHERS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_SECONDS, _KEPT_SECONDS = 86400, 600
# As much as the quota has for two Jobs of the roles.
_RESOURCES = {
    "requests": {"cpu": "50m", "memory": "32Mi", "ephemeral-storage": "32Mi"},
    "limits": {"cpu": "400m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
}
_CONNECTION = ("PGHOST", "PGPORT", "PGSSLMODE", "PGSSLROOTCERT")


def model(jobs: Sequence[Object], stack: str) -> Object:
    """Return the newest Job that made or checked the login of the stack's clients.

    Raises:
        UserError: where there is none.
    """
    found = [each for each in jobs if each["metadata"]["name"].startswith(_JOBS)]
    if not found:
        raise UserError(
            f"the stack {stack} has no database yet",
            "an import goes into the database of a stack that is deployed",
            f"deploy it first: make up STACK={stack}",
        )
    return max(found, key=lambda each: str(each["metadata"].get("creationTimestamp")))


def major(job: Object) -> int:
    """Return the version for whose programs the Job's own scripts look; the oldest where it is not told."""
    image = str(job["spec"]["template"]["spec"]["containers"][0]["image"])
    return majors.tagged(image) or majors.OLDEST


def job(made: Object, verb: str, replaced: str, told: Mapping[str, str], *, secret: bool) -> Object:
    """Return the import's Job: `take` waits in it for a stream, `fetch` asks the server that is `told`."""
    template = copy.deepcopy(made["spec"]["template"])
    metadata = template["metadata"]
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in _OTHERS}
    spec = template["spec"]
    (container,) = spec["containers"]
    hidden = [] if not secret else [_from_secret("FROM_PASSWORD", NAME, "password")]
    container |= {
        "name": "import",
        "command": [*COMMAND, verb],
        "env": [
            *_login(container["env"]),
            *({"name": name, "value": value} for name, value in told.items()),
            {"name": "REPLACED", "value": replaced},
            *hidden,
        ],
        "resources": _RESOURCES,
    }
    container["volumeMounts"].append({"name": "import", "mountPath": _FOLDER, "readOnly": True})
    spec["volumes"].append({"name": "import", "configMap": {"name": NAME}})
    spec["restartPolicy"] = "Never"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": NAME, "labels": {**labels, **MARK}},
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": _SECONDS,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": {"metadata": {"labels": {**labels, **MARK}}, "spec": spec},
        },
    }


def owned(owner: Object, version: int, password: str, peers: Sequence[Object], port: int) -> list[Object]:
    """Return what the Job needs: its scripts, the source's password, and the way to the source."""
    labels = owner["metadata"]["labels"]
    of = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
    }
    metadata = {"name": NAME, "labels": labels, "ownerReferences": [of]}
    found: list[Object] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "immutable": True,
            "data": imports.files(version),
        }
    ]
    if password:
        found.append(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": metadata,
                "immutable": True,
                "stringData": {"password": password},
            }
        )
    if peers:
        rule = {"to": list(peers), "ports": [{"port": port, "protocol": "TCP"}]}
        found.append(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": metadata,
                "spec": {
                    "podSelector": {"matchLabels": MARK},
                    "policyTypes": ["Egress"],
                    "egress": [rule],
                },
            }
        )
    return found


def _login(env: Sequence[Object]) -> list[Object]:
    """Return the connection as the stack's clients have it, from the environment of the Job that made it."""
    by_name = {each["name"]: each for each in env}
    kept = [by_name[name] for name in _CONNECTION if name in by_name]
    if "DB_VERIFIER" not in by_name:
        return [*kept, *(by_name[name] for name in ("PGUSER", "PGDATABASE", "PGPASSWORD"))]
    secret = by_name["DB_VERIFIER"]["valueFrom"]["secretKeyRef"]["name"]
    return [
        *kept,
        {"name": "PGUSER", "value": by_name["DB_LOGIN"]["value"]},
        {"name": "PGDATABASE", "value": by_name["DB_NAME"]["value"]},
        _from_secret("PGPASSWORD", secret, "password"),
    ]


def _from_secret(name: str, secret: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
