"""Plain values that look like secrets, in the words of the rule `secret-literal`."""

import datetime as dt
from collections.abc import Iterator

from policies.configuration import Configuration
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from . import names
from .model.stack import Stack
from .model.workload import Workload

_RULE = next(rule for rule in RULES if rule.id == "secret-literal")


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable of this name and value breaks the rule."""
    container = {"name": "judged", "env": [{"name": name, "value": value}]}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "judged"},
        "spec": {"containers": [container]},
    }
    return bool(judge(_RULE, pod))


def problems(stack: Stack, rules: Configuration, today: dt.date) -> list[str]:
    """Return a refusal for each, unless the stack's file exempts the Deployment or lowers the rule."""
    if rules.levels.get(_RULE.id, _RULE.level) is not Level.MANDATORY:
        return []
    return [
        f"feastflow:{tier}.{place}\n"
        "  found: a value that looks like a secret, and is not shown\n"
        "  why:   it would stand in plain text in the stack's file, the state, its history and the pods\n"
        f"  next:  pulumi config rm --path feastflow:{tier}.{place}, and "
        f"pulumi config set --secret --path feastflow:{tier}.secrets.{place.rsplit('.', 1)[-1]}"
        for tier, name, settings in (
            ("backend", names.BACKEND, stack.backend),
            ("frontend", names.FRONTEND, stack.frontend),
        )
        if not rules.exempt(_RULE.id, {"kind": "Deployment", "metadata": {"name": name}}, today)
        for place, value in _variables(settings)
        if looks_secret(place.rsplit(".", 1)[-1], value)
    ]


def _variables(tier: Workload) -> Iterator[tuple[str, str]]:
    release = tier.release
    for place, env in (
        ("env", tier.env),
        ("release.green.env", release.green.env if release.green else {}),
        ("release.canary.env", release.canary.env if release.canary else {}),
    ):
        for name, value in env.items():
            yield f"{place}.{name}", value
