"""The account of the database's operator, which makes what a judged object asks for and is not judged itself.

It is, first that is known: the setting; what the operator runs as on the cluster; what it ran as at the last
update, where no cluster can be asked now; the name in the operator's own manifest.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from ..settings.model.stack import Stack
from .cluster import survey
from .cluster.live import Seen

OUTPUT = "operatorAccount"
# Of https://cloudnative-pg.io/documentation/1.28/installation_upgrade/; a Helm release has one of its own.
_BY_MANIFEST = "cnpg-manager"


def operator(
    stack: Stack, seen: Seen | None, before: pulumi.Output[dict[str, Any]]
) -> str | pulumi.Output[str]:
    """Return the account as `namespace/name`, whether the stack has an operator or not."""
    default = f"{stack.database.operator_namespace}/{_BY_MANIFEST}"
    known = survey.operator(stack, seen.survey if seen else None)
    if known or stack.database.engine != "replicated":
        return known or default
    # Where another output of the stack is secret, all that was read with it counts as secret.
    return pulumi.Output.unsecret(before.apply(lambda last: _before(stack, last) or default))


def recorded(stack: Stack, seen: Seen | None, before: Mapping[str, Any]) -> dict[str, str]:
    """Return what is to be remembered for an update that cannot look."""
    if stack.database.engine != "replicated":
        return {}
    known = survey.operator(stack, seen.survey if seen else None) or _before(stack, before)
    return {OUTPUT: known} if known else {}


def _before(stack: Stack, last: Mapping[str, Any]) -> str | None:
    account = str(last.get(OUTPUT) or "")
    return account if account.startswith(f"{stack.database.operator_namespace}/") else None
