"""`pulumi up` in a process of its own, so that a drill can cut it off: `python -m tools.drills.under_way`."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from tools.drills import opening
from tools.drills.stage import Stage
from tools.stacks import scope
from tools.toolchain import cache, console
from tools.toolchain.console import Step

_ROOT = Path(__file__).parents[2]
_SECONDS = 90

# The one that this process has started, if any: there is one drill at a time.
_started: list[subprocess.Popen[bytes]] = []


def begin(stage: Stage) -> None:
    """Begin `up` with the settings that the workspace has now."""
    command = [sys.executable, "-m", "tools.drills.under_way", "--cluster", stage.cluster.name]
    log = cache.log("drill-up").open("ab")
    with log:
        process = subprocess.Popen(
            [*command, "--stack", stage.name],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _started.append(process)


def runs() -> bool:
    """Return whether it has not ended by itself."""
    return any(process.poll() is None for process in _started)


def interrupt() -> None:
    """Send Ctrl-C to the whole group, as a terminal does; kill it where that takes too long."""
    _end(signal.SIGINT)


def lose_power() -> None:
    """Kill all of its processes without warning."""
    _end(signal.SIGKILL)


def _end(number: signal.Signals) -> None:
    while _started:
        process = _started.pop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main() -> None:
    """Deploy the stack with the settings in its workspace; the caller holds the machine's lock."""
    parser = argparse.ArgumentParser(prog="python -m tools.drills.under_way", description=__doc__)
    parser.add_argument("--cluster", required=True)
    parser.add_argument("--stack", required=True)
    chosen = parser.parse_args()
    with Step("pulumi up", f"stack {chosen.stack}") as step:
        step.result(opening.stage(chosen.cluster, chosen.stack, scope.tools()).stack.up(step))


if __name__ == "__main__":
    console.run(main)
