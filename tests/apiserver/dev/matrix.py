"""The rules' matrix at the real API server: policies made from the same table, in namespaces of their own."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from policies import admission
from policies.configuration import Configuration
from policies.rule import Level
from policies.rules import RULES

from ...harness.kube import Kube, Object
from ...harness.running import Ran
from ...harness.waiting import until
from ...policies.cases import REGISTRIES, Case, cases
from .kinds import definitions

VERSION = "admissionregistration.k8s.io/v1"
_DENYING, _WARNING = "matrix-denying", "matrix-warning"
_WARNED = re.compile(r"Warning: Validation failed for \S+ '\S+' with binding '\S+': (\S+): \S+ ([a-z0-9-]+)")
_CREATED = re.compile(r"^\S+?/(\S+) created", re.MULTILINE)
_BAD = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mutable"}}


@contextmanager
def enforced(kube: Kube) -> Iterator[tuple[Kube, Kube]]:
    """Two namespaces in which every rule is mandatory: one denies, the other only says what it would deny."""
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


def _know_every_kind(kube: Kube) -> None:
    """Have the server know other projects' kinds; they stay, and nobody else makes any."""
    if missing := definitions(kube, [case.manifest for case in cases()]):
        document = json.dumps(listed(*missing))
        kube.run("apply", "--filename", "-", stdin=document)
        names = [f"crd/{entry['metadata']['name']}" for entry in missing]
        kube.run("wait", "--for", "condition=Established", *names, timeout=60)


def let_in(denying: Kube, cases: Sequence[Case]) -> set[str]:
    """The ids of the cases that the API server would create."""
    return set(_CREATED.findall(_asked(denying, [case.manifest for case in cases]).out))


def warned(warning: Kube, cases: Sequence[Case]) -> dict[str, set[str]]:
    """The rules that each case breaks, of the cases that the API server can read."""
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
    """An object of the cluster."""
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name},
        **({"spec": spec} if spec else {}),
    }


def listed(*objects: Object) -> Object:
    """The objects as one document."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
