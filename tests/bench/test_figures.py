"""Ratios to kubectl's figures, their wanted values, and the table."""

import json
from pathlib import Path

from tools.bench import figures, report, stacks, table
from tools.bench.figures import Course, Row
from tools.bench.memory import Cost
from tools.bench.stacks import Turn
from tools.drills.table import WIDTH

WHAT = {"kubectl": "kubectl apply", "pulumi": "pulumi up --skip-preview"}


def runs(*pairs: tuple[float, float]) -> list[list[Course]]:
    """Return first ups of the floor and of the program, run by run."""
    return [
        [
            Course(contender="kubectl", seconds={"first-up": floor}),
            Course(contender="pulumi", seconds={"first-up": own}),
        ]
        for floor, own in pairs
    ]


def cost(seconds: float, together: float = 900.0) -> Cost:
    return Cost(seconds=seconds, processor=seconds / 2, peaks={"CLI": 300.0}, together=together)


def test_each_run_is_compared_with_the_floor_of_the_same_run() -> None:
    floor, own = figures.rows(runs((10, 12), (20, 30), (40, 44)), WHAT)

    assert list(floor.ratios) == [1.0, 1.0, 1.0]
    assert list(own.ratios) == [1.2, 1.5, 1.1]
    assert (own.ratio, own.median) == (1.2, 30)


def test_what_is_wanted_holds_for_the_median_of_the_ratios() -> None:
    (_, good), (_, bad) = (
        figures.rows(runs((10, 12)), WHAT),
        figures.rows(runs((10, 13)), WHAT),
    )

    assert (good.wanted, good.reached) == (1.25, True)
    assert bad.reached is False


def test_a_run_that_was_cut_off_counts_as_far_as_it_came() -> None:
    (row,) = figures.rows([[Course(contender="kubectl", seconds={"first-up": 10.0})]], WHAT)

    assert row.what == "kubectl apply"
    assert figures.rows([[Course(contender="pulumi", seconds={"no-op": 4.0})]], WHAT)[0].ratio is None


def test_the_table_says_what_does_not_hold_and_is_no_wider_than_a_screen() -> None:
    rows = figures.rows(runs((100, 126), (100, 500)), {**WHAT, "pulumi": "a name " * 20})

    lines = table.lines(rows)

    assert max(map(len, lines)) <= WIDTH
    assert lines[1].startswith("first-up")
    assert lines[2].startswith(" ")
    assert lines[2].endswith("NO")


def test_previews_of_many_stacks_are_measured_by_those_of_one_alone() -> None:
    # The machine slows down for all; each of twenty takes three quarters of a stack alone.
    run = {number: [Turn(among=cost(2.0), alone=cost(2.0))] * number for number in (1, 5, 10)}
    run |= {20: [Turn(among=cost(3.0, 945.0), alone=cost(4.0, 900.0))] * 20}

    rows = stacks.rows([run])

    seconds = [row for row in rows if row.bench == "stacks"]
    memory = [row for row in rows if row.bench == "stacks-memory"]
    assert [row.ratio for row in seconds] == [1.0, 5.0, 10.0, 15.0]
    assert (seconds[-1].median, seconds[-1].wanted, seconds[-1].reached) == (60.0, 20.0, True)
    assert (memory[-1].ratio, memory[-1].reached) == (1.05, True)


def test_the_figures_are_kept_with_every_run(tmp_path: Path) -> None:
    measured = runs((10, 12))

    path = report.write(figures.rows(measured, WHAT), measured, folder=tmp_path)

    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["figures"][1]["ratio"] == 1.2
    assert kept["runs"][0][1] == {"contender": "pulumi", "seconds": {"first-up": 12}}


def test_a_value_that_nothing_is_wanted_of_is_neither_right_nor_wrong() -> None:
    row = Row(bench="memory", what="CLI", unit="MiB", values=[200.0])

    assert row.reached is None
    assert table.lines([row])[1].split() == ["memory", "CLI", "200", "MiB"]
