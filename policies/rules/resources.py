"""Resources: every container has requests and limits."""

from ..expression import Expression, Field
from ..kinds import CONTROLLERS, TEMPLATED, TEMPLATES
from ..logic import Amount, AtMost, Size
from ..rule import Rule, Severity
from ..vocabulary import (
    CONTAINER,
    POD,
    Default,
    Every,
    Literal,
    Not,
    Subject,
    Variable,
    anything,
    every,
    if_,
    is_,
    items,
    present,
    some,
)

_CATEGORY = "resources"
_NAMES = ("cpu", "memory", "ephemeral-storage")
_VOLUME = Variable("volume")


def _amount(field: Field) -> Amount:
    return Amount(Default(field, "0"))


def _positive(field: Field) -> Expression:
    return Not(AtMost(_amount(field), Amount(Literal("0"))))


def _stated(kind: str) -> Expression:
    return every(*(_positive(anything(CONTAINER, "resources", kind, name)) for name in _NAMES))


def _within_limit(name: str) -> Expression:
    request = anything(CONTAINER, "resources", "requests", name)
    limit = anything(CONTAINER, "resources", "limits", name)
    return if_(present(request, limit), AtMost(_amount(request), _amount(limit)))


RULES = (
    Rule(
        id="resource-limits",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.SIZED,
        holds=_stated("limits"),
        protects="One container cannot take a node's processor, memory or disk from all others.",
        remedy=f"set resources.limits: {', '.join(_NAMES)}",
    ),
    Rule(
        id="resource-requests",
        category=_CATEGORY,
        severity=Severity.HIGH,
        # The API server defaults a bare pod's missing requests to its limits.
        kinds=(*CONTROLLERS, *TEMPLATES),
        subject=Subject.SIZED,
        holds=_stated("requests"),
        protects="The scheduler knows what a pod needs, and an autoscaler what its share is a share of.",
        remedy=f"set resources.requests: {', '.join(_NAMES)}",
    ),
    Rule(
        id="resource-request-within-limit",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.SIZED,
        holds=every(*(_within_limit(name) for name in _NAMES)),
        protects="What is reserved may be used; Kubernetes refuses the pod otherwise.",
        remedy="raise the limit or lower the request",
    ),
    Rule(
        id="volume-size",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.POD,
        holds=Every(
            items(POD, "volumes"),
            _VOLUME,
            if_(
                # A volume without a source is an emptyDir.
                some(present(Field(_VOLUME, ("emptyDir",), dict)), is_(Size(_VOLUME), 1)),
                _positive(anything(_VOLUME, "emptyDir", "sizeLimit")),
            ),
        ),
        protects="A scratch volume that grows evicts its own pod, and not its neighbours.",
        remedy="set emptyDir.sizeLimit",
    ),
)
