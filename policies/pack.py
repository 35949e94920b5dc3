"""The table of rules as a Pulumi policy pack: one policy a rule, and the engine's objects as manifests."""

import datetime as dt
from collections.abc import Mapping, Sequence
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

from . import across, judgement
from .across import STACK_RULES, StackRule
from .configuration import Configuration, Exemption
from .expression import Unknown
from .judgement import Manifest
from .rule import Rule
from .rules import RULES
from .stack import read

NAME = "kubernetes-namespace"
OBJECT, EXEMPTIONS = "object", "exemptions"
_PREFIX = "kubernetes:"
# Not objects of their own: components, releases that a program inside the cluster renders, and lists.
_OUTSIDE = ("kubernetes:helm.sh/", "kubernetes:yaml", "kubernetes:kustomize")


def pack(configuration: Configuration, today: dt.date) -> PolicyPack:
    """The pack, with a stack's levels and exemptions."""
    inputs: dict[str, Manifest] = {}
    return PolicyPack(
        NAME,
        [
            _object(inputs),
            *(_resource_policy(rule, configuration, today) for rule in RULES),
            *(_stack_policy(rule, configuration, inputs, today) for rule in STACK_RULES),
            _exemptions(configuration, inputs, today),
        ],
    )


def manifest(type_: str, props: Mapping[str, Any]) -> Manifest | None:
    """The Kubernetes object of a Pulumi resource; None for what is no object, or only a part of one."""
    if not type_.startswith(_PREFIX) or type_.startswith(_OUTSIDE) or type_.count(":") != 2:  # noqa: PLR2004
        return None
    group, kind = type_.split(":")[1:]
    if kind.endswith(("List", "Patch")):
        return None
    # A resource of pulumi-yaml or of a converted program may leave to its type what it is.
    version = group.removeprefix("core/")
    return {"apiVersion": version, "kind": kind, **_known(props, ())}


def _known(value: Any, path: tuple[str, ...]) -> Any:
    """Plain values, with what the engine does not know yet as `Unknown`."""
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
        if args.resource_type.rsplit(":", 1)[-1] not in rule.kinds:
            return
        judged = manifest(args.resource_type, args.props)
        if judged is None or configuration.exempt(rule.id, judged, today):
            return
        unknown: Unknown | None = None
        for found in judgement.judge(rule, judged):
            if isinstance(found, Unknown):
                unknown = found
            else:
                report(found.message(judged), None)
        if unknown is not None:
            # Only the update can tell, and the engine says so.
            raise UnknownValueError(UNKNOWN_STRING_VALUE, list(unknown.path))

    return ResourceValidationPolicy(
        name=rule.id,
        description=rule.protects,
        validate=validate,
        enforcement_level=_level(rule, configuration),
        severity=Severity(rule.severity),
        remediation_steps=rule.remedy,
        tags=[rule.category],
    )


def _object(inputs: dict[str, Manifest]) -> Policy:
    """The first policy: it keeps each resource's inputs, because at the end the engine only has outputs.

    Those hold what others wrote, such as an autoscaler's replicas.
    """

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        judged = manifest(args.resource_type, args.props)
        if judged is None:
            return
        if isinstance(judged.get("metadata", {}), Mapping):
            inputs[args.urn] = judged
        else:
            report(f"{judged['kind']}: metadata is no object; give it a name there.", None)

    return ResourceValidationPolicy(
        name=OBJECT,
        description="What has no name and no namespace cannot be judged.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def _stack_policy(
    rule: StackRule, configuration: Configuration, inputs: Mapping[str, Manifest], today: dt.date
) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        objects = _objects(args, inputs)
        for judged, detail in rule.judge(read(list(objects.values()))):
            if not configuration.exempt(rule.id, judged, today):
                urn = next(urn for urn, entry in objects.items() if entry is judged)
                report(rule.message(judged, detail), urn)

    return StackValidationPolicy(
        name=rule.id,
        description=rule.protects,
        validate=validate,
        enforcement_level=_level(rule, configuration),
        severity=Severity(rule.severity),
        remediation_steps=rule.remedy,
        tags=[rule.category],
    )


def _objects(args: StackValidationArgs, inputs: Mapping[str, Manifest]) -> dict[str, Manifest]:
    return {resource.urn: inputs[resource.urn] for resource in args.resources if resource.urn in inputs}


def _exemptions(configuration: Configuration, inputs: Mapping[str, Manifest], today: dt.date) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        manifests = list(_objects(args, inputs).values())
        for entry in configuration.exemptions:
            if entry.expires < today:
                report(
                    f"{entry.rule} for {entry.resource} expired on {entry.expires}: mend what it exempted, "
                    "or decide again and set a later day in policies:exemptions.",
                    None,
                )
            elif not used(entry, manifests, today):
                report(
                    f"{entry.rule} for {entry.resource} is not needed: nothing of that name breaks the rule; "
                    "remove it from policies:exemptions.",
                    None,
                )

    return StackValidationPolicy(
        name=EXEMPTIONS,
        description="An exemption that nobody needs any more does not wait for one who should not have it.",
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def used(entry: Exemption, manifests: Sequence[Manifest], today: dt.date) -> bool:
    """Whether an exemption exempts anything of a stack."""
    for rule in RULES:
        if rule.id == entry.rule:
            return any(entry.covers(judged, today) and judgement.judge(rule, judged) for judged in manifests)
    across_rule = next(rule for rule in across.STACK_RULES if rule.id == entry.rule)
    return any(entry.covers(judged, today) for judged, _ in across_rule.judge(read(manifests)))


def _level(rule: Rule | StackRule, configuration: Configuration) -> EnforcementLevel:
    return EnforcementLevel(configuration.levels.get(rule.id, rule.level))
