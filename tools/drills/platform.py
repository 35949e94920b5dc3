"""Drills of what all stacks share: names, the edge, the API server."""

from tools.drills.drill import Drill, kill_if_there
from tools.drills.journal import Facts
from tools.drills.objects import Object, condition
from tools.drills.stage import Stage
from tools.drills.verdict import ANY, Failures, Promise

_SYSTEM = "kube-system"
_MANIFESTS = "/etc/kubernetes/manifests/kube-apiserver.yaml"
_ASIDE = "/etc/kubernetes/kube-apiserver.yaml.drill"


def _available(deployment: Object) -> bool:
    wanted = deployment["spec"].get("replicas", 1)
    return condition(deployment, "Available") and deployment["status"].get("readyReplicas", 0) >= wanted


class _OfThePlatform(Drill):
    """All pods of one part of the platform are the victims."""

    space: str
    label: str

    def aim(self, stage: Stage) -> Facts:
        """Note which they are."""
        return {"pods": [pod["metadata"]["name"] for pod in self._pods(stage)]}

    def others(self, stage: Stage, facts: Facts) -> set[str]:
        """Return those that are Ready and came after them."""
        ready = {pod["metadata"]["name"] for pod in self._pods(stage) if condition(pod, "Ready")}
        return ready - set(facts["pods"])

    def _pods(self, stage: Stage) -> list[Object]:
        return stage.all("pods", namespace=self.space, labels=self.label)


class DnsKilled(_OfThePlatform):
    """All pods of the cluster's DNS at once."""

    name = "dns-killed"
    what = "every DNS pod is deleted by force"
    promise = Promise(failures=Failures.NONE_AFTER_RETRY)
    space = _SYSTEM
    label = "k8s-app=kube-dns"

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Delete it without a grace period."""
        delete = ("--namespace", self.space, "delete", "pod")
        stage.kubectl(*delete, *facts["pods"], "--force", "--grace-period", "0")

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether as many others are Ready."""
        return len(self.others(stage, facts)) >= len(facts["pods"])


class IngressRestarted(_OfThePlatform):
    """The one ingress controller of the local cluster."""

    name = "ingress-restarted"
    what = "the ingress controller is restarted: seconds until the last failed request"
    promise = Promise(wanted=15)
    measured_by = ANY
    space = "traefik"
    label = "app.kubernetes.io/name=traefik"

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Delete it with its grace period, as an update does."""
        stage.kubectl("--namespace", self.space, "delete", "pod", *facts["pods"], "--wait=false")

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether another one is there."""
        (deployment,) = stage.all("deployments", namespace=self.space)
        return _available(deployment) and bool(self.others(stage, facts))


class ApiServerAway(Drill):
    """The cluster can be neither changed nor looked at for half a minute; what runs there runs on."""

    name = "api-server-away"
    what = "the API server is away for 30 s: seconds from its return until all is whole"
    promise = Promise(wanted=90, failures=Failures.NONE)
    stacks = ("prod", "dev")
    relief = True
    hold = 30
    within = 240

    def aim(self, stage: Stage) -> Facts:
        """Note where it runs."""
        (pod, *_) = stage.all("pods", namespace=_SYSTEM, labels="component=kube-apiserver")
        (status, *_) = pod["status"]["containerStatuses"]
        return {
            "node": pod["spec"]["nodeName"],
            "container": str(status["containerID"]).rpartition("/")[2],
        }

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Take it from the kubelet, then kill it: otherwise it would be back in seconds."""
        stage.on_node(facts["node"], "mv", _MANIFESTS, _ASIDE)
        kill_if_there(stage, facts["node"], facts["container"], "SIGKILL")

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether it answers, every node is Ready, and the stack is whole."""
        return not stage.missing()

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Give it back to the kubelet."""
        if stage.cluster.engine.has("exec", facts["node"], "test", "-e", _ASIDE):
            stage.on_node(facts["node"], "mv", _ASIDE, _MANIFESTS)


DRILLS = (DnsKilled, IngressRestarted, ApiServerAway)
