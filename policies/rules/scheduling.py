"""Scheduling: the scheduler places every pod, with a priority below the cluster's own programs."""

from ..kinds import TEMPLATED
from ..logic import Matches, Size
from ..rule import Rule, Severity
from ..vocabulary import (
    OBJECT,
    POD,
    SIDECARS,
    Default,
    Every,
    Literal,
    Not,
    Subject,
    Variable,
    absent,
    anything,
    empty,
    entries,
    every,
    flag,
    is_,
    items,
    less,
    long,
    some,
    text,
)

_CATEGORY = "scheduling"
_TOLERATION, _KEY = Variable("toleration"), Variable("key")
_TERM, _WANTED = Variable("term"), Variable("wanted")
# The taints that keep other pods off the control plane's nodes.
_CONTROL_PLANE = "node-role\\.kubernetes\\.io/"
_TERMS = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
# Above it are Kubernetes' own classes; a stack's own need no more than a tenth.
_HIGHEST = 100_000_000

RULES = (
    Rule(
        id="priority-class",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=Not(Matches(Default(text(POD, "priorityClassName"), ""), "^system-")),
        protects="A pod does not push out what the cluster itself needs.",
        remedy="name a PriorityClass of your own in priorityClassName, or none",
        said=(),
    ),
    Rule(
        id="priority-class-bounds",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("PriorityClass",),
        holds=every(
            is_(Default(flag(OBJECT, "globalDefault"), False), False),
            less(Default(long(OBJECT, "value"), 0), Literal(_HIGHEST)),
        ),
        protects="No stack goes before the cluster's own programs, or decides for those that name no class.",
        remedy=f"leave globalDefault out and let value be below {_HIGHEST}",
        pack_only="a PriorityClass belongs to the cluster, and to no namespace",
    ),
    Rule(
        id="node-choice",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=every(
            is_(Default(text(POD, "nodeName"), ""), ""),
            Every(entries(POD, "nodeSelector"), _KEY, Not(Matches(_KEY, _CONTROL_PLANE))),
            Every(
                items(POD, *_TERMS),
                _TERM,
                every(
                    empty(items(_TERM, "matchFields")),
                    Every(
                        items(_TERM, "matchExpressions"),
                        _WANTED,
                        Not(
                            every(
                                Matches(Default(text(_WANTED, "key"), ""), _CONTROL_PLANE),
                                Matches(Default(text(_WANTED, "operator"), ""), "^(In|Exists)$"),
                            )
                        ),
                    ),
                ),
            ),
        ),
        protects="A pod is not put on a node past the scheduler, its quotas and its taints.",
        remedy="leave nodeName out; let selectors and affinity name zones, not nodes or the control plane",
        said=(),
    ),
    Rule(
        id="tolerations",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=Every(
            items(POD, "tolerations"),
            _TOLERATION,
            every(
                Not(is_(Default(text(_TOLERATION, "key"), ""), "")),
                Not(Matches(Default(text(_TOLERATION, "key"), ""), _CONTROL_PLANE)),
            ),
        ),
        protects="Nodes that are kept for others, or for the control plane, are kept from it.",
        remedy="give each toleration the key of the one taint that it is about",
        said=(),
    ),
    Rule(
        id="pod-neighbours",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=every(
            empty(items(POD, "hostAliases")),
            Not(is_(Default(text(POD, "dnsPolicy"), ""), "None")),
            empty(items(POD, "dnsConfig", "nameservers")),
            # With one container there is no other whose processes it could see.
            some(
                is_(Default(flag(POD, "shareProcessNamespace"), False), False),
                every(less(Size(items(POD, "containers")), Literal(2)), empty(SIDECARS)),
            ),
            absent(anything(POD, "overhead")),
        ),
        protects="Host names resolve as for every other pod, and containers see no other's processes.",
        remedy=(
            "leave hostAliases, dnsPolicy: None and dnsConfig.nameservers out, and shareProcessNamespace too "
            "where there are several containers"
        ),
        said=(),
    ),
)
