"""One budget for a pod's end, from which every related number follows.

Kubernetes takes a pod out of its endpoints and stops its containers at the same time, not in order. So a pod
keeps serving for `endpoint_removal` seconds (a native `preStop` sleep) until every proxy has heard of it;
then SIGTERM, and the process has `drain` seconds to finish what it holds; `margin` is what the kubelet needs
itself. Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ShutdownBudget:
    """Seconds, each at least zero; `grace` is their sum, so the three always fit."""

    endpoint_removal: int
    drain: int
    margin: int
    proxy_idle: int

    @property
    def pre_stop(self) -> int:
        """Return how long the `preStop` sleep holds SIGTERM back."""
        return self.endpoint_removal

    @property
    def grace(self) -> int:
        """Return `terminationGracePeriodSeconds`: after it SIGKILL comes, whatever is still open."""
        return self.endpoint_removal + self.drain + self.margin

    @property
    def keep_alive_milliseconds(self) -> int:
        """Return how long the server keeps an idle connection open.

        Longer than the proxy keeps it: the proxy must be the first to close, or it writes a request into a
        connection that the server is just closing and answers 502.
        """
        return (self.proxy_idle + 5) * 1000
