"""`make preview` without a cluster: the program against the stack's state, and what that leaves open.

Nothing is written where the user's stacks are: a stack that is not there yet is compared with nothing at all.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from components.settings.file import encrypted, stackfile
from components.settings.values.merging import merged
from components.settings.values.tiers import OF_APPLICATION
from tools.stacks import localsettings, workspace
from tools.stacks.stack import Stack
from tools.stacks.workspace import Workspace
from tools.state import place
from tools.toolchain import unreachable
from tools.toolchain.console import say
from tools.toolchain.pulumi import Pulumi

_BACKEND = "PULUMI_BACKEND_URL"
# The program refuses a cluster that does not answer; here none is to.
_CONNECTION = "kubernetes:kubeconfig"

_OPEN = """\
No cluster was asked. The list above is whole as far as program and state go: what is created, changed,
replaced and deleted is the provider's own comparison with each object as the last `up` or `refresh` recorded
it.
Without a cluster this is not known:
  drift       what others have changed on the cluster since then: pulumi refresh, where the cluster answers
  admission   whether policies, quotas, webhooks and the API server's own schema take the objects
  defaults    what the server fills in; a value that an update computes is shown as the program has it
  readiness   whether what runs now is healthy, and whether the images can be pulled
  connection  which cluster it is: the provider may show as updated, since no kubeconfig is found here"""


def preview(stack: str, cli: Pulumi) -> None:
    """Show what `up` would change in the user's backend, or with nothing deployed, and what stays unknown."""
    with _workspace() as where:
        _write(where, stack)
        theirs = _stack(stack, where, cli)
        if _BACKEND not in os.environ:
            missing = "No cluster runs and PULUMI_BACKEND_URL names no stacks"
        elif theirs.exists():
            missing = ""
        else:
            missing = f"There is no stack {stack} in {os.environ[_BACKEND]}"
        if missing:
            empty = _stack(stack, _emptied(where), cli)
            secrets = _hidden(where, stack)
            empty.ensure()
            empty.conceal(secrets)
            say(empty.preview())
            say(f"{missing}: everything is shown as created.\n")
        else:
            say(theirs.preview())
    say(_OPEN)


def _stack(name: str, where: Workspace, cli: Pulumi) -> Stack:
    return Stack(name=name, workspace=where, cli=cli, environment=unreachable.ENVIRONMENT)


@contextmanager
def _workspace() -> Iterator[Workspace]:
    """Yield a workspace of this run alone: one that stays would have the salt of the backend before."""
    identity = f"preview-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="feastflow-preview-") as room:
        try:
            found = workspace.of(identity)
            project = (found.folder / "Pulumi.yaml").read_text(encoding="utf-8")
        finally:
            workspace.forget(identity)
        (Path(room) / "Pulumi.yaml").write_text(project, encoding="utf-8")
        yield replace(found, folder=Path(room))


def _write(where: Workspace, stack: str) -> None:
    """Write the stack's settings with the images that the environment names, and without the connection.

    Where they name no host, they are those of a stack that is deployed to the local cluster alone.
    """
    config = workspace.settings(stack)
    local = {} if localsettings.names_its_host(config) else localsettings.of(config, demo=_is_demo(config))
    named = {tier: os.environ.get(f"{tier.upper()}_IMAGE") for tier in OF_APPLICATION}
    images = {f"feastflow:{tier}": {"image": image} for tier, image in named.items() if image}
    where.write(stack, merged(local, images))
    path = where.folder / f"Pulumi.{stack}.yaml"
    document = stackfile.read(path.read_bytes()).document
    document.get("config", {}).pop(_CONNECTION, None)
    path.write_text(stackfile.write(document), encoding="utf-8")


def _is_demo(config: workspace.Config) -> bool:
    return not (os.environ.get("BACKEND_IMAGE") or "image" in workspace.section(config, "backend"))


def _hidden(where: Workspace, stack: str) -> dict[str, str]:
    """Put a name in place of what is encrypted, and return these names by place: no key is needed then."""
    path = where.folder / f"Pulumi.{stack}.yaml"
    config = stackfile.read(path.read_bytes()).config
    named = encrypted.stand_ins(config)
    path.write_text(stackfile.write({"config": named}), encoding="utf-8")
    return {encrypted.called(at): encrypted.at(named, at) for at in encrypted.paths(config)}


def _emptied(where: Workspace) -> Workspace:
    """Return the same with a state of its own, which is gone with the folder."""
    state = where.folder / "state"
    state.mkdir()
    return replace(where, environment={**where.environment, _BACKEND: place.url(state)})
