"""PodMonitors and PrometheusRules: made where the settings say so, else where the cluster takes them."""

from ..settings.model.stack import Stack
from .cluster.live import Seen


def made(stack: Stack, seen: Seen | None) -> bool:
    """Return whether the stack makes them.

    Where the cluster is not asked, as in a rendering, or does not answer, that is no: everything that they
    say is in annotations and in a ConfigMap too.
    """
    settings = stack.observability
    if not settings.enabled or settings.monitors is not None:
        return bool(settings.monitors)
    survey = seen.survey if seen else None
    return survey is not None and survey.monitors and not survey.unmade
