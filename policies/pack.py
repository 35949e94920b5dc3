"""The table of rules as a Pulumi policy pack: one policy a rule, and the engine's objects as manifests."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, UnknownValueError

from . import judgement
from .across import STACK_RULES, StackRule
from .configuration import Configuration, Exemption
from .expression import Unknown
from .judgement import Manifest
from .rule import Rule
from .rules import RULES
from .stack import Stack, read

NAME = "kubernetes-namespace"
OBJECT, EXEMPTIONS = "object", "exemptions"
_PREFIX = "kubernetes:"
# No objects: components, releases that are rendered inside the cluster, and lists.
_OUTSIDE = ("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize")


def pack(configuration: Configuration, today: dt.date) -> PolicyPack:
    """Return the pack, with a stack's levels and exemptions."""
    seen = _Seen()
    return PolicyPack(
        NAME,
        [
            _object(seen),
            *(_resource_policy(rule, configuration, today) for rule in RULES),
            *(_stack_policy(rule, configuration, seen, today) for rule in STACK_RULES),
            _exemptions(configuration, seen, today),
        ],
    )


@dataclass(frozen=True)
class _Seen:
    """Each resource's inputs, by URN: at the end the engine only has outputs.

    Those hold what others wrote, such as an autoscaler's replicas.
    """

    inputs: dict[str, Manifest] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)

    def keep(self, args: ResourceValidationArgs, judged: Manifest) -> None:
        self.inputs[args.urn] = judged
        # The program never changes it, so its inputs are those of its creation.
        if any(path.partition(".")[0] == "spec" for path in args.opts.ignore_changes):
            self.settled.add(args.urn)

    def stack(self, args: StackValidationArgs) -> Stack:
        urns = [resource.urn for resource in args.resources if resource.urn in self.inputs]
        return read(
            [self.inputs[urn] for urn in urns], [self.inputs[urn] for urn in urns if urn in self.settled]
        )

    def urn(self, judged: Manifest) -> str:
        return next(urn for urn, entry in self.inputs.items() if entry is judged)


def manifest(type_: str, props: Mapping[str, Any]) -> Manifest | None:
    """Return the Kubernetes object of a Pulumi resource; None for other resources and parts of objects."""
    if not type_.startswith(_PREFIX) or type_.startswith(_OUTSIDE) or type_.count(":") != 2:  # noqa: PLR2004
        return None
    group, kind = type_.split(":")[1:]
    if kind.endswith(("List", "Patch")):
        return None
    # In pulumi-yaml or a converted program a resource may name its kind by its type alone.
    version = group.removeprefix("core/")
    return {"apiVersion": version, "kind": kind, **_known(props, ())}


def _known(value: Any, path: tuple[str, ...]) -> Any:
    """Return plain values, with what the engine does not know yet as `Unknown`."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key, (*path, key)) for key in value if not str(key).startswith("__")}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_entry(value, index, (*path, str(index))) for index in range(len(value))]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entry(container: Any, key: Any, path: tuple[str, ...]) -> Any:
    try:
        return _known(container[key], path)
    except UnknownValueError:
        return Unknown(path=path)


def _resource_policy(rule: Rule, configuration: Configuration, today: dt.date) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        kind = args.resource_type.rsplit(":", 1)[-1]
        if not _may_concern(rule, kind):
            return
        judged = manifest(args.resource_type, args.props)
        if judged is None or configuration.exempt(rule.id, judged, today):
            return
        unknown: Unknown | None = None
        for found in judgement.judge(rule, judged, configuration.registries):
            if isinstance(found, Unknown):
                unknown = found
            else:
                report(found.message(judged), None)
        if unknown is not None:
            raise _not_known(unknown)

    return ResourceValidationPolicy(
        name=rule.id,
        description=rule.protects,
        validate=validate,
        enforcement_level=_level(rule, configuration),
        severity=Severity(rule.severity),
        remediation_steps=rule.remedy,
        tags=[rule.category],
    )


def _may_concern(rule: Rule, kind: str) -> bool:
    """Return True if the rule may judge this kind; the group is known only once the object is read."""
    return kind in {name.rpartition("/")[2] for name in rule.judges} or judgement.concerns(rule, kind)


def _not_known(unknown: Unknown) -> UnknownValueError:
    """Return the error by which the engine says that only the update can tell."""
    return UnknownValueError(UNKNOWN_STRING_VALUE, list(unknown.path))


def _object(seen: _Seen) -> Policy:
    """Return the first policy, which every other one builds on."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        judged = manifest(args.resource_type, args.props)
        if judged is None:
            return
        if isinstance(judged.get("metadata", {}), Mapping | Unknown):
            seen.keep(args, judged)
        else:
            report(f"{judged['kind']}: metadata is no object; give it a name there.", None)

    return ResourceValidationPolicy(
        name=OBJECT,
        description="What has no name and no namespace cannot be judged.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _stack_policy(rule: StackRule, configuration: Configuration, seen: _Seen, today: dt.date) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = seen.stack(args)
        if stack.unknown is not None:
            raise _not_known(stack.unknown)
        for judged, detail in rule.judge(stack):
            if not configuration.exempt(rule.id, judged, today):
                report(rule.message(judged, detail), seen.urn(judged))

    return StackValidationPolicy(
        name=rule.id,
        description=rule.protects,
        validate=validate,
        enforcement_level=_level(rule, configuration),
        severity=Severity(rule.severity),
        remediation_steps=rule.remedy,
        tags=[rule.category],
    )


def _exemptions(configuration: Configuration, seen: _Seen, today: dt.date) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        stack = seen.stack(args)
        for entry in configuration.exemptions:
            if entry.expires < today:
                report(
                    f"{entry.rule} for {entry.resource} expired on {entry.expires}: fix what it exempted, "
                    "or decide again and set a later day in policies:exemptions.",
                    None,
                )
            elif not used(entry, stack, today, configuration.registries):
                report(
                    f"{entry.rule} for {entry.resource} is not needed: nothing of that name breaks the rule; "
                    "remove it from policies:exemptions.",
                    None,
                )

    return StackValidationPolicy(
        name=EXEMPTIONS,
        description="An exemption that is no longer needed is removed before something else can use it.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def used(entry: Exemption, stack: Stack, today: dt.date, registries: Sequence[str] = ()) -> bool:
    """Return True if an exemption exempts an object of the stack, or if that is not known yet."""
    for rule in RULES:
        if rule.id == entry.rule:
            covered = (judged for judged in stack.manifests if entry.covers(judged, today))
            return any(judgement.judge(rule, judged, registries) for judged in covered)
    if stack.unknown is not None:
        return True
    across_rule = next(rule for rule in STACK_RULES if rule.id == entry.rule)
    return any(entry.covers(judged, today) for judged, _ in across_rule.judge(stack))


def _level(rule: Rule | StackRule, configuration: Configuration) -> EnforcementLevel:
    return EnforcementLevel(configuration.levels.get(rule.id, rule.level))
