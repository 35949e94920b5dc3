"""The cluster as kubectl shows it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .running import CommandError, Ran, run

Object = dict[str, Any]

# The security context of a container that keeps every rule.
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_LITTLE = {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "1Mi"}


def ruled(container: Object | None = None, **pod: object) -> Object:
    """Return the spec of a pod that keeps every rule of the stack, but for what is given."""
    probe = {
        "name": "probe",
        "image": "localhost/nothing:1",
        "resources": {"requests": _LITTLE, "limits": _LITTLE},
        "securityContext": RESTRICTED,
    }
    return {
        "serviceAccountName": "feastflow-backend",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [{**probe, **(container or {})}],
        **pod,
    }


_LEAST = {"backend": 2, "frontend": 3, "database": 1}


@dataclass(frozen=True, kw_only=True)
class Kube:
    """One namespace of one cluster. Cluster-scoped objects are found through it as well."""

    kubectl: str
    kubeconfig: Path
    namespace: str

    def ask(self, *arguments: str, stdin: str = "", timeout: float = 60) -> Ran:
        """Call kubectl, whatever comes of it."""
        command = [self.kubectl, "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace]
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.kubeconfig.parent)}
        return run([*command, *arguments], environment=environment, stdin=stdin, timeout=timeout)

    def run(self, *arguments: str, stdin: str = "", timeout: float = 60) -> str:
        """Run kubectl and return its output; raise CommandError if it fails."""
        ran = self.ask(*arguments, stdin=stdin, timeout=timeout)
        if ran.code != 0:
            raise CommandError(ran)
        return ran.out

    def get(self, kind: str, name: str, *arguments: str) -> Object:
        """Return one object."""
        found: Object = json.loads(self.run("get", kind, name, "--output", "json", *arguments))
        return found

    def all(self, kind: str, *arguments: str) -> list[Object]:
        """Return all objects of a kind, or of several with commas between them."""
        found: list[Object] = json.loads(self.run("get", kind, "--output", "json", *arguments))["items"]
        return found

    def pods(self, component: str) -> list[Object]:
        """Return the pods of a tier that are not on their way out."""
        pods = self.all("pods", "--selector", f"component={component}")
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, component: str) -> list[str]:
        """Return the names of the tier's ready pods."""
        return [name_of(pod) for pod in self.pods(component) if condition(pod, "Ready") == "True"]

    def complete(self) -> bool:
        """Return True if every tier has at least its least number of ready pods."""
        return all(len(self.ready(tier)) >= least for tier, least in _LEAST.items())

    def sql(self, statement: str, *, pod: str = "postgres-0", **values: str) -> list[list[str]]:
        """Return PostgreSQL's rows for a statement, as text; `:'name'` in it stands for a value."""
        psql = ["psql", "-U", "postgres", "-d", "feastflow", "-XAtq", "-F", "\t"]
        for name, value in values.items():
            psql += ["-v", f"{name}={value}"]
        answer = self.run("exec", "--stdin", pod, "--container", "postgres", "--", *psql, stdin=statement)
        return [line.split("\t") for line in answer.splitlines()]

    def kinds(self, *, namespaced: bool) -> list[str]:
        """Return every kind that can be listed, as `plural.group`."""
        flags = ["--verbs", "list", "--output", "name", f"--namespaced={str(namespaced).lower()}"]
        return self.run("api-resources", *flags).split()


def name_of(thing: Object) -> str:
    """Return an object's name."""
    return str(thing["metadata"]["name"])


def condition(thing: Object, kind: str) -> str | None:
    """Return the status of one of an object's conditions."""
    found = [each["status"] for each in thing["status"].get("conditions", []) if each["type"] == kind]
    return found[0] if found else None


def since(thing: Object, kind: str) -> str:
    """Return the time of the last transition of one of an object's conditions."""
    (found,) = (each for each in thing["status"]["conditions"] if each["type"] == kind)
    return str(found["lastTransitionTime"])
