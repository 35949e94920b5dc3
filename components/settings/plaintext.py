"""Plain values that look like secrets, by the rules `secret-literal` and `secret-in-annotation`."""

import datetime as dt
import shlex
from collections.abc import Iterator, Mapping

from policies.configuration import Configuration
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from .derived import tiers
from .file import encrypted
from .model.contract import plain_environments
from .model.stack import Stack
from .problem import problem
from .values import names

_RULE = next(rule for rule in RULES if rule.id == "secret-literal")
_NOTED = next(rule for rule in RULES if rule.id == "secret-in-annotation")
_SECRET = "database.backup.credentials.secretName"  # noqa: S105 - a setting's name
_ROLE = "database.backup.credentials.workloadIdentity"


def looks_secret(name: str, value: str) -> bool:
    """Return whether a variable of this name and value breaks the rule."""
    container = {"name": "judged", "env": [{"name": name, "value": value}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "judged"},
        "spec": {"containers": [container]},
    }
    return bool(judge(_RULE, pod))


def problems(stack: Stack, rules: Configuration, today: dt.date) -> list[str]:
    """Return a refusal for each, unless the stack's file exempts the object or lowers the rule."""
    return [*_variables(stack, rules, today), *_annotations(stack, rules)]


def _variables(stack: Stack, rules: Configuration, today: dt.date) -> list[str]:
    if rules.levels.get(_RULE.id, _RULE.level) is not Level.MANDATORY:
        return []
    return [
        _refusal(tier, (*held, variable))
        for tier, kind, name, held, env in _environments(stack)
        if not rules.exempt(_RULE.id, {"kind": kind, "metadata": {"name": name}}, today)
        for variable, value in env.items()
        if looks_secret(variable, value)
    ]


def _annotations(stack: Stack, rules: Configuration) -> list[str]:
    """Return a refusal for each annotation of the database's accounts by which a cloud would know a role."""
    backup = stack.database.backup
    if backup is None or rules.levels.get(_NOTED.id, _NOTED.level) is not Level.MANDATORY:
        return []
    return [
        problem(
            encrypted.called((encrypted.PROJECT + ":database", *_ROLE.split(".")[1:], name)),
            found="an annotation that looks like a secret, and is not shown",
            why="it would be read by everyone who may see service accounts; a cloud knows a role by its name",
            fix=f"remove it; and where a key is needed, keep it in a Secret that {_SECRET} names",
        )
        for name, value in (backup.credentials.workload_identity or {}).items()
        if judge(_NOTED, _account(name, value))
    ]


def _account(annotation: str, value: str) -> Mapping[str, object]:
    metadata = {"name": "judged", "annotations": {annotation: value}}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _environments(stack: Stack) -> Iterator[tuple[str, str, str, tuple[str, ...], Mapping[str, str]]]:
    """Each of them by its tier, the object that it ends in, and the keys that hold it below the tier."""
    for tier in tiers.applications(stack):
        for held, env in plain_environments(tier.settings).items():
            yield tier.name, "Deployment", tier.facts.workload, tuple(held.split(".")), env
        for name, job in tier.settings.scheduled.items():
            yield tier.name, "CronJob", names.joined(names.JOBS, name), ("jobs", name, "env"), job.env


def _refusal(tier: str, path: tuple[str, ...]) -> str:
    key = encrypted.called((f"{encrypted.PROJECT}:{tier}", *path))
    meant = encrypted.called((f"{encrypted.PROJECT}:{tier}", "secrets", path[-1]))
    return problem(
        key,
        found="a value that looks like a secret, and is not shown",
        why="it would stand in plain text in the stack's file, the state, its history and the pods",
        fix=f"pulumi config rm --path {shlex.quote(key)}, and "
        f"pulumi config set --secret --path {shlex.quote(meant)}",
    )
