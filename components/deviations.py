"""Settings that break a rule on purpose: refused until the stack's file exempts them with a reason and a day.

The admission policies would refuse the object in the middle of an update; this says so before it begins.
"""

import datetime as dt

from policies.configuration import Configuration
from policies.rule import Level
from policies.rules import RULES

from . import names
from .model.stack import Stack

_RULE = "rollout-strategy"


def problems(stack: Stack, rules: Configuration, today: dt.date) -> list[str]:
    """Each of them in the words of a refusal; nothing where the stack's namespace holds no rules itself."""
    rule = next(rule for rule in RULES if rule.id == _RULE)
    held = rules.levels.get(_RULE, rule.level) is Level.MANDATORY
    if not (held and stack.tenancy.admission_policies):
        return []
    soon = today + dt.timedelta(days=90)
    return [
        f"feastflow:{tier}.release.strategy\n"
        "  found: recreate\n"
        f"  why:   no pod serves while the new ones start, and the rule {_RULE} protects against that\n"
        "  next:  in the stack's file, say why it must be, and until when, under policies:exemptions: "
        f'{{"rule": "{_RULE}", "resource": "Deployment/{name}", "reason": "…", "expires": "{soon}"}}'
        for tier, name, settings in (
            ("backend", names.BACKEND, stack.backend),
            ("frontend", names.FRONTEND, stack.frontend),
        )
        if settings.release.stops_first
        and not rules.exempt(_RULE, {"kind": "Deployment", "metadata": {"name": name}}, today)
    ]
