"""The place where contenders are measured: a namespace of their own on the local cluster.

Every contender has another namespace, and every namespace is deleted in the same way, by name and label:
so the next run deletes what one that was killed has left.
"""

import http.client
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.settings.values.merging import merged
from components.tiers import TIERS
from tools.cluster.api import Api, Object
from tools.cluster.handle import Cluster
from tools.drills import objects
from tools.stacks import smoke
from tools.toolchain.errors import UserError

PREFIX = "feastflow-bench"
INSTANCE = "app.kubernetes.io/instance"
CLUSTER_SCOPED = (
    "priorityclasses.scheduling.k8s.io",
    "validatingadmissionpolicies.admissionregistration.k8s.io",
    "validatingadmissionpolicybindings.admissionregistration.k8s.io",
)
# The tier whose one value is changed: it has no Job that a changed value would have to run again.
TIER = "frontend"
_PAUSE_SECONDS = 0.05
_PATIENCE_SECONDS = 420.0


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace. `settings` are those of the dev stack that runs, for this namespace and host."""

    cluster: Cluster
    namespace: str
    settings: Mapping[str, Any]
    api: Api = field(repr=False)

    @property
    def url(self) -> str:
        """Return the site's address at the cluster's edge."""
        return f"http://{self.namespace}.localhost:{self.cluster.port}"

    def kubectl(self, *arguments: str, timeout: float = 300) -> str:
        """Return what kubectl prints."""
        return self.cluster.client.output(*arguments, timeout=timeout)

    def changed(self, value: str) -> dict[str, Any]:
        """Return the settings with one value of one tier's environment changed."""
        return merged(self.settings, {f"feastflow:{TIER}": {"env": {"BENCH": value}}})

    def templates(self) -> set[str]:
        """Return the versions of the tier's pods that are there."""
        return {pod.template for pod in self._pods()}

    def serves(self, before: Collection[str]) -> bool:
        """Return whether traffic is routed to a pod of the tier that is of none of these versions."""
        new = {pod.name for pod in self._pods() if pod.template not in before and pod.ready}
        slices = self.api.all("endpointslices", self.namespace)
        endpoints = [each for piece in slices for each in piece.get("endpoints") or []]
        led = {
            (each.get("targetRef") or {}).get("name") for each in endpoints if each["conditions"].get("ready")
        }
        return bool(new & led)

    def complete(self, before: Collection[str] = ()) -> bool:
        """Return whether all is rolled out, no pod of these versions is routed to, and the site answers."""
        return not self._missing() and self.templates().isdisjoint(before) and self._answers()

    def full(self) -> bool:
        """Return whether the autoscalers, too, have as many pods as they want at least."""
        scalers = self.api.all("horizontalpodautoscalers", self.namespace)
        return bool(scalers) and not objects.missing([*scalers, *self.workloads()], self.namespace)

    def wait(self, seen: Callable[[], bool]) -> None:
        """Wait until something is seen of it.

        Raises:
            UserError: when that takes longer than seven minutes.
        """
        ended = time.monotonic() + _PATIENCE_SECONDS
        while not seen():
            if time.monotonic() > ended:
                raise UserError(
                    f"{self.namespace} is not complete after {_PATIENCE_SECONDS:.0f} s: "
                    f"{', '.join(self._missing()) or 'the site does not answer'}",
                    "a contender counts when all of its workloads run and its site answers",
                    f"look at it: kubectl --context {self.cluster.context} -n {self.namespace} get pods",
                )
            time.sleep(_PAUSE_SECONDS)

    def workloads(self) -> list[Object]:
        """Return its Deployments and StatefulSets, each with its kind."""
        return [
            each for kind in ("deployments", "statefulsets") for each in self.api.all(kind, self.namespace)
        ]

    def _missing(self) -> list[str]:
        found = self.workloads()
        if len(found) < len(TIERS):
            return [f"{len(found)} of {len(TIERS)} workloads"]
        return objects.missing(found, self.namespace)

    def _pods(self) -> list[objects.Pod]:
        return objects.pods(self.api.all("pods", self.namespace, labels=f"component={TIER}"))

    def _answers(self) -> bool:
        try:
            return all(
                smoke.get(self.url, path)[0] == http.client.OK for path in ("/", "/api/ready", "/api/menu")
            )
        except (OSError, http.client.HTTPException):
            return False


def of(cluster: Cluster, config: Mapping[str, Any], name: str) -> Place:
    """Return the place of a contender; `config` are the settings with which dev was deployed."""
    namespace = f"{PREFIX}-{name}"
    return Place(
        cluster=cluster,
        namespace=namespace,
        settings=_for(config, namespace),
        api=Api(cluster.kubeconfig),
    )


def remove(cluster: Cluster, namespaces: list[str]) -> None:
    """Take the namespaces away with all that belongs to them; returns when they are gone."""
    for namespace in namespaces:
        kinds = ",".join(CLUSTER_SCOPED)
        selector = f"{INSTANCE}={namespace}"
        cluster.client.output("delete", kinds, "--selector", selector, "--ignore-not-found", timeout=120)
        # Nothing is served from here any more: what drains would only keep the next run waiting.
        cluster.client.output(
            *("--namespace", namespace, "delete", "pods", "--all", "--force", "--grace-period=0"), timeout=120
        )
        cluster.client.output("delete", "namespace", namespace, "--ignore-not-found", timeout=300)


def left(cluster: Cluster) -> list[str]:
    """Return the namespaces that a run which was cut off has left."""
    listed = cluster.client.output("get", "namespaces", "--output", "name").split()
    names = [each.removeprefix("namespace/") for each in listed]
    return [name for name in names if name.startswith(f"{PREFIX}-")]


def _for(config: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return dev's settings for another namespace."""
    return merged(
        config,
        {
            "feastflow:namespace": namespace,
            "feastflow:edge": {"host": f"{namespace}.localhost"},
            # Beside dev, the processors of three nodes are all taken in one zone or another.
            "feastflow:cluster": {"zones": 1},
        },
    )
