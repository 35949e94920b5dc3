"""A lane under way: a make target in a process group of its own, what it prints kept in a file."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import reports
from .reports import Counts

# make's own variables are for its children; TEST would select a test in every lane.
_UNSET = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "TEST")
# Fixtures delete what they created: a cluster takes the longest.
GRACE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A lane's outcome. `code` is None if the lane was never begun or the user ended it."""

    name: str
    code: int | None = None
    seconds: float = 0.0
    counts: Counts = field(default_factory=Counts)
    log: Path | None = None

    @property
    def verdict(self) -> str:
        """One word or two for the table."""
        if self.log is None:
            return "not begun"
        if self.code is None:
            return "interrupted"
        return "failed" if self.code or self.counts.failing else "passed"

    @property
    def passed(self) -> int:
        """Tests that passed; a lane without tests, as of a linter, is one by itself."""
        return self.counts.passed or int(self.verdict == "passed")

    @property
    def failed(self) -> int:
        """Tests that failed; a lane that failed without a failing test is one by itself."""
        return len(self.counts.failing) or int(self.verdict == "failed")


@dataclass(kw_only=True)
class Lane:
    """The process of a lane. `shown` is how much of its output the user has seen."""

    name: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)
    shown: int = 0

    @property
    def log(self) -> Path:
        """Everything that the lane has printed."""
        return _log(self.folder)

    @property
    def seconds(self) -> float:
        """For how long it has run."""
        return time.monotonic() - self.started

    @property
    def is_running(self) -> bool:
        """Return True while make runs."""
        return self.process.poll() is None

    def unseen(self) -> bytes:
        """Read what it printed since the last call."""
        with self.log.open("rb") as printed:
            printed.seek(self.shown)
            text = printed.read()
        self.shown += len(text)
        return text

    def outcome(self, *, interrupted: bool = False) -> Outcome:
        """Sum it up, once it has ended."""
        return Outcome(
            name=self.name,
            code=None if interrupted else self.process.returncode,
            seconds=self.seconds,
            counts=reports.read(self.folder),
            log=self.log,
        )

    def interrupt(self) -> None:
        """Ask the whole group to stop, as Ctrl-C does: pytest then takes down its fixtures."""
        self._signal(signal.SIGINT)

    def kill(self) -> None:
        """End whatever is left of the group, and wait for make."""
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: int) -> None:
        # The group outlives make while any process of it runs; a group without members is no error.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def start(name: str, folder: Path) -> Lane:
    """Begin a lane; `folder` is emptied; it gets the log, and pytest's report by the variable LANE_FOLDER."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {key: value for key, value in os.environ.items() if key not in _UNSET}
    with _log(folder).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - a target of the project's own
            ["make", "--no-print-directory", name],  # noqa: S607 - the one that runs us
            env=environment | {"LANE_FOLDER": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Lane(name=name, folder=folder, process=process)


def _log(folder: Path) -> Path:
    return folder / "output.log"
