"""Programs that serve in the background: started with a log each, and ended by their own process id."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_TAIL_LINES = 15


class Programs:
    """Programs with their logs in one folder. After the `with` block none of them runs, whatever happened.

    The kernel ends them too when the process that started them dies: a killed test run leaves none behind.
    Ctrl-C does not reach them, so that what a test deletes at its end is still answered.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        setpriv = shutil.which("setpriv")
        # The kernel sends it at the end of the *thread* that started them.
        self._prefix = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End them, those that serve the others last."""
        for name in reversed(self._running):
            self.end(name)

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a program; its output goes to `NAME.log` in the folder."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 - pinned programs of the project's own cache
                [*self._prefix, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, name: str) -> None:
        """End a program at once: nothing of what it holds is kept."""
        program = self._running[name]
        program.kill()
        program.wait()

    def assert_running(self) -> None:
        """Fail with the last words of a program that ended by itself."""
        for name, program in self._running.items():
            if program.poll() is not None:
                raise RuntimeError(f"{name} ended with {program.returncode}:\n{self.last_words(name)}")

    def last_words(self, name: str) -> str:
        """Return the end of a program's log."""
        text = (self._logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def pids(self) -> dict[str, int]:
        """Return the process id of each, by its name."""
        return {name: program.pid for name, program in self._running.items()}
