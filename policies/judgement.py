"""A rule's verdict about one object, from nothing but the rule and the object."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .expression import MISSING, Malformed, Scope, Unknown
from .kinds import PARTIAL, PODS, TEMPLATES, kind_of
from .rule import Rule
from .templates import foreign, found, without_nulls
from .vocabulary import (
    CONTAINER,
    OBJECT,
    POD,
    POD_SPEC,
    POD_TEMPLATES,
    REGISTRIES,
    SELECTIONS,
    TEMPLATE,
    Subject,
    items,
)

Manifest = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One violation of a rule: its container, if it has one, and a detail."""

    rule: Rule
    container: str = ""
    detail: str = ""

    def message(self, manifest: Manifest) -> str:
        """Return a message that names the object and the remedy; it never has the object's values."""
        who = name(manifest)
        if self.container:
            who += f", container {self.container}"
        detail = f" ({self.detail})" if self.detail else ""
        return f"{who}{detail}: {self.rule.remedy}."


def name(manifest: Manifest) -> str:
    """Return the object's kind and name, with its namespace where it says one."""
    metadata = manifest.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    own = metadata.get("name") or metadata.get("generateName") or "(named by the API server)"
    space = metadata.get("namespace")
    return (
        f"{manifest.get('kind')} {space}/{own}" if isinstance(space, str) else f"{manifest.get('kind')} {own}"
    )


def judge(rule: Rule, manifest: Manifest, registries: Sequence[str] = ()) -> list[Violation | Unknown]:
    """Return every violation of the rule by the object; an `Unknown` where only the update can tell.

    `registries` are those that images may come from; none: any.
    """
    kind = kind_of(manifest)
    if not concerns(rule, kind):
        return []
    try:
        return list(_judge(rule, without_nulls(manifest), kind, list(registries)))
    except Malformed as malformed:
        return [Violation(rule=rule, detail=str(malformed))]


def concerns(rule: Rule, kind: str) -> bool:
    """Return True if the rule judges this kind, as `kind_of` names it, or pod templates in any kind."""
    return kind in rule.judges or (rule.subject is not Subject.OBJECT and _anywhere(rule) and foreign(kind))


def _anywhere(rule: Rule) -> bool:
    return set(TEMPLATES) <= set(rule.kinds)


def _judge(
    rule: Rule, manifest: Manifest, kind: str, registries: Sequence[str]
) -> Iterator[Violation | Unknown]:
    scope: dict[str, Any] = {
        OBJECT.name: manifest,
        "kind": kind,
        REGISTRIES.name: registries,
    }
    if rule.subject is Subject.OBJECT:
        yield from _verdict(rule, scope, "")
        return
    for pod, whole in _pods(scope, kind):
        if isinstance(pod, Unknown):
            yield pod
            continue
        inner = {**scope, POD.name: pod}
        for subject, container in _subjects(rule, inner):
            if isinstance(subject, Unknown):
                yield subject
            elif whole or _says(rule, subject):
                yield from _verdict(rule, subject, container)


def _verdict(rule: Rule, scope: Scope, container: str) -> Iterator[Violation | Unknown]:
    verdict = rule.holds.value(scope)
    if isinstance(verdict, Unknown):
        yield verdict
    elif not verdict:
        yield Violation(rule=rule, container=container)


def _says(rule: Rule, scope: Scope) -> bool:
    """Return True if an object that an operator completes sets a field that the rule judges."""
    if rule.said is None:
        return False
    return not rule.said or any(field.value(scope) is not MISSING for field in rule.said)


def _pods(scope: Scope, kind: str) -> Iterator[tuple[Any, bool]]:
    """Yield the spec of each pod that the object is or makes, and whether it is whole."""
    if foreign(kind):
        for each in found(scope[OBJECT.name]):
            yield each.pod, each.whole
        return
    templates = POD_TEMPLATES.value(scope)
    for template in [templates] if isinstance(templates, Unknown) else templates:
        pod = POD_SPEC.value({TEMPLATE.name: template})
        if kind in PODS and not isinstance(pod, Unknown):
            containers = items(POD, "containers").value({POD.name: pod})
            if not containers:
                raise Malformed("containers", containers, "at least one container")
        yield pod, kind not in PARTIAL
    if kind in PODS and not templates:
        raise Malformed("containers", templates, "at least one container")


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
