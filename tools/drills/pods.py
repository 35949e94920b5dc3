"""A pod fails: its process is killed, runs out of memory, loses what it needs, or hangs."""

from tools.drills import objects, pathcut
from tools.drills.drill import Drill, kill, kill_if_there
from tools.drills.journal import Facts
from tools.drills.objects import Pod
from tools.drills.stage import Stage
from tools.drills.verdict import ANY, Failures, Promise
from tools.drills.waiting import until
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

_POD_CRASHES = "~10 s"
_FRESH_SECONDS = 180
_OOM = "OOMKilled"
# Now and then containerd loses the event of an OOM kill (containerd#8893), but never the exit code.
_SIGKILL = 137
# The kernel may take a child instead of the server, and the API server may be too busy to begin with.
_MEALS = 3
_NOTICED_SECONDS = 5
# Children of half the server's size each, so that the kernel takes the server, the largest, when the limit
# is reached. The script is killed with it: it shares the container.
_EAT = """
import os, time
size = next(int(line.split()[1]) for line in open('/proc/1/status') if line.startswith('VmRSS'))
piece = max(4096, size // 2 - 12288) * 1024
for _ in range(400):
    if os.fork() == 0:
        kept = b'x' * piece
        time.sleep(60)
        os._exit(0)
    time.sleep(0.02)
time.sleep(20)
"""


class _OfATier(Drill):
    """One pod of a tier is the victim: a process that was never restarted, so that no back-off delays it."""

    component = "backend"

    def prepare(self, stage: Stage) -> None:
        """Replace pods that were restarted before: the kubelet would wait before it starts them again."""
        worn = [pod.name for pod in stage.pods(self.component) if pod.restarts]
        if worn:
            stage.note(f"replacing {', '.join(worn)}, restarted before")
            stage.kubectl("delete", "pod", *worn, timeout=_FRESH_SECONDS)

    def aim(self, stage: Stage) -> Facts:
        """Take the first pod that is Ready."""
        victim = next((pod for pod in stage.pods(self.component) if pod.ready), None)
        if victim is None:
            raise UserError(
                f"no pod of {self.component} is Ready in {stage.namespace}",
                "the drill breaks one that works",
                f"look why: make status STACK={stage.name}",
            )
        return {
            "pod": victim.name,
            "node": victim.node,
            "container": victim.container,
            "restarts": victim.restarts,
        }

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether its container has been started again and takes requests.

        An autoscaler that wants fewer pods takes the one that is not Ready first: then it is the others that
        must be as many as are wanted.
        """
        pod = stage.pod(facts["pod"])
        if pod is None:
            deployments = stage.all("deployments", labels=f"component={self.component}")
            return objects.elsewhere(stage.pods(self.component), deployments, ())
        return self.again(pod, facts)

    def again(self, pod: Pod, facts: Facts) -> bool:
        """Return whether this is the pod after its restart."""
        return pod.ready and pod.restarts > facts["restarts"]

    def stands(self, stage: Stage, facts: Facts) -> str:
        """Describe the victim."""
        pod = stage.pod(facts["pod"])
        if pod is None:
            return f"{facts['pod']} is gone, and its tier has fewer pods than it wants"
        ready = "Ready" if pod.ready else "not Ready"
        ended = f", the last time for {pod.ended}" if pod.ended else ""
        return f"{pod.name} is {ready}, restarted {pod.restarts - facts['restarts']} times{ended}"


class BackendKilled(_OfATier):
    """SIGKILL of the API's process."""

    name = "backend-killed"
    what = "a backend pod's process is killed"
    promise = Promise(seed=_POD_CRASHES, wanted=5, failures=Failures.NONE_AFTER_RETRY)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Kill it from the node, without warning."""
        kill(stage, facts["node"], facts["container"], "SIGKILL")


class FrontendKilled(BackendKilled):
    """SIGKILL of the page's process."""

    name = "frontend-killed"
    what = "a frontend pod's process is killed"
    component = "frontend"
    # The page's server loads its code for 2 s with the processor that its limit leaves it.
    promise = Promise(seed=_POD_CRASHES, wanted=10, failures=Failures.NONE_AFTER_RETRY)


class OutOfMemory(_OfATier):
    """The kernel kills the API's process because its container has reached its limit."""

    name = "oom-killed"
    what = "a backend container reaches its memory limit"
    promise = Promise(seed="~10 s", wanted=5, failures=Failures.NONE_AFTER_RETRY)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Eat memory inside the container until the kernel kills its first process, the largest.

        Raises:
            UserError: when the container outlived that several times, with what was said.
        """
        command = ["exec", facts["pod"], "--container", "backend", "--", "python3", "-c", _EAT]
        said = ""
        for _ in range(_MEALS):
            # The script dies with the container, so it ends well only where the container lives on.
            try:
                stage.kubectl(*command, timeout=60)
            except CommandError as error:
                said = error.tail
            if until(lambda: self._died(stage, facts), _NOTICED_SECONDS):
                return
        raise UserError(
            f"{facts['pod']} still runs after {_MEALS} attempts to fill its memory: {said or 'none failed'}",
            "the drill is of a container that the kernel kills at its limit",
            f"look at the pod (make status STACK={stage.name}) and drill again: make drill DRILL={self.name}",
        )

    def again(self, pod: Pod, facts: Facts) -> bool:
        """Return whether it was restarted for that reason and no other."""
        return super().again(pod, facts) and (pod.ended == _OOM or pod.code == _SIGKILL)

    def _died(self, stage: Stage, facts: Facts) -> bool:
        pod = stage.pod(facts["pod"])
        return pod is None or not pod.ready or pod.restarts > facts["restarts"]


class ReadinessLost(_OfATier):
    """One pod loses its path to the database; the process, and every other pod, works."""

    name = "readiness-lost"
    what = "a backend pod cannot reach the database; seconds from NotReady to the last failure"
    promise = Promise(seed="immediate", wanted=2)
    measured_by = ANY

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Refuse its connections to the database, in its own network namespace."""
        pathcut.cut(stage, facts["node"], facts["pod"], pathcut.TO_THE_DATABASE)

    def begun(self, stage: Stage, facts: Facts) -> bool:
        """Return whether the kubelet has seen that it is not ready."""
        pod = stage.pod(facts["pod"])
        return pod is not None and not pod.ready

    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether it is out of rotation, which it is for as long as it is not ready."""
        return self.begun(stage, facts)

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Let it reach the database again."""
        pathcut.repair(stage, facts["node"], facts["pod"], pathcut.TO_THE_DATABASE)


class LivenessLost(_OfATier):
    """The process hangs: it answers nothing and hears no SIGTERM."""

    name = "liveness-lost"
    what = "a backend process is stopped (SIGSTOP)"
    promise = Promise(seed="~30 s", wanted=20)

    def inject(self, stage: Stage, facts: Facts) -> None:
        """Stop it where it stands."""
        kill(stage, facts["node"], facts["container"], "SIGSTOP")

    def undo(self, stage: Stage, facts: Facts) -> None:
        """Let it go on, where it was not replaced."""
        kill_if_there(stage, facts["node"], facts["container"], "SIGCONT")


DRILLS = (BackendKilled, FrontendKilled, OutOfMemory, ReadinessLost, LivenessLost)
