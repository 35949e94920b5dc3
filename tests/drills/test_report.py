"""Figures and pictures of drills."""

import json
import math
from dataclasses import replace
from pathlib import Path

from tools.drills import report, verdict
from tools.drills.observed import Dot, Observed
from tools.drills.verdict import Promise

from .fakes import run, sample, steady


def test_figures_are_kept_as_json_and_each_drill_has_a_picture(tmp_path: Path) -> None:
    found = [*steady(990, 1000), *steady(1000, 1001, code=502), *steady(1001, 1010), sample(1009.5, 0)]
    measured = verdict.measured(found, [], moment=1000.0, clock=1000.0, restored=1002.0, by=None)
    known = Observed(requests=[(-5.0, 50.0)], spans=[Dot(at=1.5, service="SQL", seconds=0.01, failed=True)])
    measured = replace(measured, begun=990.0, repaired=1003.5, moments={"NotReady": 1001.5}, observed=known)
    rows = [
        verdict.judge(
            "backend-killed", "dev", Promise(seed="~10 s", wanted=5), [measured, run(seconds=math.inf)]
        ),
        verdict.judge("dns-killed", "dev", Promise(), []),
    ]
    files = report.write(rows, tmp_path / "new")

    assert [file.name for file in files] == ["drills.json", "backend-killed-dev.png"]
    assert files[1].read_bytes().startswith(b"\x89PNG")
    first, second = json.loads(files[0].read_text(encoding="utf-8"))
    assert (first["drill"], first["wantedSeconds"], first["worstSeconds"]) == ("backend-killed", 5, None)
    assert [each["seconds"] for each in first["runs"]] == [2.0, None]
    assert first["runs"][0]["windows"][0] == {"begins": 0.0, "ends": 0.91, "failed": 10}
    assert [each["moments"] for each in first["runs"]] == [{"NotReady": 1.5}, {}]
    times = [(each["begun"], each["restored"], each["repaired"]) for each in first["runs"]]
    assert times == [(-10.0, 2.0, 3.5), (None, 3.0, None)]
    seen = first["runs"][0]["observed"]
    assert seen["requests"] == [[-5.0, 50.0]]
    assert seen["spans"] == [{"at": 1.5, "service": "SQL", "seconds": 0.01, "failed": True}]
    assert first["runs"][1]["observed"] is None
    assert first["runs"][0]["course"][0]["at"] == -10
    assert second["problems"] == ["it was not run"]
