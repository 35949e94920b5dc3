"""Peak memory of processes by their role, read from a /proc."""

import os
import sys
from pathlib import Path

import pytest

from tools.bench import memory
from tools.bench.memory import Peaks, Process
from tools.toolchain.process import CommandError


def put(proc: Path, number: int, parent: int, command: str, peak: int = 2048) -> None:
    """Add a process to a fake /proc; `peak` in KiB."""
    folder = proc / str(number)
    folder.mkdir()
    (folder / "stat").write_text(f"{number} (a (strange) name) S {parent} 1 1")
    (folder / "status").write_text(f"Name:\tx\nVmHWM:\t{peak} kB\nVmRSS:\t1024 kB\n")
    (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode() + b"\0")


@pytest.mark.parametrize(
    ("command", "part"),
    [
        ("/cache/bin/pulumi -C /tmp/x up --policy-pack /work/policies", "CLI"),
        ("/home/plugins/resource-kubernetes-v4/pulumi-resource-kubernetes 127.0.0.1:1", "kubernetes plugin"),
        ("/home/plugins/resource-random-v4/pulumi-resource-random 127.0.0.1:1", "random plugin"),
        ("python3 -u /cache/bin/pulumi-language-python-exec --monitor 127.0.0.1:1", "program"),
        ("/cache/bin/pulumi-language-python 127.0.0.1:1", "language host"),
        ("/bin/sh /cache/bin/pulumi-analyzer-policy-python 127.0.0.1:1 /work/policies", "policy plugin"),
        ("/work/.venv/bin/python -u -m pulumi.policy 127.0.0.1:1 /work/policies", "policy plugin"),
        ("sleep 5", "other"),
    ],
)
def test_a_process_plays_the_part_that_its_command_line_says(command: str, part: str) -> None:
    assert memory.part(command) == part


def test_all_descendants_are_seen_whatever_their_group_and_no_other_process(tmp_path: Path) -> None:
    put(tmp_path, 10, 1, "/bin/pulumi up")
    put(tmp_path, 11, 10, "pulumi-resource-kubernetes 1", peak=4096)
    put(tmp_path, 12, 11, "sleep 1")
    put(tmp_path, 20, 1, "/bin/pulumi up")
    (tmp_path / "30").mkdir()

    found = memory.descendants(10, tmp_path)

    assert [(each.number, each.peak, each.now) for each in found] == [
        (10, 2.0, 1.0),
        (11, 4.0, 1.0),
        (12, 2.0, 1.0),
    ]


def test_peaks_are_kept_and_what_all_had_at_one_moment() -> None:
    peaks = Peaks()
    first, second = (
        Process(number=number, parent=1, command="pulumi-resource-random", peak=peak, now=now)
        for number, peak, now in ((1, 50.0, 40.0), (2, 70.0, 30.0))
    )
    peaks.see([first, second])
    peaks.see([second])

    assert peaks.by_part() == {"random plugin": 70.0}
    assert peaks.together == 70.0


def test_a_command_is_measured_with_what_it_starts() -> None:
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(0.5)'])"
    cost = memory.measured([sys.executable, "-c", script], dict(os.environ))

    assert cost.seconds >= 0.5
    assert cost.processor > 0
    assert cost.together > max(cost.peaks.values()) > 1


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(CommandError, match="it hurts"):
        memory.measured([sys.executable, "-c", "raise SystemExit('it hurts')"], dict(os.environ))
