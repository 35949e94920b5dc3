"""What a rule is: who it is about, what must hold, and what to do when it does not."""

from dataclasses import dataclass
from enum import StrEnum

from .expression import Expression
from .vocabulary import Subject


class Level(StrEnum):
    """What a violation does: stop the deployment, warn, or nothing."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Severity(StrEnum):
    """How much harm a violation can do."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule about one object.

    `protects` says what is lost without it, `remedy` what to write instead. `holds` is true where the rule is
    kept. `pack_only` says why the API server cannot judge it, where that is so. Rules about several objects
    are in across.py.
    """

    id: str
    category: str
    severity: Severity
    kinds: tuple[str, ...]
    subject: Subject = Subject.OBJECT
    holds: Expression
    protects: str
    remedy: str
    level: Level = Level.MANDATORY
    pack_only: str = ""
