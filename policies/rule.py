"""A rule of the pack: the objects that it judges, its condition and its remedy."""

from dataclasses import dataclass
from enum import StrEnum

from .expression import Expression, Field
from .kinds import PARTIAL
from .vocabulary import Subject


class Level(StrEnum):
    """The effect of a violation: it stops the deployment, warns, or does nothing."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"
    DISABLED = "disabled"


class Severity(StrEnum):
    """The harm that a violation can do."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule about one object.

    `protects` says what is lost without it, `remedy` what to write instead. `holds` is true where the rule is
    kept. `pack_only` says why the API server cannot judge it, where that is so. `said` makes it a rule about
    templates that an operator completes too: where one of these fields is there, or always if there are none.
    Rules about several objects are in across.py.
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
    said: tuple[Field, ...] | None = None

    @property
    def judges(self) -> tuple[str, ...]:
        """The kinds that it is about, with those that an operator completes."""
        return self.kinds if self.said is None else (*self.kinds, *PARTIAL)
