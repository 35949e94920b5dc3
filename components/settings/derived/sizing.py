"""Limits of the namespace, from the stack's own numbers.

The quota is what the stack needs at its worst moment: every tier at its highest scale in the middle of a
rollout, all of the old pods still draining, the database with one instance more than it has, and every Job at
work. Nothing of the stack is ever refused, and little else has room.
"""

from collections.abc import Iterable
from decimal import Decimal

from ..model.demand import Demand
from ..model.stack import Stack
from ..model.workload import resources
from ..values import quantities
from . import tiers

# Of each renewal, where the authority asks over http: https://cert-manager.io/docs/reference/cli/controller/
_SOLVER = Demand(pods=1, resources=resources(cpu=("10m", "100m"), memory=("64Mi", "64Mi")))


def demands(stack: Stack) -> list[Demand]:
    """Every pod that the stack may have at once."""
    of_tiers = [demand for tier in tiers.tiers(stack) for demand in tier.demands]
    return [*of_tiers, *([_SOLVER] if stack.edge.tls.issuer else [])]


def quota(stack: Stack) -> dict[str, str]:
    """The hard limits of the namespace's ResourceQuota."""
    needs = demands(stack)
    volumes = [(need.pods, need.storage) for need in needs if need.storage]
    return {
        "pods": str(sum(need.pods for need in needs)),
        "requests.cpu": quantities.format_cpu(_total((n.pods, n.resources.requests.cpu) for n in needs)),
        "requests.memory": quantities.format_bytes(
            _total((n.pods, n.resources.requests.memory) for n in needs)
        ),
        "limits.cpu": quantities.format_cpu(_total((n.pods, n.resources.limits.cpu) for n in needs)),
        "limits.memory": quantities.format_bytes(_total((n.pods, n.resources.limits.memory) for n in needs)),
        "persistentvolumeclaims": str(sum(pods for pods, _ in volumes)),
        "requests.storage": quantities.format_bytes(_total(volumes)),
        # The edge is the only way in.
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }


def largest_container(stack: Stack) -> dict[str, str]:
    """The most that one container may ask for: as much as the largest of the stack's own."""
    limits = [need.resources.limits for need in demands(stack)]
    return {
        "cpu": quantities.format_cpu(max(quantities.parse(limit.cpu) for limit in limits)),
        "memory": quantities.format_bytes(max(quantities.parse(limit.memory) for limit in limits)),
    }


def largest_volume(stack: Stack) -> str | None:
    """The most that one volume may ask for: as much as the largest of the stack's own; None without one."""
    sizes = (need.storage for need in demands(stack) if need.storage)
    return max(sizes, key=quantities.parse, default=None)


def _total(amounts: Iterable[tuple[int, str]]) -> Decimal:
    return sum((count * quantities.parse(amount) for count, amount in amounts), Decimal(0))
