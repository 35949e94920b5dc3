"""Annotations: a run's moments as lines of logs and as samples of one series. Pure.

A line's fields and a sample's labels are names of drills, stacks and moments: nothing that a request carried.
"""

import datetime as dt
import json
import re
from dataclasses import dataclass

from tools.drills.verdict import Measured
from tools.telemetry import plain, prometheus

# The value is the moment too: with a step of a minute, a graph still has it to the millisecond.
SERIES = "feastflow_drill_moment_timestamp_seconds"
METRICS_PATH = "/api/v1/import/prometheus"
LOGS_PATH = "/insert/jsonline?_stream_fields=drill,stack"
MOST = 20
WIDTH = 60
STEADY, BROKEN, RESTORED, REPAIRED = "steady load", "broken", "restored", "repaired"
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The drill of a run: its name, what it does, and where."""

    drill: str
    what: str
    stack: str
    namespace: str


@dataclass(frozen=True, kw_only=True, order=True)
class Moment:
    """Something that came; `at` is in seconds since 1970."""

    at: float
    name: str


def moments(run: Measured) -> list[Moment]:
    """Return a run's moments in their order: those that every run has, and those that the drill noted."""
    every = {STEADY: run.begun, BROKEN: run.moment, RESTORED: run.restored, REPAIRED: run.repaired}
    own = {plain.line(name, WIDTH): at for name, at in list(run.moments.items())[: MOST - len(every)]}
    return sorted(Moment(at=at, name=name) for name, at in {**own, **every}.items() if at is not None)


def lines(subject: Subject, run: Measured) -> bytes:
    """Return the moments as VictoriaLogs takes lines; `run` is the moment at which the load began."""
    begun = _written(run.begins)
    return b"".join(
        json.dumps(
            {
                "_time": _written(moment.at),
                "_msg": _message(subject, moment),
                "drill": subject.drill,
                "stack": subject.stack,
                "namespace": subject.namespace,
                "run": begun,
                "moment": moment.name,
            },
            ensure_ascii=False,
        ).encode()
        + b"\n"
        for moment in moments(run)
    )


def samples(subject: Subject, run: Measured) -> bytes:
    """Return the moments as Prometheus' text, with their times.

    A number within a moment's name is no label: each would be a series of its own.
    """
    return b"".join(_sample(subject, moment).encode() for moment in moments(run))


def _sample(subject: Subject, moment: Moment) -> str:
    labels = {
        "drill": subject.drill,
        "stack": subject.stack,
        "namespace": subject.namespace,
        "moment": _NUMBER.sub("N", moment.name),
    }
    told = ",".join(f"{name}={prometheus.quoted(value)}" for name, value in labels.items())
    return f"{SERIES}{{{told}}} {moment.at:.3f} {moment.at * 1000:.0f}\n"


def _message(subject: Subject, moment: Moment) -> str:
    what = f": {subject.what}" if moment.name == BROKEN else ""
    return f"drill {subject.drill} on {subject.stack}: {moment.name}{what}"


def _written(seconds: float) -> str:
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
