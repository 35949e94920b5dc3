"""Probes: a hanging server is restarted, an unready one gets no requests, and neither happens too early."""

from ..expression import Expression, Field
from ..kinds import TEMPLATED
from ..rule import Rule, Severity
from ..vocabulary import (
    CONTAINER,
    KIND,
    POD,
    Default,
    Literal,
    Not,
    Some,
    Subject,
    Variable,
    anything,
    equal,
    every,
    if_,
    is_,
    items,
    less,
    number,
    number_or_text,
    present,
    product,
    some,
    sum_,
    text,
)

_CATEGORY = "probes"
_LIVENESS, _READINESS, _STARTUP = "livenessProbe", "readinessProbe", "startupProbe"
_PORT, _VOLUME = Variable("port"), Variable("volume")
_PATIENCE_SECONDS = 30


def _probe(name: str) -> Field:
    return Field(CONTAINER, (name,), dict)


def _number(probe: str, field: str, default: int) -> Expression:
    return Default(number(CONTAINER, probe, field), default)


def _patience(probe: str) -> Expression:
    """Return seconds of failures until the probe acts; Kubernetes' own defaults where it does not say."""
    return product(_number(probe, "periodSeconds", 10), _number(probe, "failureThreshold", 3))


def _asks_alike(handler: str, fields: dict[str, object]) -> Expression:
    return every(
        present(Field(CONTAINER, (_LIVENESS, handler)), Field(CONTAINER, (_READINESS, handler))),
        *(
            equal(
                Default(anything(CONTAINER, _LIVENESS, handler, field), default),
                Default(anything(CONTAINER, _READINESS, handler, field), default),
            )
            for field, default in fields.items()
        ),
    )


def _names_a_port(probe: str, handler: str) -> Expression:
    port = number_or_text(CONTAINER, probe, handler, "port")
    declared = Some(
        items(CONTAINER, "ports"),
        _PORT,
        some(
            equal(Default(number(_PORT, "containerPort"), 0), Default(port, -1)),
            equal(Default(text(_PORT, "name"), ""), Default(port, -1)),
        ),
    )
    return if_(present(Field(CONTAINER, (probe, handler))), declared)


RULES = (
    Rule(
        id="probe-liveness",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.SERVING,
        holds=present(_probe(_LIVENESS)),
        protects="A process that hangs is restarted instead of being kept.",
        remedy="give it a livenessProbe that asks the process alone, not what it depends on",
    ),
    Rule(
        id="probe-readiness",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=TEMPLATED,
        subject=Subject.SERVING,
        holds=present(_probe(_READINESS)),
        protects="A pod that cannot serve gets no requests, at its start and later.",
        remedy="give it a readinessProbe that fails while a request would",
    ),
    Rule(
        id="probe-startup",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.SERVING,
        holds=if_(
            every(
                present(_probe(_LIVENESS)),
                some(
                    less(
                        sum_(_number(_LIVENESS, "initialDelaySeconds", 0), _patience(_LIVENESS)),
                        Literal(_PATIENCE_SECONDS),
                    ),
                    # A server with data recovers it first, for an unknown time.
                    is_(KIND, "StatefulSet"),
                    Some(items(POD, "volumes"), _VOLUME, present(Field(_VOLUME, ("persistentVolumeClaim",)))),
                ),
            ),
            present(_probe(_STARTUP)),
        ),
        protects=(
            f"A start that takes {_PATIENCE_SECONDS} s, or recovers data, is not ended by liveness "
            "again and again."
        ),
        remedy="give it a startupProbe with room for its slowest start",
    ),
    Rule(
        id="probes-differ",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.SERVING,
        holds=some(
            Not(
                some(
                    _asks_alike("httpGet", {"path": "/", "port": ""}),
                    _asks_alike("tcpSocket", {"port": ""}),
                    _asks_alike("grpc", {"port": 0, "service": ""}),
                    _asks_alike("exec", {"command": []}),
                )
            ),
            less(_patience(_READINESS), _patience(_LIVENESS)),
        ),
        protects="A pod that is overloaded for a moment is left alone before it is restarted, not at once.",
        remedy="let liveness ask something else, or fail later (periodSeconds, failureThreshold)",
    ),
    Rule(
        id="probe-port",
        category=_CATEGORY,
        severity=Severity.MEDIUM,
        kinds=TEMPLATED,
        subject=Subject.SERVING,
        holds=every(
            *(
                _names_a_port(probe, handler)
                for probe in (_LIVENESS, _READINESS, _STARTUP)
                for handler in ("httpGet", "tcpSocket", "grpc")
            )
        ),
        protects="A probe asks a port that the container listens on; otherwise it restarts a pod that works.",
        remedy="let the probe's port be the number or the name of one in the container's ports",
    ),
)
