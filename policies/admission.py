"""The rules as ValidatingAdmissionPolicies: what `pulumi up` would refuse, the API server refuses to anybody.

One policy a level, with the rules as CEL, and a binding to one namespace. Plain objects are returned; the
program makes resources of them. What has not changed is not judged again, so that an object that was there
before can still be labelled and deleted. Not a goal: ClusterRoles, which belong to no namespace.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .configuration import Configuration, Exemption
from .kinds import GROUPS, PODS
from .rule import Level, Rule
from .vocabulary import POD_SPEC, SELECTIONS, Subject

# Versions and names in an address; the groups are in kinds.py.
_RESOURCES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Cluster": ("v1", ("clusters",)),
    "ConfigMap": ("v1", ("configmaps",)),
    "CronJob": ("v1", ("cronjobs",)),
    "DaemonSet": ("v1", ("daemonsets",)),
    "Deployment": ("v1", ("deployments",)),
    "Gateway": ("v1", ("gateways",)),
    "HTTPRoute": ("v1", ("httproutes",)),
    "HorizontalPodAutoscaler": ("v2", ("horizontalpodautoscalers",)),
    "Ingress": ("v1", ("ingresses",)),
    "Job": ("v1", ("jobs",)),
    "Namespace": ("v1", ("namespaces",)),
    "NetworkPolicy": ("v1", ("networkpolicies",)),
    # The last two are `kubectl debug` and a change of a running pod's resources.
    "Pod": ("v1", ("pods", "pods/ephemeralcontainers", "pods/resize")),
    "PodDisruptionBudget": ("v1", ("poddisruptionbudgets",)),
    "ReplicaSet": ("v1", ("replicasets",)),
    "ReplicationController": ("v1", ("replicationcontrollers",)),
    "Role": ("v1", ("roles",)),
    "Secret": ("v1", ("secrets",)),
    "Service": ("v1", ("services",)),
    "ServiceAccount": ("v1", ("serviceaccounts",)),
    "StatefulSet": ("v1", ("statefulsets",)),
}
KINDS = tuple(_RESOURCES)
# What these make, they make of an object that was judged; their names can be taken by nobody else.
_CONTROLLERS = (
    "system:kube-controller-manager",
    *(
        f"system:serviceaccount:kube-system:{name}-controller"
        for name in (
            "cronjob",
            "daemon-set",
            "deployment",
            "job",
            "replicaset",
            "replication",
            "statefulset",
        )
    ),
)
# What the API server would fill in. Whoever applies the object again after a run that was killed has another
# name, and a part that is not written out would be the first one's: a conflict.
_DEFAULTS: Mapping[str, Any] = {"matchPolicy": "Equivalent", "objectSelector": {}}
_ACTIONS = {Level.MANDATORY: ["Deny"], Level.ADVISORY: ["Warn", "Audit"]}
_SELECTED = {
    Subject.CONTAINERS: "variables.containers",
    Subject.SIZED: "variables.sized",
    Subject.SERVING: "variables.serving",
}
_NAME = 'object.metadata.?name.orValue(object.metadata.?generateName.orValue("?"))'


def policies(
    rules: Sequence[Rule], configuration: Configuration, trusted: Sequence[str], today: dt.date
) -> dict[Level, dict[str, Any]]:
    """The `spec` of a ValidatingAdmissionPolicy for each level that has rules.

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
    return specifications


def binding(policy: Any, level: Level, namespace: Any) -> dict[str, Any]:
    """The `spec` of the binding of a policy to a namespace, by their names."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return {
        "policyName": policy,
        "validationActions": _ACTIONS[level],
        "matchResources": {**_DEFAULTS, "namespaceSelector": selector},
    }


def expression(rule: Rule, exemptions: Sequence[Exemption] = ()) -> str:
    """The whole condition of one rule: whom it is not about, who is exempt, and what must hold."""
    holds = rule.holds.cel()
    if rule.subject in _SELECTED:
        holds = f"{_SELECTED[rule.subject]}.all(container, {holds})"
    passes = [f"!(variables.kind in {json.dumps(list(_kinds(rule)))})"]
    if set(rule.kinds) <= set(PODS):
        passes.append("variables.unchanged")
    return " || ".join([*passes, *(_exempt(entry) for entry in exemptions), f"({holds})"])


def _specification(
    rules: Sequence[Rule], configuration: Configuration, trusted: Sequence[str], today: dt.date
) -> dict[str, Any]:
    in_force = [entry for entry in configuration.exemptions if today <= entry.expires]
    kinds = sorted({kind for rule in rules for kind in _kinds(rule)})
    makers = json.dumps([*_CONTROLLERS, *trusted])
    return {
        "failurePolicy": "Fail",
        "matchConstraints": {
            **_DEFAULTS,
            "namespaceSelector": {},
            "resourceRules": [_resource_rule(kind) for kind in kinds],
        },
        "matchConditions": [
            {"name": "not-made-of-what-was-judged", "expression": f"!(request.userInfo.username in {makers})"}
        ],
        "variables": _variables(),
        "validations": [
            _validation(rule, [entry for entry in in_force if entry.rule == rule.id]) for rule in rules
        ],
    }


def _variables() -> list[dict[str, str]]:
    pods = json.dumps(list(PODS))
    unchanged = (
        f'request.operation == "UPDATE" && request.kind.kind in {pods} && object.spec == oldObject.spec'
    )
    return [
        {"name": "kind", "expression": "request.kind.kind"},
        {"name": "unchanged", "expression": unchanged},
        {"name": "pod", "expression": POD_SPEC.cel()},
        *(
            {"name": _SELECTED[subject].removeprefix("variables."), "expression": selection.cel()}
            for subject, selection in SELECTIONS.items()
        ),
    ]


def _validation(rule: Rule, exemptions: Sequence[Exemption]) -> dict[str, str]:
    who = f'variables.kind + " " + {_NAME}'
    if rule.subject in _SELECTED:
        broken = f"{_SELECTED[rule.subject]}.filter(container, !({rule.holds.cel()}))"
        who += f' + ", container " + {broken}.map(container, container.name).join(", ")'
    return {
        "expression": expression(rule, exemptions),
        "message": f"{rule.id}: {rule.remedy}.",
        "messageExpression": f"{json.dumps(rule.id + ': ')} + {who} + {json.dumps(f': {rule.remedy}.')}",
        "reason": "Forbidden",
    }


def _resource_rule(kind: str) -> dict[str, Any]:
    version, resources = _RESOURCES[kind]
    return {
        "apiGroups": [GROUPS[kind]],
        "apiVersions": [version],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(resources),
        "scope": "*",
    }


def _kinds(rule: Rule) -> tuple[str, ...]:
    return tuple(kind for kind in rule.kinds if kind in _RESOURCES)


def _exempt(entry: Exemption) -> str:
    kind, _, name = entry.resource.partition("/")
    pattern = name.replace(".", "\\.").replace("*", ".*")
    return f'(variables.kind == "{kind}" && {_NAME}.matches({json.dumps(f"^{pattern}$")}))'
