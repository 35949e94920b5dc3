"""The database: a CloudNativePG Cluster, whose pods the operator makes and no rule about pods sees."""

from ..expression import Expression
from ..logic import Amount, AtMost
from ..rule import Rule, Severity
from ..vocabulary import OBJECT, Default, Literal, Not, anything, every, flag, is_, text
from .images import versioned

_CATEGORY = "database"
_KINDS = ("Cluster",)


def _stated(kind: str, name: str) -> Expression:
    return Not(
        AtMost(Amount(Default(anything(OBJECT, "spec", "resources", kind, name), "0")), Amount(Literal("0")))
    )


RULES = (
    Rule(
        id="postgres-image",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        # Without one the operator takes the version that it was released with.
        holds=versioned(Default(text(OBJECT, "spec", "imageName"), "operator:default")),
        protects="Every instance runs the same PostgreSQL, and an update of it is decided.",
        remedy="set spec.imageName to a version, not to latest",
    ),
    Rule(
        id="postgres-resources",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        holds=every(*(_stated(kind, name) for kind in ("requests", "limits") for name in ("cpu", "memory"))),
        protects="The database has what it needs, and leaves the rest to others.",
        remedy="set spec.resources: requests and limits of cpu and memory",
    ),
    Rule(
        id="postgres-superuser",
        category=_CATEGORY,
        severity=Severity.HIGH,
        kinds=_KINDS,
        holds=is_(Default(flag(OBJECT, "spec", "enableSuperuserAccess"), False), False),
        protects="The superuser cannot log in over the network.",
        remedy="leave spec.enableSuperuserAccess out and use managed roles",
    ),
)
