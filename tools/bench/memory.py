"""The peak memory of a command and of all that it starts, by the part that each process plays.

The kernel keeps every process's own peak (VmHWM), so it is enough to look often enough to have seen each one.
"""

import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench.figures import Row
from tools.toolchain.process import CommandError

_PAUSE_SECONDS = 0.1
_PROC = Path("/proc")
# By a text in the command line, the more special ones first.
_PARTS = (
    ("pulumi-resource-kubernetes", "kubernetes plugin"),
    ("pulumi-resource-random", "random plugin"),
    ("pulumi-analyzer-policy-python", "policy plugin"),
    ("-m pulumi.policy", "policy plugin"),
    ("pulumi-language-python-exec", "program"),
    ("pulumi-language-python", "language host"),
    ("/pulumi", "CLI"),
)
OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process as it is now; memory in MiB."""

    number: int
    parent: int
    command: str
    peak: float
    now: float


@dataclass
class Peaks:
    """The memory seen so far: each process's peak, and the most that all together had at one moment."""

    by_process: dict[tuple[int, str], float] = field(default_factory=dict)
    together: float = 0.0

    def see(self, processes: Iterable[Process]) -> None:
        """Take one look into account."""
        now = 0.0
        for each in processes:
            key = each.number, part(each.command)
            self.by_process[key] = max(self.by_process.get(key, 0.0), each.peak)
            now += each.now
        self.together = max(self.together, now)

    def by_part(self) -> dict[str, float]:
        """Return the peak of each part, the largest first; of processes that play the same, the largest."""
        found: dict[str, float] = defaultdict(float)
        for (_, name), peak in self.by_process.items():
            found[name] = max(found[name], peak)
        return dict(sorted(found.items(), key=lambda each: -each[1]))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """The cost of a command: seconds by the clock, seconds of processors, memory in MiB."""

    seconds: float
    processor: float
    peaks: Mapping[str, float]
    together: float


def rows(runs: Sequence[Cost], what: str) -> list[Row]:
    """Return the peak of each part over all runs, the largest first, then what all had at one moment."""
    names = dict.fromkeys(name for run in runs for name in run.peaks)
    found = [
        Row(bench="memory", what=name, unit="MiB", values=[run.peaks.get(name, 0.0) for run in runs])
        for name in names
    ]
    together = [run.together for run in runs]
    return [*found, Row(bench="memory", what=f"all at one moment, {what}", unit="MiB", values=together)]


def part(command: str) -> str:
    """Return the part that a process plays, by its command line."""
    return next((name for text, name in _PARTS if text in command), OTHER)


def measured(command: list[str], environment: Mapping[str, str]) -> Cost:
    """Run the command to its end and look at it and its descendants all the while.

    Raises:
        CommandError: when it fails.
    """
    peaks, ended = Peaks(), threading.Event()
    with tempfile.TemporaryFile("w+") as said:
        began = time.monotonic()
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )

        def look() -> None:
            while not ended.wait(_PAUSE_SECONDS):
                peaks.see(descendants(process.pid, _PROC))

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            ended.set()
            watcher.join()
        seconds = time.monotonic() - began
        if process.returncode:
            said.seek(0)
            raise CommandError(command, process.returncode, said.read()[-3000:])
    return Cost(
        seconds=seconds,
        processor=usage.ru_utime + usage.ru_stime,
        peaks=peaks.by_part(),
        together=peaks.together,
    )


def descendants(root: int, proc: Path = _PROC) -> list[Process]:
    """Return the process and all below it, also those that have a group of their own."""
    parents: dict[int, int] = {}
    for folder in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The parent stands second after the name, which is in parentheses and may hold anything.
            text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
            parents[int(folder.name)] = int(text.rpartition(")")[2].split()[1])
    wanted = {root}
    while more := {number for number, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    found = []
    for number in sorted(wanted & parents.keys()):
        with contextlib.suppress(OSError, LookupError, ValueError):
            found.append(_process(proc / str(number), parents[number]))
    return found


def _process(folder: Path, parent: int) -> Process:
    status = dict(
        line.split(":", 1)
        for line in (folder / "status").read_text(encoding="utf-8").splitlines()
        if ":" in line
    )
    command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return Process(
        number=int(folder.name),
        parent=parent,
        command=command,
        peak=_mebibytes(status["VmHWM"]),
        now=_mebibytes(status["VmRSS"]),
    )


def _mebibytes(text: str) -> float:
    return int(text.split(maxsplit=1)[0]) / 1024
