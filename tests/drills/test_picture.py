"""The picture of a drill: what the load saw, and below it what each observer knows of the same time."""

from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes

from tools.drills import picture
from tools.drills.observed import Dot, Observed
from tools.drills.samples import Second

from .fakes import row, run

_COURSE = [Second(at=at, sent=50, failed=int(at == 0), p50=0.01, p99=0.02) for at in range(-3, 4)]
_RUN = run(course=_COURSE, moments={"NotReady": 1001.5})
_KNOWN = Observed(
    requests=[(-5.0, 50.0), (0.0, 44.0)],
    errors=[(-5.0, 0.0), (0.0, 6.0)],
    lines=[(0.0, 120.0), (1.0, 130.0)],
    error_lines=[(1.0, 3.0)],
    spans=[
        Dot(at=0.5, service="traefik", seconds=0.03, failed=False),
        Dot(at=0.6, service="SQL", seconds=0.0, failed=False),
        Dot(at=0.7, service="feastflow-backend", seconds=2.0, failed=True),
    ],
)
_AS_EVER = ["answered at once, %", "latency from due, ms"]


def _panels(*runs: Observed | None) -> list[str]:
    drawn = picture.draw(row([replace(_RUN, observed=each) for each in runs]))
    return [axes.get_ylabel() for axes in drawn.axes]


def test_without_observers_the_picture_is_what_the_load_saw() -> None:
    assert _panels(None, None) == _AS_EVER
    assert _panels(Observed(unknown=["metrics: nothing listens there"])) == _AS_EVER


def test_each_store_that_answered_has_its_panel() -> None:
    edge, logs, spans = "at the edge, /s", "log lines, /s", "spans, ms"

    assert _panels(_KNOWN, None) == [*_AS_EVER, edge, logs, spans]
    assert _panels(replace(_KNOWN, lines=[], error_lines=[])) == [*_AS_EVER, edge, spans]
    assert _panels(replace(_KNOWN, requests=[], spans=[])) == [*_AS_EVER, logs]


def test_all_panels_have_one_axis_of_time_and_show_every_moment() -> None:
    figure = picture.draw(row([replace(_RUN, observed=_KNOWN)]))
    first, *others = figure.axes

    assert all(axes.get_shared_x_axes().joined(first, axes) for axes in others)
    assert [axes.get_xlabel() for axes in figure.axes] == ["", "", "", "", "seconds from the failure"]
    for axes in figure.axes:
        drawn = [np.asarray(line.get_xdata()).tolist() for line in axes.lines]
        upright = {at[0] for at in drawn if len({*at}) == 1}
        # Broken, NotReady, restored.
        assert upright >= {0, 1.5, 3.0}


def test_the_panels_draw_the_figures_and_name_them_once_for_all_runs() -> None:
    runs = [replace(_RUN, observed=_KNOWN), replace(_RUN, observed=_KNOWN)]
    figure = picture.draw(row(runs))
    _, latency, edge, logs, spans = figure.axes

    def named(axes: Axes) -> list[str]:
        legend = axes.get_legend()
        return [text.get_text() for text in legend.get_texts()] if legend else []

    assert named(latency) == ["p99", "p50"]
    assert named(edge) == ["requests", "answered 5xx"]
    assert named(logs) == ["log lines", "of errors"]
    assert named(spans) == ["feastflow-backend", "traefik", "SQL", "failed"]
    drawn = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in edge.lines}
    assert (drawn["requests"], drawn["answered 5xx"]) == ([50.0, 44.0], [0.0, 6.0])
    (failed,) = (each for each in spans.collections if each.get_label() == "failed")
    assert np.asarray(failed.get_offsets()).tolist() == [[0.7, 2000.0]] * 2
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["NotReady"]
