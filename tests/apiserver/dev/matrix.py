"""The rules' matrix at the real API server: policies made from the same table, in namespaces of their own."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from policies import admission
from policies.configuration import Configuration
from policies.resources import group, resource_rule
from policies.rule import Level, Rule
from policies.rules import RULES

from ...harness.kube import Kube, Object
from ...harness.running import Ran
from ...harness.waiting import until
from ...policies.cases import REGISTRIES, Case, cases
from . import kinds

VERSION = "admissionregistration.k8s.io/v1"
_DENYING, _WARNING = "matrix-denying", "matrix-warning"
_WARNED = re.compile(r"Warning: Validation failed for \S+ '\S+' with binding '\S+': (\S+): \S+ ([a-z0-9-]+)")
_CREATED = re.compile(r"^\S+?/(\S+) created", re.MULTILINE)
_BAD = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mutable"}}


@contextmanager
def enforced(kube: Kube) -> Iterator[tuple[Kube, Kube]]:
    """Yield two namespaces in which every rule is mandatory: one denies, the other only warns."""
    everything = Configuration(levels={rule.id: Level.MANDATORY for rule in RULES}, registries=REGISTRIES)
    _know_every_kind(kube)
    today = dt.datetime.now(tz=dt.UTC).date()
    specification = admission.policies(RULES, everything, [], today)[Level.MANDATORY]
    objects: list[Object] = [made("Namespace", name) for name in (_DENYING, _WARNING)]
    objects.append(made("ValidatingAdmissionPolicy", "matrix", specification, VERSION))
    for name in (_DENYING, _WARNING):
        binding = admission.binding("matrix", Level.MANDATORY, name)
        if name == _WARNING:
            binding["validationActions"] = ["Warn"]
        objects.append(made("ValidatingAdmissionPolicyBinding", name, binding, VERSION))
    document = json.dumps(listed(*objects))
    denying, warning = replace(kube, namespace=_DENYING), replace(kube, namespace=_WARNING)
    try:
        kube.run("apply", "--filename", "-", stdin=document)
        until(lambda: bool(_asked(denying, [_BAD]).code), what="the policies to deny", within=30)
        until(lambda: "Warning" in _asked(warning, [_BAD]).err, what="the policies to warn", within=30)
        yield denying, warning
    finally:
        kube.run("delete", "--ignore-not-found", "--filename", "-", stdin=document, timeout=120)


def types(kube: Kube, rules: Sequence[Rule], checked: Sequence[str]) -> list[tuple[int, str]]:
    """Have the API server's controller check the rules' fields against the types of `checked` kinds.

    Returns each warning with the number of its rule. What is deployed leaves that out: see decision 61.
    """
    mandatory = Configuration(levels={rule.id: Level.MANDATORY for rule in rules}, registries=REGISTRIES)
    today = dt.datetime.now(tz=dt.UTC).date()
    specification = admission.policies(rules, mandatory, [], today)[Level.MANDATORY]
    specification["matchConstraints"]["resourceRules"] = [
        {**resource_rule(kind), "apiGroups": [group(kind)]} for kind in checked
    ]
    for validation in specification["validations"]:
        validation.pop("messageExpression", None)
    policy = made("ValidatingAdmissionPolicy", "typed", specification, VERSION)

    def settled() -> Object | None:
        found = kube.get("validatingadmissionpolicy", "typed")
        status: Object = found.get("status") or {}
        return status if status.get("observedGeneration") == found["metadata"]["generation"] else None

    try:
        kube.run("create", "--filename", "-", stdin=json.dumps(policy))
        status = until(settled, what="the types to be checked", within=300)
    finally:
        kube.run("delete", "--ignore-not-found", "validatingadmissionpolicy", "typed")
    warnings = (status.get("typeChecking") or {}).get("expressionWarnings") or []
    return [
        (int(number[1]), each["warning"])
        for each in warnings
        if (number := re.search(r"validations\[(\d+)\]", each["fieldRef"]))
    ]


def know(kube: Kube, manifest: Object, plural: str) -> None:
    """Have the server know one more kind of another project, with any fields."""
    api_group, _, version = manifest["apiVersion"].rpartition("/")
    _define(kube, [kinds.definition(api_group, manifest["kind"], plural, version)])


def _know_every_kind(kube: Kube) -> None:
    """Define other projects' kinds on the server; they stay, and no other test defines them."""
    if missing := kinds.definitions(kube, [case.manifest for case in cases()]):
        _define(kube, missing)


def _define(kube: Kube, definitions: Sequence[Object]) -> None:
    kube.run("apply", "--filename", "-", stdin=json.dumps(listed(*definitions)))
    names = [f"crd/{entry['metadata']['name']}" for entry in definitions]
    kube.run("wait", "--for", "condition=Established", *names, timeout=60)


def let_in(denying: Kube, cases: Sequence[Case]) -> set[str]:
    """Return the ids of the cases that the API server would create."""
    return set(_CREATED.findall(_asked(denying, [case.manifest for case in cases]).out))


def warned(warning: Kube, cases: Sequence[Case]) -> dict[str, set[str]]:
    """Return the rules that each case breaks, of the cases that the API server can read."""
    ran = _asked(warning, [case.manifest for case in cases])
    found: dict[str, set[str]] = {identity: set() for identity in _CREATED.findall(ran.out)}
    for rule, identity in _WARNED.findall(ran.err):
        found.setdefault(identity, set()).add(rule)
    return found


def _asked(kube: Kube, manifests: Sequence[Object]) -> Ran:
    document = json.dumps(listed(*manifests))
    flags = ("--dry-run=server", "--validate=ignore", "--filename", "-")
    return kube.ask("create", *flags, stdin=document, timeout=300)


def made(kind: str, name: str, spec: Object | None = None, version: str = "v1") -> Object:
    """Return an object of the cluster."""
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        **({"spec": spec} if spec else {}),
    }


def denying(namespace: str, specification: Object) -> Object:
    """Return a policy that denies in one namespace, and its binding, both called as that, as one document."""
    policy = made("ValidatingAdmissionPolicy", namespace, specification, VERSION)
    bound = admission.binding(namespace, Level.MANDATORY, namespace)
    return listed(policy, made("ValidatingAdmissionPolicyBinding", namespace, bound, VERSION))


def listed(*objects: Object) -> Object:
    """Return the objects as one document."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
