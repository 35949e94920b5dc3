"""The load on a site: a process of its own, its lines read as they come, bounded in requests and time."""

import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from tools.drills import samples
from tools.drills.samples import Sample
from tools.toolchain import golang, pins
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError

MOST_REQUESTS = 100_000
MOST_SECONDS = 1200.0
# A request under way may take three attempts of 8 s and the pauses between them.
_END_SECONDS = 40.0


def program(step: Step) -> Path:
    """Return the load generator, compiled now when it is not in the cache."""
    return golang.binaries(pins.LOAD_BUILD, step) / "load"


class Load:
    """Requests to `url` at a fixed rate while the block runs; every order's note begins with `run`."""

    def __init__(self, program: Path, *, url: str, rate: float, run: str) -> None:
        """Name the site, on loopback; `rate` is in requests a second, `run` has at least 8 characters."""
        self._command = [str(program), "-url", url, "-rate", f"{rate:g}", "-run", run]
        self._command += ["-most", str(MOST_REQUESTS), "-seconds", f"{MOST_SECONDS:g}"]
        self._rate = rate
        self._samples: list[Sample] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `__exit__` closes it
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Begin."""
        self._process = subprocess.Popen(
            self._command,
            # Kept open: the generator ends when this process does.
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            # Ctrl-C is for the drill, which ends the load in its own time.
            start_new_session=True,
        )
        self._reader.start()
        return self

    def __exit__(self, *problem: object) -> None:
        """End, at once where something went wrong."""
        process = self._running()
        if process.poll() is None:
            process.kill()
        process.wait()
        self._reader.join(timeout=5)
        for file in (process.stdin, process.stdout, self._errors):
            if file is not None:
                file.close()

    def seen(self) -> list[Sample]:
        """Return every request that has ended by now."""
        return list(self._samples)

    def steady(self, seconds: float) -> None:
        """Wait until it has run for so long, and refuse a site that fails without any drill."""
        time.sleep(seconds)
        self.alive()
        found = self.seen()
        failed = [each for each in found if each.failed]
        begun = min((each.due for each in found), default=0.0)
        hanging = samples.hanging(found, begun, time.time(), self._rate) if found else 0
        if not found or failed or hanging:
            example = f", e.g. {failed[0].kind}: {failed[0].first or failed[0].error}" if failed else ""
            raise UserError(
                f"before the drill began {len(failed)} of {len(found)} requests failed, {hanging} more"
                f" had no answer after a second{example}",
                "what a drill costs cannot be told from what fails anyway",
                "look at the site (make status) and at what else the machine does, or ask for less: "
                "make drill RATE=20",
            )

    def alive(self) -> None:
        """Refuse to go on without load: nothing would be measured any more."""
        if self._running().poll() is not None:
            self._errors.seek(0)
            raise UserError(
                f"the load generator has ended: {self._errors.read().strip() or 'all its requests are made'}",
                "without load it is not known what a drill costs",
                "run the drill again, alone: make drill DRILL=…",
            )

    def stop(self) -> list[Sample]:
        """Ask for no more, wait for what is under way, and return everything."""
        process = self._running()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        self._reader.join(timeout=5)
        return self.seen()

    def _read(self) -> None:
        process = self._running()
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        for line in process.stdout:
            self._samples.append(samples.read(line))

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None  # noqa: S101 - used inside its block
        return self._process
