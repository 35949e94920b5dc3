"""The form of a rule's cases: the field that decides, and the values allowed and denied there."""

import dataclasses
from dataclasses import dataclass
from typing import Any

Change = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class About:
    """A rule's cases: the field that decides, and the values allowed and denied there.

    `wrong` is a value of a type that the field cannot have, `huge` one that is beyond every
    number. `also` is changed along with these, so that only the field decides. `others` are whole
    objects, of kinds that have no base, which the rule denies.
    """

    kind: str
    field: str
    allowed: tuple[Change, ...]
    denied: tuple[Change, ...]
    wrong: Any = "text"
    huge: Any = 10**30
    also: Change = dataclasses.field(default_factory=dict)
    others: tuple[dict[str, Any], ...] = ()


def at(field: str, *values: Any) -> tuple[Change, ...]:
    return tuple({field: value} for value in values)


def probe(seconds: int, failures: int, **more: Any) -> dict[str, Any]:
    return {
        "httpGet": {"path": "/", "port": "http"},
        "periodSeconds": seconds,
        "failureThreshold": failures,
        **more,
    }


def container(name: str) -> str:
    return f"container/securityContext/{name}"


def pod(name: str) -> str:
    return f"pod/securityContext/{name}"


SIDECAR = {"init/restartPolicy": "Always", "init/ports": [{"containerPort": 9000}]}

MEMORY = "container/resources/{}/memory"

DIGEST = "sha256:" + "0123456789abcdef" * 4
