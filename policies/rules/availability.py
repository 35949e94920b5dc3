"""Availability: rollouts, drains and failures leave enough pods, and each pod ends in its own time."""

from ..kinds import TEMPLATED
from ..logic import Compare
from ..rule import Level, Rule, Severity
from ..vocabulary import (
    CONTAINER,
    OBJECT,
    POD,
    Default,
    Literal,
    Not,
    Subject,
    absent,
    empty,
    every,
    if_,
    is_,
    items,
    less,
    long,
    number,
    number_or_text,
    one_of,
    present,
    some,
    text,
)

_CATEGORY = "availability"
_NONE = (0, "0", "0%")
_WHOLE = "100%"
_GRACE_SECONDS = 30


def _kind(name: str) -> Compare:
    return Compare(Default(text(OBJECT, "kind"), ""), "==", Literal(name))


_MAX_UNAVAILABLE = number_or_text(OBJECT, "spec", "maxUnavailable")
_MIN_AVAILABLE = number_or_text(OBJECT, "spec", "minAvailable")
_SPREAD = some(
    Not(empty(items(POD, "topologySpreadConstraints"))),
    *(
        Not(empty(items(POD, "affinity", "podAntiAffinity", f"{when}DuringSchedulingIgnoredDuringExecution")))
        for when in ("required", "preferred")
    ),
)

RULES = (
    Rule(
        id="rollout-strategy",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Deployment",),
        holds=every(
            is_(Default(text(OBJECT, "spec", "strategy", "type"), "RollingUpdate"), "RollingUpdate"),
            one_of(
                Default(number_or_text(OBJECT, "spec", "strategy", "rollingUpdate", "maxUnavailable"), "25%"),
                *_NONE,
            ),
        ),
        protects="A rollout never leaves fewer pods than are wanted.",
        remedy="set strategy.rollingUpdate.maxUnavailable: 0 (and maxSurge: 1)",
    ),
    Rule(
        id="update-strategy",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("StatefulSet", "DaemonSet"),
        holds=is_(Default(text(OBJECT, "spec", "updateStrategy", "type"), "RollingUpdate"), "RollingUpdate"),
        protects="A new version is rolled out when it is deployed, not when a pod happens to die.",
        remedy="set updateStrategy.type: RollingUpdate",
    ),
    Rule(
        id="spread",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("Deployment",),
        subject=Subject.POD,
        holds=_SPREAD,
        protects="The loss of one node, or one zone, does not take every replica along.",
        remedy="set topologySpreadConstraints over topology.kubernetes.io/zone and kubernetes.io/hostname",
    ),
    Rule(
        id="spread-stateful",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("StatefulSet",),
        subject=Subject.POD,
        holds=if_(less(Literal(1), Default(number(OBJECT, "spec", "replicas"), 1)), _SPREAD),
        protects="The loss of one node does not take every replica of the data along.",
        remedy="set topologySpreadConstraints, or podAntiAffinity, for a set of more than one",
    ),
    Rule(
        id="grace-period",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.CONTAINERS,
        holds=less(
            Default(long(CONTAINER, "lifecycle", "preStop", "sleep", "seconds"), 0),
            Default(long(POD, "terminationGracePeriodSeconds"), _GRACE_SECONDS),
        ),
        protects="A process hears SIGTERM and can finish its requests before it is killed.",
        remedy="let terminationGracePeriodSeconds be longer than preStop takes",
    ),
    Rule(
        id="disruption-budget-bounds",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("PodDisruptionBudget",),
        holds=some(
            every(present(_MAX_UNAVAILABLE), Not(one_of(Default(_MAX_UNAVAILABLE, 0), *_NONE, _WHOLE))),
            every(
                absent(_MAX_UNAVAILABLE),
                present(_MIN_AVAILABLE),
                Not(one_of(Default(_MIN_AVAILABLE, 0), *_NONE, _WHOLE)),
            ),
        ),
        protects="A node can be drained, and not of everything at once.",
        remedy="set maxUnavailable: 1",
    ),
    Rule(
        id="autoscaler-range",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=("HorizontalPodAutoscaler",),
        holds=less(
            Default(number(OBJECT, "spec", "minReplicas"), 1),
            Default(number(OBJECT, "spec", "maxReplicas"), 0),
        ),
        protects="An autoscaler has somewhere to go when load comes.",
        remedy="let maxReplicas be more than minReplicas",
    ),
    Rule(
        id="autoscaler-minimum",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=("HorizontalPodAutoscaler",),
        holds=less(Literal(1), Default(number(OBJECT, "spec", "minReplicas"), 1)),
        protects="One pod's end is not the end of the service.",
        remedy="set minReplicas to 2 or more",
        level=Level.ADVISORY,
    ),
    Rule(
        id="job-deadline",
        category=_CATEGORY,
        severity=Severity.LOW,
        kinds=("Job", "CronJob"),
        holds=some(
            present(long(OBJECT, "spec", "activeDeadlineSeconds")),
            present(long(OBJECT, "spec", "jobTemplate", "spec", "activeDeadlineSeconds")),
        ),
        protects="A Job that hangs ends, and what waits for it learns that it failed.",
        remedy="set activeDeadlineSeconds",
    ),
)
