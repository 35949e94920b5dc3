"""How much the namespace may hold, from the stack's own numbers.

The quota is what the stack needs at its worst moment: every tier at its highest scale in the middle of a
rollout, all of the old pods still draining, the database with one instance more than it has, and every Job at
work. Nothing of the stack is ever refused, and little else has room.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from ..model.stack import Stack
from ..model.workload import Resources, Workload, resources
from ..values import quantities
from . import variants

# What a Job needs that only talks to the database.
CLIENT_RESOURCES = resources(cpu=("50m", "200m"), memory=("32Mi", "128Mi"))


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Pods of one size."""

    pods: int
    resources: Resources


def worst_moment(workload: Workload, *, weights: bool = False) -> int:
    """The most pods of a tier at once: the new ones, one more, and the old ones that still drain.

    That of each of its Deployments, where its strategy has two; see `variants.plan` for `weights`.
    """
    return variants.peak_pods(variants.plan(workload, weights=weights))


def demands(stack: Stack) -> list[Demand]:
    """Every pod that the stack may have at once."""
    jobs = [
        Demand(pods=1, resources=stack.backend.resources),
        Demand(pods=2, resources=CLIENT_RESOURCES),
        *(
            Demand(pods=1, resources=job.resources or stack.backend.resources)
            for job in stack.backend.jobs.values()
        ),
    ]
    tiers = [
        Demand(pods=worst_moment(workload, weights=stack.edge.weights), resources=workload.resources)
        for workload in (stack.backend, stack.frontend)
    ]
    # Of each renewal, where the authority asks over http:
    # https://cert-manager.io/docs/reference/cli/controller/
    solver = resources(cpu=("10m", "100m"), memory=("64Mi", "64Mi"))
    questions = [Demand(pods=1, resources=solver)] if stack.edge.tls.issuer else []
    return [
        *tiers,
        *jobs,
        *questions,
        Demand(pods=stack.database.instances + 1, resources=stack.database.resources),
    ]


def quota(stack: Stack) -> dict[str, str]:
    """The hard limits of the namespace's ResourceQuota."""
    needs = demands(stack)
    volumes = stack.database.instances + 1
    return {
        "pods": str(sum(need.pods for need in needs)),
        "requests.cpu": quantities.format_cpu(_total((n.pods, n.resources.requests.cpu) for n in needs)),
        "requests.memory": quantities.format_bytes(
            _total((n.pods, n.resources.requests.memory) for n in needs)
        ),
        "limits.cpu": quantities.format_cpu(_total((n.pods, n.resources.limits.cpu) for n in needs)),
        "limits.memory": quantities.format_bytes(_total((n.pods, n.resources.limits.memory) for n in needs)),
        "persistentvolumeclaims": str(volumes),
        "requests.storage": quantities.format_bytes(_total([(volumes, stack.database.storage)])),
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


def _total(amounts: Iterable[tuple[int, str]]) -> Decimal:
    return sum((count * quantities.parse(amount) for count, amount in amounts), Decimal(0))
