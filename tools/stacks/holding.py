"""A stack to one process at a time: a live holder is waited for, whatever started it, and never cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tools.engine.driver import LockedError
from tools.stacks import workspace
from tools.stacks.workspace import Workspace
from tools.state import lock
from tools.toolchain import turn
from tools.toolchain.console import Step, elapsed
from tools.toolchain.errors import UserError

# As often another process may come between the end of the wait and the start of pulumi.
ATTEMPTS = 5

_Done = TypeVar("_Done")


def wait_for_all(identity: str) -> None:
    """Wait until no process holds any of the cluster's stacks in this machine's files.

    Raises:
        UserError: when one holds one still after `turn.PATIENCE_SECONDS`.
    """
    if not workspace.holders(identity):
        return
    with Step("turn", "waiting for the cluster's stacks") as step:
        left, seconds = turn.wait(lambda: workspace.holders(identity), step.note)
        if left:
            raise UserError(
                f"a stack of the cluster is still locked, after {elapsed(seconds)} of waiting"
                + "".join(f"\nby {owner}" for owner in left),
                "its state would be deleted under a run that writes it",
                "wait until that run has ended, or end it, and run this again",
            )
        step.result("the cluster's stacks are free")


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The hold on a stack of a workspace. `chosen` is what follows a `make` command that is about it."""

    workspace: Workspace
    stack: str
    chosen: str | None = None

    def wait(self, note: Callable[[str], None] | None = None) -> None:
        """Wait until no other process holds the stack; then end what recorded runs have left running.

        Args:
            note: is told how far the wait is; without it the wait is a step of its own.

        Raises:
            UserError: when one holds it still after `turn.PATIENCE_SECONDS`.

        """
        if self.workspace.holders(self.stack):
            if note is None:
                with Step("turn", f"waiting for the stack {self.stack}") as step:
                    self._wait(step.note)
                    step.result(f"the stack {self.stack} is free")
            else:
                self._wait(note)
        self.workspace.end_orphans()

    def act(self, work: Callable[[], _Done], note: Callable[[str], None]) -> _Done:
        """Do the work while no other process holds the stack, and wait for one that came in between.

        Args:
            work: raises `LockedError` when pulumi was kept out.
            note: is told how far the wait is.

        Raises:
            UserError: when the stack stays locked; at once where the state may be others' too.

        """
        said = ""
        for _ in range(ATTEMPTS):
            self.wait(note)
            try:
                return work()
            except LockedError as locked:
                said = locked.tail
            if self.workspace.shared:
                break
        raise lock.refused(said, self.stack, self.chosen)

    def _wait(self, note: Callable[[str], None]) -> None:
        found: list[lock.Owner] = []

        def look() -> list[str]:
            found[:] = self.workspace.holders(self.stack)
            return [str(owner) for owner in found]

        left, seconds = turn.wait(look, note)
        if left:
            raise lock.kept_out(found, self.stack, seconds)
