"""`make preview` without a cluster: the program against the stack's state, and what that leaves open.

Nothing is written where the user's stacks are: a stack that is not there yet is compared with nothing at all.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from local import workspace
from local.stack import Stack
from local.workspace import BACKEND, Workspace
from toolchain import unreachable
from toolchain.console import say
from toolchain.pulumi import Pulumi

_IDENTITY = "no-cluster"
# The program refuses a cluster that does not answer; here none is to.
_WITHOUT = ("kubernetes:kubeconfig",)

_OPEN = """\
No cluster was asked. The list above is whole as far as program and state go: what is created, changed,
replaced and deleted is the provider's own comparison with each object as the last `up` or `refresh` recorded
it.
Without a cluster nobody can know:
  drift       what somebody has changed on the cluster since then: pulumi refresh, where the cluster answers
  admission   whether policies, quotas, webhooks and the API server's own schema take the objects
  defaults    what the server fills in; a value that an update computes is shown as the program has it
  readiness   whether what runs now is healthy, and whether the images can be pulled
  connection  which cluster it is: the provider may show as updated, since no kubeconfig is found here"""


def preview(stack: str, cli: Pulumi) -> None:
    """Show what `up` would change in the user's backend, or with nothing deployed, and what stays unknown."""
    found = workspace.of(_IDENTITY)
    overrides: dict[str, Any] = {}
    for tier in ("backend", "frontend"):
        if image := os.environ.get(f"{tier.upper()}_IMAGE"):
            overrides[f"feastflow:{tier}"] = {"image": image}
    theirs = _stack(stack, found, cli)
    if BACKEND in os.environ:
        theirs.workspace.write(stack, overrides, without=_WITHOUT)
        if theirs.exists():
            say(theirs.preview())
            say(_OPEN)
            return
        why = f"There is no stack {stack} in {os.environ[BACKEND]}"
    else:
        why = "No cluster runs and PULUMI_BACKEND_URL names no stacks"
    with tempfile.TemporaryDirectory(prefix="feastflow-preview-") as room:
        empty = _stack(stack, _emptied(found, Path(room)), cli)
        empty.workspace.write(stack, overrides, without=_WITHOUT)
        empty.ensure()
        say(empty.preview())
    say(f"{why}: everything is shown as created.\n")
    say(_OPEN)


def _stack(name: str, where: Workspace, cli: Pulumi) -> Stack:
    return Stack(name=name, workspace=where, cli=cli, environment=unreachable.ENVIRONMENT)


def _emptied(found: Workspace, room: Path) -> Workspace:
    """The same project with a state of its own, which is gone with the folder."""
    (room / "state").mkdir()
    (room / "Pulumi.yaml").write_text((found.folder / "Pulumi.yaml").read_text("utf-8"), encoding="utf-8")
    environment = {**found.environment, BACKEND: f"file://{room / 'state'}?metadata=skip"}
    return replace(found, folder=room, environment=environment)
