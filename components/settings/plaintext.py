"""Plain values that look like secrets, in the words of the rule `secret-literal`."""

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
    if rules.levels.get(_RULE.id, _RULE.level) is not Level.MANDATORY:
        return []
    return [
        _refusal(tier, (*held, variable))
        for tier, kind, name, held, env in _environments(stack)
        if not rules.exempt(_RULE.id, {"kind": kind, "metadata": {"name": name}}, today)
        for variable, value in env.items()
        if looks_secret(variable, value)
    ]


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
