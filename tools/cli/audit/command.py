"""The command `make audit`: the live RBAC of a stack's namespace, read by kubectl, as a table."""

import json
from typing import Any

from tools.stacks import workspace
from tools.stacks.target import Target
from tools.toolchain import process
from tools.toolchain.errors import UserError

from . import rights, table

_KINDS = "roles,rolebindings,clusterroles,clusterrolebindings"


def told(stack: str, chosen: Target, *, all_subjects: bool) -> str:
    """Return the table of the stack's namespace.

    Raises:
        UserError: when the RBAC objects cannot be read.
    """
    namespace = str(workspace.settings(stack).get("feastflow:namespace"))
    objects = json.loads(_asked(chosen, "get", _KINDS, "--namespace", namespace, "--output", "json"))["items"]
    resources = _asked(chosen, "api-resources", "--namespaced=true", "--output", "name").split()
    found: list[Any] = rights.rights(objects, namespace, frozenset(resources))
    return table.text(found, namespace, all_subjects=all_subjects)


def _asked(chosen: Target, *arguments: str) -> str:
    try:
        return chosen.client.output(*arguments)
    except process.CommandError as failure:
        raise UserError(
            f"kubectl {arguments[0]} failed: {failure.tail.strip()[-300:]}",
            "who may do what is read from every role and binding, those of the cluster too",
            "use an account that may get and list roles, clusterroles and their bindings",
        ) from failure
