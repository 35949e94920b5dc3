"""Programs, started as by a user, and their output; tests on a cluster start programs only here."""

import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_STEP = re.compile(r"^ok (?P<name>.{13}).*? (?:(?P<minutes>\d+) min )?(?P<seconds>[\d.]+) s$", re.MULTILINE)

_CHANGED = {"created", "updated", "deleted", "replaced", "repaired"}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A program that has ended: its exit code, both outputs, and how long it took."""

    command: tuple[str, ...]
    code: int
    out: str
    err: str
    seconds: float

    @property
    def text(self) -> str:
        """Everything it printed."""
        return self.out + self.err

    @property
    def steps(self) -> dict[str, float]:
        """Seconds of each step that a command of this project reported as done."""
        return {
            found["name"].strip(): 60 * int(found["minutes"] or 0) + float(found["seconds"])
            for found in _STEP.finditer(self.out)
        }

    @property
    def changes(self) -> list[str]:
        """Lines in which an update says that it changed objects, or what others had changed.

        Not one of an update under way, which a slow machine prints: it names an object that is looked at.
        """
        results = [line for line in self.out.splitlines() if not line.startswith("..")]
        return [line for line in results if _CHANGED & set(line.replace(",", " ").split())]

    def __str__(self) -> str:
        return f"`{' '.join(self.command)}` ended with {self.code} after {self.seconds:.0f} s:\n{self.text}"


class CommandError(Exception):
    """A program that was to succeed and did not."""

    def __init__(self, ran: Ran) -> None:
        super().__init__(str(ran))
        self.ran = ran


class UnderWay:
    """A program that runs in a process group of its own, so that all of it can be ended at once.

    It hears every signal: what runs the tests in the background may ignore SIGINT, which children inherit. At
    the end of its `with` block it does not run any more, whatever happened in between.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], cwd: Path | None) -> None:
        self._command = tuple(command)
        # Files, since a pipe is not read meanwhile; `__exit__` closes them.
        self._files = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115
        self._started = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - the command is a test's own
            ("/usr/bin/env", "--default-signal", *self._command),
            env=dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._send(signal.SIGKILL)
        self._process.wait()
        for file in self._files:
            file.close()

    def runs(self) -> bool:
        """Return True while the process runs."""
        return self._process.poll() is None

    def lose_power(self) -> Ran:
        """End the whole group by SIGKILL, as a power failure does."""
        self._send(signal.SIGKILL)
        return self.ended(within=30)

    def interrupt(self) -> Ran:
        """Send SIGINT to the whole group, as a terminal does; wait for its end, which may take a while."""
        self._send(signal.SIGINT)
        return self.ended(within=60)

    def ended(self, *, within: float) -> Ran:
        """Wait until it has ended; after `within` seconds it is ended, with code 124."""
        try:
            code, late = self._process.wait(within), ""
        except subprocess.TimeoutExpired:
            self._send(signal.SIGKILL)
            self._process.wait()
            code, late = 124, f"\n(ended by the suite: it took longer than {within:.0f} s)"
        seconds = time.monotonic() - self._started
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read())
        return Ran(command=self._command, code=code, out=texts[0], err=texts[1] + late, seconds=seconds)

    def _send(self, number: signal.Signals) -> None:
        if self.runs():
            os.killpg(self._process.pid, number)


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdin: str = "",
    timeout: float = 60,
    cwd: Path | None = None,
) -> Ran:
    """Run to the end, whatever the end is; 124 when it took longer than `timeout` seconds."""
    started = time.monotonic()
    try:
        done = subprocess.run(  # noqa: S603 - the command is a test's own
            list(command),
            env=dict(environment),
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            cwd=cwd,
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, out, err = 124, "", f"no end within {timeout:.0f} s"
    return Ran(command=tuple(command), code=code, out=out, err=err, seconds=time.monotonic() - started)
