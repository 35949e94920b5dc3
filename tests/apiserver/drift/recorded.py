"""A stack as `pulumi up` leaves it: its objects, each by a field manager of its own, and its state.

The program is run for what it registers, and each object is applied as the provider does, server-side.
"""

from collections.abc import Sequence
from typing import Any

from tools.cli.drift import wanted
from tools.cli.drift.objects import Objects
from tools.cli.drift.wanted import Wanted
from tools.render import program
from tools.toolchain import kubectl

from ...documented import ROOT
from ...harness import localstack
from ..server import Server
from .stranger import Stranger


def objects(server: Server) -> Objects:
    """Return the server's objects as the product asks for them."""
    return Objects(client=kubectl.of(server.kubectl, kubeconfig=server.kubeconfig))


def exported(stack: str) -> dict[str, Any]:
    """Return what `pulumi stack export --show-secrets` would print of the stack."""
    config = localstack.of(ROOT, stack)
    resources = [
        {
            "urn": each.urn,
            "custom": True,
            "type": each.type,
            "inputs": each.raw,
            "outputs": {"__fieldManager": f"pulumi-kubernetes-{number:08x}"},
        }
        for number, each in enumerate(program.objects(stack, config))
    ]
    return {"version": 3, "deployment": {"resources": resources}}


def deployed(server: Server, wanted: Sequence[Wanted]) -> None:
    """Apply a stack's objects, the namespace first and the patches last."""
    user = Stranger.of(server)
    for each in sorted(wanted, key=lambda each: (each.manifest["kind"] != "Namespace", each.is_patch)):
        user.apply(each.manifest, each.manager)


def of(stack: str) -> tuple[Wanted, ...]:
    """Return what the state says of the stack's objects."""
    return wanted.of(exported(stack))
