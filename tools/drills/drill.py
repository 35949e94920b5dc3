"""The drill: a promise, a way to break something, a sign that it works again, and a way to repair it."""

import contextlib
from abc import ABC, abstractmethod
from typing import ClassVar

from tools.drills.journal import Facts
from tools.drills.samples import Sample
from tools.drills.stage import Stage, ctr
from tools.drills.verdict import Promise
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError


class Drill(ABC):
    """One failure, in this order: `aim`, `prepare`, `aim`, `inject`, `restored` until so, `moments`, `undo`.

    `undo` is called whatever happened, also in a later run that knows only the facts, also twice, also when
    nothing was broken yet. Where something from outside must come back, `relieve` brings it, and the clock
    begins there.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    promise: ClassVar[Promise]
    # The first is where it is drilled unless STACK says otherwise.
    stacks: ClassVar[tuple[str, ...]] = ("dev", "prod")
    # Of these requests the seconds are measured until all are answered again; None: until `restored` says so.
    measured_by: ClassVar[str | None] = None
    # Requests a second.
    rate: ClassVar[float] = 50
    # Seconds of load before the failure.
    steady: ClassVar[float] = 10
    # Seconds it may take to be restored.
    within: ClassVar[float] = 180
    # Whether something must come back from outside, and after how many seconds.
    relief: ClassVar[bool] = False
    hold: ClassVar[float] = 0
    # Whether it is run only where it is named: the stack is not quite as before when it ends.
    by_name: ClassVar[bool] = False

    def lacking(self, stage: Stage) -> UserError | None:
        """Return why the drill cannot be run on this stack, None where it can."""
        return None

    def prepare(self, stage: Stage) -> None:  # noqa: B027 - most drills need none
        """Bring the stack into the state from which the drill begins; before the load."""

    @abstractmethod
    def aim(self, stage: Stage) -> Facts:
        """Choose what to break, and note all that `undo` needs. Changes nothing."""

    @abstractmethod
    def inject(self, stage: Stage, facts: Facts) -> None:
        """Break it; may go on until a command has ended that is itself the drill."""

    def begun(self, stage: Stage, facts: Facts) -> bool:
        """Return whether the moment has come from which seconds are counted."""
        return True

    def relief_due(self, stage: Stage, facts: Facts, seconds: float) -> bool:
        """Return whether, so many seconds after the failure, what was removed shall come back."""
        return seconds >= self.hold

    def relieve(self, stage: Stage, facts: Facts) -> None:
        """Bring it back."""
        self.undo(stage, facts)

    @abstractmethod
    def restored(self, stage: Stage, facts: Facts) -> bool:
        """Return whether it works again."""

    def moments(self, stage: Stage, facts: Facts) -> dict[str, float]:
        """Return what else came when, in seconds since 1970; called when it works again, before `undo`."""
        return {}

    def samples(self) -> list[Sample]:
        """Return requests that the drill made itself, besides the steady load; called after `undo`."""
        return []

    def stands(self, stage: Stage, facts: Facts) -> str:
        """Describe how things are where it was not restored in its time; called before `undo`."""
        return ""

    def left(self, stage: Stage, facts: Facts) -> str:
        """Return what its user has to know or to do when all is repaired."""
        return ""

    def undo(self, stage: Stage, facts: Facts) -> None:  # noqa: B027 - what recovers by itself needs none
        """Repair what does not recover by itself."""


def kill(stage: Stage, node: str, container: str, signal: str) -> None:
    """Send a signal to a container's first process, from its node: nothing in the pod is asked."""
    stage.on_node(node, *ctr("tasks", "kill", "--signal", signal, container))


def kill_if_there(stage: Stage, node: str, container: str, signal: str) -> None:
    """Kill it where the container is there still: the kubelet may have been faster."""
    with contextlib.suppress(CommandError):
        kill(stage, node, container, signal)
