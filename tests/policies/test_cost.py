"""The measurement of the pack's cost: that it measures; its figures are not judged here."""

import os
import subprocess
from pathlib import Path

import pytest

from ..documented import ROOT, documented


@pytest.mark.slow
def test_previews_with_the_pack_and_without_it_take_turns() -> None:
    program = documented("python -m tests.policies.cost", {"python": str(Path(".venv") / "bin" / "python")})
    done = subprocess.run(  # noqa: S603 - a developer's own command
        [*program.split(), "--turns", "1"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split()[0] for line in done.stdout.splitlines() if " s" in line]
    assert rows[-4:-2] == ["turn", "median"]
    assert "the pack costs" in done.stdout
