"""The matrix: for each rule what it allows, denies, leaves to others, and cannot read.

One change of an object that keeps every rule makes a case. The pack and the API server both judge every case.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from policies.rule import Rule
from policies.rules import RULES
from policies.vocabulary import Subject

from .about import ABOUT
from .about.shape import About
from .manifests import BASES, DELETE, Manifest, changed


class Verdict(StrEnum):
    """What a case shows. What is null must be judged as if it were missing."""

    ALLOWED = "allowed"
    DENIED = "denied"
    IRRELEVANT = "irrelevant"
    WRONG_TYPE = "wrong"
    HUGE = "huge"
    NULL = "null"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Case:
    """An object, and what the rule says of it."""

    id: str
    rule: str
    verdict: Verdict
    manifest: Manifest


def cases() -> list[Case]:
    """Every case, under an id that is a name for an object too."""
    return [case for rule in RULES for case in _of(rule)]


def _of(rule: Rule) -> Iterator[Case]:
    about = ABOUT[rule.id]
    rows = [
        *((Verdict.ALLOWED, changed(about.kind, change)) for change in ({}, *about.allowed)),
        *((Verdict.DENIED, changed(about.kind, change)) for change in about.denied),
        *((Verdict.DENIED, manifest) for manifest in _elsewhere(rule, about)),
        # An object of a kind that the rule is not about.
        (Verdict.IRRELEVANT, changed("ConfigMap" if "ConfigMap" not in rule.kinds else "Service", {})),
        *(
            (verdict, changed(about.kind, {**about.beside, about.field: value}))
            for verdict, value in (
                (Verdict.WRONG_TYPE, about.wrong),
                (Verdict.HUGE, about.huge),
                (Verdict.NULL, None),
                (Verdict.MISSING, DELETE),
            )
        ),
    ]
    for number, (verdict, manifest) in enumerate(rows):
        identity = f"{rule.id}-{verdict}-{number}"
        manifest["metadata"]["name"] = identity
        yield Case(id=identity, rule=rule.id, verdict=verdict, manifest=manifest)


def _elsewhere(rule: Rule, about: About) -> Iterator[Manifest]:
    """The first thing denied, in every other kind that the rule is about and whose fields are the same."""
    for kind in sorted(set(rule.kinds) & set(BASES) - {about.kind}):
        of_the_pod = about.field.startswith(("container/", "pod/"))
        # A Job's container serves nobody: it has no ports, and none is demanded.
        if of_the_pod and not (kind in ("Job", "CronJob") and rule.subject is Subject.SERVING):
            yield changed(kind, about.denied[0])
