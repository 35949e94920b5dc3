"""A stack as `pulumi up` leaves it: its objects on a server, each by a field manager of its own, and its state.

The program is run for what it registers, and kubectl applies each object as the provider does, server-side.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml

from local.drift.kubectl import Kubectl
from local.drift.wanted import Wanted
from local.drift import wanted as objects
from render import program

from ..server import Server
from ...documented import ROOT

_AT_ONCE = 4


def kubectl(server: Server) -> Kubectl:
    """kubectl as the product calls it."""
    return Kubectl(command=(str(server.kubectl), "--kubeconfig", str(server.kubeconfig)))


def exported(stack: str) -> dict[str, Any]:
    """Return what `pulumi stack export --show-secrets` would print of the stack."""
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
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


def deployed(server: Server, stack: str) -> tuple[Wanted, ...]:
    """Deploy the stack's objects to a server; returns what its state says of them."""
    wanted = objects.of(exported(stack))
    apply(server, wanted[:1])
    patches = [each for each in wanted if each.is_patch]
    apply(server, [each for each in wanted[1:] if not each.is_patch])
    apply(server, patches)
    return wanted


def apply(server: Server, wanted: Any) -> None:
    """Apply objects, each by its own manager."""
    known = kubectl(server)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for answers in pool.map(lambda each: known.apply([each.manifest], each.manager), wanted):
            assert answers.problems == {}
