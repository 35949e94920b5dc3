"""Plain values that look like secrets, in the words of the rule `secret-literal`."""

import datetime as dt

from policies.configuration import Configuration
from policies.judgement import judge
from policies.rule import Level
from policies.rules import RULES

from . import names
from .model.stack import Stack
from .model.tiers import plain_environments

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
        f"feastflow:{tier}.{held}.{variable}\n"
        "  found: a value that looks like a secret, and is not shown\n"
        "  why:   it would stand in plain text in the stack's file, the state, its history and the pods\n"
        f"  next:  pulumi config rm --path feastflow:{tier}.{held}.{variable}, and "
        f"pulumi config set --secret --path feastflow:{tier}.secrets.{variable}"
        for tier, name, settings in (
            ("backend", names.BACKEND, stack.backend),
            ("frontend", names.FRONTEND, stack.frontend),
        )
        if not rules.exempt(_RULE.id, {"kind": "Deployment", "metadata": {"name": name}}, today)
        for held, env in plain_environments(settings).items()
        for variable, value in env.items()
        if looks_secret(variable, value)
    ]
