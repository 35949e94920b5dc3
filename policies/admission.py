"""The rules as ValidatingAdmissionPolicies, so that the API server refuses what `pulumi up` would refuse.

One policy a level, with the rules as CEL, and a binding to one namespace. Plain objects are returned; the
program makes resources of them. What has not changed is not judged again, so that an object that was there
before can still be put right, labelled where the rules are about its pods, and deleted. Not a goal:
ClusterRoles, which belong to no namespace.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .configuration import Configuration, Exemption
from .kinds import PARTIAL, TEMPLATED
from .resources import KIND_NAME, KINDS, resource_rule
from .rule import Level, Rule
from .vocabulary import (
    ANNOTATIONS,
    POD_SPEC,
    POD_TEMPLATES,
    SELECTIONS,
    TEMPLATE,
    Subject,
)

# What these create comes from an object that was judged; no other account can have their names.
_CONTROLLERS = (
    "system:kube-controller-manager",
    # It removes finalizers of objects that a later rule would refuse.
    "system:serviceaccount:kube-system:generic-garbage-collector",
    *(
        f"system:serviceaccount:kube-system:{name}-controller"
        for name in (
            "cronjob",
            "daemon-set",
            "deployment",
            "endpoint",
            "endpointslice",
            "endpointslicemirroring",
            "job",
            "replicaset",
            "replication",
            "statefulset",
        )
    ),
)
# Pulumi's provider begins each update with a patch of nothing, which is an update of the object as it was:
# where a later rule refuses that, the update that fixes the object would never be sent.
_CHANGED = (
    'request.operation != "UPDATE" || object.metadata.?labels != oldObject.metadata.?labels || '
    "object.metadata.?annotations != oldObject.metadata.?annotations || "
    'object.exists(key, key != "metadata" && object[?key] != oldObject[?key]) || '
    "oldObject.exists(key, !(key in object))"
)
# The API server's defaults, written out. A run after a killed one applies as another field manager, and what
# is not written out would belong to the first one: a conflict.
_DEFAULTS: Mapping[str, Any] = {"matchPolicy": "Equivalent", "objectSelector": {}}
_ACTIONS = {Level.MANDATORY: ["Deny"], Level.ADVISORY: ["Warn", "Audit"]}
# The time of the request, since CEL has no clock. The API server writes it into an object before it evaluates
# the policies: as creationTimestamp, and at each change into managedFields. An object without such a time is
# taken to be of a day after every exemption.
_TIMES = 'object.metadata.?managedFields.orValue([]).map(field, string(field.?time.orValue("")))'
_MOMENT = (
    'timestamp(request.operation == "CREATE" ? string(object.metadata.creationTimestamp) : '
    f'{_TIMES}.exists(time, time != "") ? {_TIMES}.max() : "9999-01-01T00:00:00Z")'
)
# An object that is never created: its dry run shows whether the API server judges by these very rules yet.
# Only a binding that denies shows it, and only a dry run that names these rules is admitted.
_PROBE, _PROBE_KIND = "rules-in-force", "ConfigMap"
_PROBED = "kubernetes-namespace.policies/rules"
_NAME = 'object.metadata.?name.orValue(object.metadata.?generateName.orValue("?"))'


def policies(
    rules: Sequence[Rule], configuration: Configuration, trusted: Sequence[str], today: dt.date
) -> dict[Level, dict[str, Any]]:
    """Return the `spec` of a ValidatingAdmissionPolicy for each level that has rules.

    `trusted` are the names of accounts whose requests are not judged: operators that make what a stack asks
    of them.
    """
    specifications = {}
    for level in _ACTIONS:
        held = [
            rule
            for rule in rules
            if not rule.pack_only and configuration.levels.get(rule.id, rule.level) is level
        ]
        if held:
            specifications[level] = _specification(held, configuration, trusted, today)
    if Level.MANDATORY in specifications:
        denying = specifications[Level.MANDATORY]
        asked, judged = resource_rule(_PROBE_KIND), denying["matchConstraints"]["resourceRules"]
        if asked not in judged:
            judged.append(asked)
        denying["validations"].append(_probed(_digest(denying)))
    return specifications


def probe(specification: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return the ConfigMap whose dry run the API server denies until it judges by this specification.

    The specification is that of `Level.MANDATORY`. A server that has no such policy yet lets it through.
    """
    own = {**specification, "validations": specification["validations"][:-1]}
    return {
        "apiVersion": "v1",
        "kind": _PROBE_KIND,
        "metadata": {"name": _PROBE, "namespace": namespace, "annotations": {_PROBED: _digest(own)}},
    }


def binding(policy: Any, level: Level, namespace: Any) -> dict[str, Any]:
    """Return the `spec` of the binding of a policy to a namespace, by their names."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {
        "policyName": policy,
        "validationActions": _ACTIONS[level],
        "matchResources": {**_DEFAULTS, "namespaceSelector": selector},
    }


def expression(rule: Rule, exemptions: Sequence[Exemption] = ()) -> str:
    """Return the whole condition of one rule: whom it is not about, who is exempt, and what must hold."""
    passes = [f"!(variables.kind in {json.dumps(list(_kinds(rule)))})"]
    if set(rule.kinds) <= set(TEMPLATED):
        passes.append("variables.unchanged")
    return " || ".join([*passes, *(_exempt(entry) for entry in exemptions), f"({_holds(rule)})"])


def _holds(rule: Rule) -> str:
    """Return the rule's condition in CEL, for every pod and container that it judges."""
    holds = _where_said(rule)
    if rule.subject in SELECTIONS:
        holds = f"{SELECTIONS[rule.subject].cel()}.all(container, {holds})"
    return holds if rule.subject is Subject.OBJECT else f"variables.pods.all(pod, {holds})"


def _where_said(rule: Rule) -> str:
    if not rule.said:
        return rule.holds.cel()
    silent = " && ".join(f"!{field.cel()}.hasValue()" for field in rule.said)
    return f"((variables.partial && {silent}) || ({rule.holds.cel()}))"


def _specification(
    rules: Sequence[Rule], configuration: Configuration, trusted: Sequence[str], today: dt.date
) -> dict[str, Any]:
    in_force = [entry for entry in configuration.exemptions if today <= entry.expires]
    kinds = sorted({kind for rule in rules for kind in _kinds(rule)})
    made = f"!(request.userInfo.username in {json.dumps([*_CONTROLLERS, *trusted])})"
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            **_DEFAULTS,
            "namespaceSelector": {},
            "resourceRules": [resource_rule(kind) for kind in kinds],
        },
        "matchConditions": [
            {"name": "not-made-of-what-was-judged", "expression": made},
            {"name": "changed", "expression": _CHANGED},
        ],
        "variables": _variables(configuration.registries),
        "validations": [
            _validation(rule, [entry for entry in in_force if entry.rule == rule.id]) for rule in rules
        ],
    }


def _variables(registries: Sequence[str]) -> list[dict[str, str]]:
    pods = json.dumps(list(TEMPLATED))
    unchanged = f'request.operation == "UPDATE" && variables.kind in {pods} && object.spec == oldObject.spec'
    template = TEMPLATE.cel()
    return [
        {"name": "kind", "expression": KIND_NAME},
        {"name": "unchanged", "expression": unchanged},
        {"name": "moment", "expression": _MOMENT},
        {"name": "registries", "expression": json.dumps(list(registries))},
        {"name": "partial", "expression": f"variables.kind in {json.dumps(list(PARTIAL))}"},
        {"name": "pods", "expression": f"{POD_TEMPLATES.cel()}.map({template}, {POD_SPEC.cel()})"},
        {"name": "annotations", "expression": ANNOTATIONS.body.cel()},
    ]


def _validation(rule: Rule, exemptions: Sequence[Exemption]) -> dict[str, str]:
    who = f'request.kind.kind + " " + {_NAME}'
    if rule.subject in SELECTIONS:
        broken = f"{SELECTIONS[rule.subject].cel()}.filter(container, !({_where_said(rule)}))"
        named = f'{broken}.map(container, container.name).join(", ")'
        who += f' + ", container " + variables.pods.map(pod, {named}).filter(name, name != "").join(", ")'
    return {
        "expression": expression(rule, exemptions),
        "message": f"{rule.id}: {rule.remedy}.",
        "messageExpression": f"{json.dumps(rule.id + ': ')} + {who} + {json.dumps(f': {rule.remedy}.')}",
        "reason": "Forbidden",
    }


def _probed(digest: str) -> dict[str, str]:
    is_probe = f'variables.kind == "{_PROBE_KIND}" && {_NAME} == "{_PROBE}"'
    annotated = f'object.metadata.?annotations[?"{_PROBED}"].orValue("")'
    return {
        "expression": f'!({is_probe}) || {annotated} == "{digest}"',
        "message": f"The name {_PROBE} is kept for asking which rules are in force; choose another.",
        "reason": "Forbidden",
    }


def _digest(specification: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(specification, sort_keys=True).encode()).hexdigest()[:16]


def _kinds(rule: Rule) -> tuple[str, ...]:
    return tuple(kind for kind in rule.judges if kind in KINDS)


def _exempt(entry: Exemption) -> str:
    kind, _, name = entry.resource.partition("/")
    pattern = name.replace(".", "\\.").replace("*", ".*")
    named = f'request.kind.kind == "{kind}" && {_NAME}.matches({json.dumps(f"^{pattern}$")})'
    end = f"{entry.expires + dt.timedelta(days=1)}T00:00:00Z"
    return f'({named} && variables.moment < timestamp("{end}"))'
