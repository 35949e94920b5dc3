"""`python -m tests.lanes LANE… [--alone LANE…]`: run make targets as lanes, and say how they ended."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from tools.toolchain import console

from .. import failed
from . import summary
from .runner import Runner

_FOLDER = Path("artifacts", "lanes")
_ENDED_BY_SIGNAL = 128


def main() -> int:
    """Run the lanes; 0 when all passed, 1 when one failed, 128 and the signal's number when one ended it."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description=__doc__)
    parser.add_argument("lanes", nargs="+", help="make targets, in the order in which they begin")
    parser.add_argument("--alone", nargs="+", default=[], help="those that run by themselves")
    chosen = parser.parse_args()
    if os.environ.get("TEST"):
        parser.error("TEST names a test of one lane: make unit TEST=…, make state TEST=…")
    started = time.monotonic()
    # Reports of earlier runs would be read as this one's.
    shutil.rmtree(failed.FOLDER, ignore_errors=True)
    runner = Runner(lanes=chosen.lanes, alone=chosen.alone, folder=_FOLDER.absolute())
    outcomes = runner.run()
    for line in summary.lines(outcomes, time.monotonic() - started):
        console.say(line)
    if runner.signals:
        return _ENDED_BY_SIGNAL + runner.signals[0]
    return int(any(one.verdict != "passed" for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
