"""In which order objects must come: read from what the program itself waits for.

A wave begins when everything before it works. An object's wave is the number of workloads that `pulumi up`
would have awaited, one after the other, before it. Kubernetes' own patience does the rest: a pod waits for
its Secret, its claim and its account.
"""

from collections.abc import Iterable, Mapping, Sequence

from tools.render.recording import Registered

_AWAITED = {"Cluster", "Deployment", "Job", "StatefulSet"}
# A controller that publishes no address leaves them unhealthy for ever, so nothing may come after them.
_LAST = {"Ingress", "Gateway", "HTTPRoute"}


def of(resources: Sequence[Registered]) -> dict[str, int]:
    """Return each object's wave by its URN; resources are given in the order of their registration."""
    waves: dict[str, int] = {}
    awaited = {entry.urn for entry in resources if entry.kind in _AWAITED}
    for entry in resources:
        before = [waves[urn] + (urn in awaited) for urn in entry.dependencies if urn in waves]
        waves[entry.urn] = max(before, default=0)
    last = max(waves.values(), default=0)
    return {entry.urn: last if entry.kind in _LAST else waves[entry.urn] for entry in resources}


def after_rollout(resources: Sequence[Registered]) -> set[str]:
    """Return URNs of the Jobs that must not run before a Deployment has rolled out."""
    by_urn = {entry.urn: entry for entry in resources}
    return {
        entry.urn
        for entry in resources
        if entry.kind == "Job" and any(each.kind == "Deployment" for each in _before(entry, by_urn))
    }


def _before(entry: Registered, by_urn: Mapping[str, Registered]) -> Iterable[Registered]:
    for urn in entry.dependencies:
        if urn in by_urn:
            yield by_urn[urn]
            yield from _before(by_urn[urn], by_urn)
