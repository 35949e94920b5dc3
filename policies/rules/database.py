"""The database: a CloudNativePG Cluster, whose pods the operator makes and no rule about pods sees."""

from ..expression import Expression
from ..logic import Amount, AtMost
from ..rule import Level, Rule, Severity
from ..vocabulary import (
    OBJECT,
    Default,
    Literal,
    Not,
    Some,
    Variable,
    anything,
    every,
    flag,
    is_,
    items,
    some,
    text,
)
from .images import versioned

_CATEGORY = "database"
_KINDS = ("Cluster",)
_PLUGIN = Variable("plugin")


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
        id="postgres-backup",
        category=_CATEGORY,
        severity=Severity.HIGH,
        # Mandatory in Pulumi.prod.yaml: a database to develop with may be lost.
        level=Level.ADVISORY,
        kinds=_KINDS,
        holds=some(
            Not(is_(Default(text(OBJECT, "spec", "backup", "barmanObjectStore", "destinationPath"), ""), "")),
            Some(
                items(OBJECT, "spec", "plugins"),
                _PLUGIN,
                is_(Default(flag(_PLUGIN, "isWALArchiver"), False), True),
            ),
        ),
        protects="What is deleted or overwritten by mistake comes back as it was a minute before.",
        remedy="set spec.backup.barmanObjectStore, or a plugin that archives the log",
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
