"""Every hardening field of both stacks, deleted or weakened: a rule must notice each time."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest

from policies.across import STACK_RULES
from policies.judgement import judge
from policies.rules import RULES
from policies.stack import read

from ..judges.manifests import PROD_SLOWLY, STACKS, named, of_stack
from .manifests import DELETE, Manifest, paths

_NEEDED = (DELETE,)
_NUMBER = (DELETE, 0)

# Weaker values of each hardening field. A list lacks DELETE where Kubernetes' default is as strict.
WEAKER: dict[str, tuple[Any, ...]] = {
    "automountServiceAccountToken": (DELETE, True),
    "serviceAccountName": (DELETE, "default", "unknown"),
    "enableServiceLinks": (DELETE, True),
    "activeDeadlineSeconds": _NEEDED,
    "terminationGracePeriodSeconds": (0,),
    "topologySpreadConstraints": (DELETE, []),
    # securityContext
    "allowPrivilegeEscalation": (DELETE, True),
    "capabilities": (DELETE, {"drop": ["CHOWN"]}, {"drop": ["ALL"], "add": ["SYS_ADMIN"]}),
    "privileged": (True,),
    "readOnlyRootFilesystem": (DELETE, False),
    "runAsNonRoot": (False,),
    "runAsUser": _NUMBER,
    "runAsGroup": _NUMBER,
    "fsGroup": (0,),
    "seccompProfile": (DELETE, {"type": "Unconfined"}),
    # containers
    "image": ("web", "web:latest"),
    "imagePullPolicy": _NEEDED,
    "imageName": ("postgres", "postgres:latest"),
    "livenessProbe": _NEEDED,
    "readinessProbe": _NEEDED,
    "startupProbe": _NEEDED,
    "requests": (DELETE, {}),
    "limits": (DELETE, {}),
    "secretKeyRef": ({"name": "unknown", "key": "password"},),
    "sizeLimit": (DELETE, "0"),
    # objects
    "immutable": (DELETE, False),
    "strategy": (DELETE, {"type": "Recreate"}, {"type": "RollingUpdate"}),
    "updateStrategy": ({"type": "OnDelete"},),
    "maxUnavailable": ("100%", DELETE),
    "minReplicas": (DELETE, 1),
    "maxReplicas": (1,),
    "podSelector": ({"matchLabels": {"app": "unknown"}},),
    "from": (DELETE, []),
    "to": (DELETE, []),
    "host": (DELETE,),
    "tls": (DELETE,),
    "verbs": (["*"],),
    "resources": (["*"],),
    "apiGroups": (["*"],),
    "pod-security.kubernetes.io/enforce": (DELETE, "baseline", "privileged"),
    "enableSuperuserAccess": (True,),
}
# Fields that harden nothing, each with its reason.
_NOT_HARDENING = {
    # Faster mounts, and the same owner.
    "fsGroupChangePolicy",
    # A part of a field that is in the table.
    "type",
    "drop",
}
# Rules that a stack breaks as it is; see its file.
_OFF = {"dev": {"ingress-tls"}, "prod": {"ingress-certificate", "postgres-backup"}}
# Kinds whose fields of these names mean something else.
_OTHER_KINDS = (
    "ConfigMap",
    "LimitRange",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
)
_OF_THE_CLUSTER = {
    ("spec", "imageName"),
    ("spec", "enableSuperuserAccess"),
    ("spec", "resources", "requests"),
    ("spec", "resources", "limits"),
}


def _hardens(manifest: Manifest, path: tuple[str | int, ...]) -> bool:
    """Return True if the field at this path is the one that `WEAKER` names."""
    if manifest["kind"] == "Cluster":
        return path in _OF_THE_CLUSTER
    if path[-1] == "resources":
        return bool(manifest["kind"] == "Role")
    if path[-1] == "podSelector":
        # A peer's says who the other side is; one that is empty selects everything.
        return path == ("spec", "podSelector") and bool(manifest["spec"]["podSelector"])
    if path[-2:] == ("livenessProbe", "terminationGracePeriodSeconds"):
        # For a process that hangs, which drains nothing; the API server refuses a 0.
        return False
    if path[-1] == "immutable":
        # A certificate must be renewed in its place.
        return manifest["kind"] == "Secret" and bool(manifest.get("type") != "kubernetes.io/tls")
    return manifest["kind"] not in _OTHER_KINDS


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One field of one object of a stack, and what it was made."""

    stack: str
    target: str
    path: tuple[str | int, ...]
    value: Any

    def __str__(self) -> str:
        value = "deleted" if self.value is DELETE else self.value
        return f"{self.stack}: {self.target} {'/'.join(map(str, self.path))} = {value}"


def mutants(stack: str) -> Iterator[Mutant]:
    """Yield every way to weaken the stack by one field, or to leave one guarding object out."""
    for manifest in of_stack(stack):
        target = named(manifest)
        for path in paths(manifest):
            for value in WEAKER.get(str(path[-1]), ()) if _hardens(manifest, path) else ():
                yield Mutant(stack=stack, target=target, path=path, value=value)
        if manifest["kind"] in ("ResourceQuota", "LimitRange", "PodDisruptionBudget") or (
            target == "NetworkPolicy/default-deny"
        ):
            yield Mutant(stack=stack, target=target, path=(), value=DELETE)


def _mutated(mutant: Mutant) -> list[Manifest]:
    made = []
    for manifest in of_stack(mutant.stack):
        if named(manifest) != mutant.target:
            made.append(manifest)
        elif mutant.path:
            made.append(_changed(manifest, mutant))
    return made


def _changed(manifest: Manifest, mutant: Mutant) -> Manifest:
    copy = deepcopy(manifest)
    place: Any = copy
    for step in mutant.path[:-1]:
        place = place[step]
    if mutant.value is DELETE:
        del place[mutant.path[-1]]
    else:
        place[mutant.path[-1]] = mutant.value
    if mutant.path[-1] == "runAsNonRoot" and not {"containers", "initContainers"} & set(mutant.path):
        # A container's own field wins; a pod's weakens it only where the containers do not set theirs.
        for container in _containers(copy):
            container.get("securityContext", {}).pop(mutant.path[-1], None)
    return copy


def _containers(manifest: Manifest) -> list[Manifest]:
    spec = manifest["spec"].get("jobTemplate", {}).get("spec", manifest["spec"])
    pod = spec.get("template", {}).get("spec", {})
    return [*pod.get("containers", ()), *pod.get("initContainers", ())]


def _noticed(mutant: Mutant) -> set[str]:
    """Return the rules that object to the mutant."""
    made = _mutated(mutant)
    found = {
        rule.id
        for manifest in made
        if named(manifest) == mutant.target
        for rule in RULES
        if judge(rule, manifest)
    }
    return found | {rule.id for rule in STACK_RULES if list(rule.judge(read(made)))}


def _off(stack: str) -> set[str]:
    """Return the rules that a stack turns off, or that no stack asked for."""
    unasked = {rule.id for rule in RULES if rule.level == "disabled"}
    return unasked | _OFF[stack]


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_as_it_is_breaks_no_rule(stack: str) -> None:
    manifests = of_stack(stack)
    off = _off(stack)
    found = {rule.id for manifest in manifests for rule in RULES if judge(rule, manifest)}
    assert found - off == set()
    assert [rule.id for rule in STACK_RULES if list(rule.judge(read(manifests)))] == []


@pytest.mark.parametrize("stack", PROD_SLOWLY)
def test_every_mutant_of_a_stack_is_noticed(stack: str, count: dict[str, int]) -> None:
    off = _off(stack)
    made = list(mutants(stack))
    survivors = [str(mutant) for mutant in made if not _noticed(mutant) - off]
    count[f"mutants of {stack}"] = len(made)
    count[f"survivors of {stack}"] = len(survivors)
    assert survivors == []
    assert len(made) > 200


@pytest.mark.parametrize("stack", STACKS)
def test_no_field_of_a_security_context_is_forgotten(stack: str) -> None:
    fields = {
        str(path[-1])
        for manifest in of_stack(stack)
        for path in paths(manifest)
        if "securityContext" in path[:-1] and isinstance(path[-1], str)
    }
    assert fields >= {"runAsUser", "seccompProfile", "capabilities"}
    assert fields - set(WEAKER) - _NOT_HARDENING == set()


def test_every_kind_of_weakness_occurs() -> None:
    occurring = {str(mutant.path[-1]) for stack in STACKS for mutant in mutants(stack) if mutant.path}
    assert set(WEAKER) - occurring == set()
