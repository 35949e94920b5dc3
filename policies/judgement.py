"""A rule's verdict about one object, from nothing but the rule and the object."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .expression import Malformed, Unknown
from .kinds import kind_of
from .rule import Rule
from .vocabulary import CONTAINER, OBJECT, POD, POD_SPEC, SELECTIONS, Subject, items

Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """What breaks a rule: which container where it is one, and what else there is to say."""

    rule: Rule
    container: str = ""
    detail: str = ""

    def message(self, manifest: Manifest) -> str:
        """Who breaks it and what to do; values of the object are never part of it."""
        who = name(manifest)
        if self.container:
            who += f", container {self.container}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{who}{detail}: {self.rule.remedy}."


def name(manifest: Manifest) -> str:
    """The object's kind and name, with its namespace where it says one."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    own = metadata.get("name") or metadata.get("generateName") or "(named by the API server)"
    space = metadata.get("namespace")
    return (
        f"{manifest.get('kind')} {space}/{own}" if isinstance(space, str) else f"{manifest.get('kind')} {own}"
    )


def judge(rule: Rule, manifest: Manifest) -> list[Violation | Unknown]:
    """Every violation of the rule by the object; an `Unknown` where only the update can tell."""
    if kind_of(manifest) not in rule.kinds:
        return []
    try:
        return list(_judge(rule, manifest))
    except Malformed as malformed:
        return [Violation(rule=rule, detail=str(malformed))]


def _judge(rule: Rule, manifest: Manifest) -> Iterator[Violation | Unknown]:
    scope: dict[str, Any] = {OBJECT.name: manifest, "kind": manifest["kind"]}
    if rule.subject is not Subject.OBJECT:
        scope[POD.name] = POD_SPEC.value(scope)
        if isinstance(scope[POD.name], Unknown):
            yield scope[POD.name]
            return
        containers = items(POD, "containers").value(scope)
        if not containers:
            raise Malformed("containers", containers, "at least one container")
    for subject, container in _subjects(rule, scope):
        if isinstance(subject, Unknown):
            yield subject
            continue
        verdict = rule.holds.value(subject)
        if isinstance(verdict, Unknown):
            yield verdict
        elif not verdict:
            yield Violation(rule=rule, container=container)


def _subjects(rule: Rule, scope: dict[str, Any]) -> Iterator[tuple[dict[str, Any] | Unknown, str]]:
    if rule.subject not in SELECTIONS:
        yield scope, ""
        return
    containers = SELECTIONS[rule.subject].value(scope)
    if isinstance(containers, Unknown):
        yield containers, ""
        return
    for container in containers:
        if isinstance(container, Unknown):
            yield container, ""
            continue
        if not isinstance(container, Mapping):
            raise Malformed("containers[]", container, "an object")
        yield {**scope, CONTAINER.name: container}, str(container.get("name"))
