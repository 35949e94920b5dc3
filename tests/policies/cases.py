"""The matrix: for each rule cases that it allows, denies, does not judge, and cannot read.

One change of an object that keeps every rule makes a case. The pack and the API server both judge every case.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum

from policies.kinds import PARTIAL
from policies.rule import Rule
from policies.rules import RULES
from policies.vocabulary import Subject

from .about import ABOUT
from .about.shape import About, Change
from .manifests import BASES, DELETE, Manifest, changed

_RUN_TO_THEIR_END = ("CronJob", "Job", "JobSet", "ScaledJob")
# The registries of the cases' images; others are refused.
REGISTRIES = ("registry.example.com/", "localhost:5000/", "web")


class Verdict(StrEnum):
    """The expected verdict of a case. A null is judged as if the field were missing."""

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
    """Return every case, under an id that is a name for an object too."""
    return [case for rule in RULES for case in _of(rule)]


def _of(rule: Rule) -> Iterator[Case]:
    about = ABOUT[rule.id]
    rows = [
        *((Verdict.ALLOWED, changed(about.kind, change)) for change in ({}, *about.allowed)),
        *((Verdict.DENIED, changed(about.kind, change)) for change in about.denied),
        *((Verdict.DENIED, manifest) for manifest in _elsewhere(rule, about)),
        *((Verdict.DENIED, deepcopy(manifest)) for manifest in about.others),
        # An object of a kind that the rule is not about.
        (Verdict.IRRELEVANT, changed(_unlike(rule), {})),
        *(
            (verdict, changed(about.kind, {**about.also, about.field: value}))
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


def _unlike(rule: Rule) -> str:
    """Return a kind that the rule is not about."""
    return next(kind for kind in ("ConfigMap", "Service", "Secret") if kind not in rule.judges)


def _elsewhere(rule: Rule, about: About) -> Iterator[Manifest]:
    """Yield the first denied case in every other kind that the rule judges and whose fields are the same."""
    for kind in sorted(set(rule.judges) & set(BASES) - {about.kind}):
        of_the_pod = about.field.startswith(("container/", "pod/"))
        # A Job's container serves no requests: it has no ports, and none is demanded.
        if not of_the_pod or (kind in _RUN_TO_THEIR_END and rule.subject is Subject.SERVING):
            continue
        denied = about.denied if kind not in PARTIAL else [each for each in about.denied if _says(each)]
        if denied:
            yield changed(kind, denied[0])


def _says(change: Change) -> bool:
    """Return True if the change sets fields, in the pod and containers that every template has."""
    return all(
        value is not DELETE and path.startswith(("container/", "pod/")) for path, value in change.items()
    )
