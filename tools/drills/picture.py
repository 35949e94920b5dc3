"""The picture of a drill: all runs over each other, the moment of failure at 0.

What the load saw comes first; below it the same time as the cluster's observers know it, where there are any.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.drills.observed import SQL, Observed
from tools.drills.verdict import Measured, Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MILLISECONDS = 1000.0
_GOOD, _BAD, _SLOW, _MOMENT = "#2a7f62", "#b3261e", "#7a8b99", "#202020"
# Of services in the order of their names; a statement's is always the last.
_SERVICES = ("#1f5fa8", "#2a7f62", "#202020", "#8a6d3b", "#7a8b99")
_SQL = "#e08a00"
_WIDTH, _HEIGHT, _PANEL = 9.0, 5.0, 1.9
_DOTS = 110
_INSIDE = {"loc": "upper right"}
# Of a low panel a legend inside would hide half.
_ABOVE = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0, "frameon": False, "ncols": 8}
# Of a logarithm's axis; a span may take less than its clock tells.
_LEAST = 0.01


def save(row: Row, path: Path) -> Path:
    """Draw a row's picture into a file, and return that."""
    draw(row).savefig(path, dpi=_DOTS)
    return path


def draw(row: Row) -> "Figure":
    """Draw success and latency over time, and below them what the observers know."""
    # Imported here: it takes a second, and a drill that is refused needs no picture.
    from matplotlib.figure import Figure  # noqa: PLC0415 - as the line above says

    known = [run.observed for run in row.runs if run.observed]
    panels = [draw_panel for has, draw_panel in _PANELS.items() if any(has(each) for each in known)]
    figure = Figure(figsize=(_WIDTH, _HEIGHT + _PANEL * len(panels)), layout="constrained")
    heights = [_HEIGHT / 2, _HEIGHT / 2, *(_PANEL for _ in panels)]
    success, latency, *others = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    for run in row.runs:
        _load(run, success, latency)
    for axes, panel in zip(others, panels, strict=True):
        panel(known, axes)
    for axes in figure.axes:
        _moments(row, axes)
    # Named once: of several runs the names would stand over each other.
    named = {name: when - run.moment for run in reversed(row.runs) for name, when in run.moments.items()}
    for name, when in named.items():
        success.annotate(name, (when, 0), xytext=(3, 3), textcoords="offset points", fontsize=8)
    success.set_ylim(-5, 105)
    success.set_ylabel("answered at once, %")
    success.set_title(f"{row.drill}, {row.stack}: failure at 0, restored at the dotted line", fontsize=10)
    latency.set_yscale("log")
    latency.set_ylabel("latency from due, ms")
    _legend(latency, _INSIDE)
    for axes in others:
        _legend(axes, _ABOVE)
    figure.axes[-1].set_xlabel("seconds from the failure")
    return figure


def _load(run: Measured, success: "Axes", latency: "Axes") -> None:
    at = [second.at for second in run.course]
    share = [100 * (1 - second.failed / second.sent) for second in run.course]
    success.step(at, share, where="post", color=_GOOD, alpha=0.7)
    success.fill_between(at, share, 100, step="post", color=_BAD, alpha=0.25)
    latency.plot(at, [second.p99 * _MILLISECONDS for second in run.course], color=_SLOW, label="p99")
    latency.plot(at, [second.p50 * _MILLISECONDS for second in run.course], color=_GOOD, label="p50")


def _moments(row: Row, axes: "Axes") -> None:
    axes.axvline(0, color=_MOMENT, linewidth=1)
    for run in row.runs:
        if run.restored is not None:
            axes.axvline(run.restored - run.moment, color=_GOOD, linestyle=":")
        for when in run.moments.values():
            axes.axvline(when - run.moment, color=_SLOW, linestyle="--")


def _requests(known: list[Observed], axes: "Axes") -> None:
    for each in known:
        axes.plot(*_apart(each.requests), color=_GOOD, marker=".", label="requests")
        axes.plot(*_apart(each.errors), color=_BAD, marker=".", label="answered 5xx")
    axes.set_ylabel("at the edge, /s")
    axes.set_ylim(bottom=0)


def _lines(known: list[Observed], axes: "Axes") -> None:
    for each in known:
        axes.step(*_apart(each.lines), where="post", color=_SLOW, label="log lines")
        axes.step(*_apart(each.error_lines), where="post", color=_BAD, label="of errors")
    axes.set_ylabel("log lines, /s")
    axes.set_ylim(bottom=0)


def _spans(known: list[Observed], axes: "Axes") -> None:
    dots = [dot for each in known for dot in each.spans]
    names = sorted({dot.service for dot in dots}, key=lambda name: (name == SQL, name))
    for number, name in enumerate(names):
        own = [dot for dot in dots if dot.service == name and not dot.failed]
        color = _SQL if name == SQL else _SERVICES[min(number, len(_SERVICES) - 1)]
        took = [max(dot.seconds * _MILLISECONDS, _LEAST) for dot in own]
        axes.scatter([dot.at for dot in own], took, s=9, color=color, alpha=0.7, linewidths=0, label=name)
    bad = [dot for dot in dots if dot.failed]
    if bad:
        took = [max(dot.seconds * _MILLISECONDS, _LEAST) for dot in bad]
        axes.scatter([dot.at for dot in bad], took, s=18, marker="x", color=_BAD, label="failed")
    axes.set_yscale("log")
    axes.set_ylabel("spans, ms")


def _apart(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [at for at, _ in points], [value for _, value in points]


def _legend(axes: "Axes", where: Mapping[str, Any]) -> None:
    """Name each line once, though every run has drawn its own."""
    handles, labels = axes.get_legend_handles_labels()
    named: dict[str, Any] = {}
    for label, handle in zip(labels, handles, strict=True):
        named.setdefault(label, handle)
    if named:
        axes.legend(named.values(), named, fontsize=8, markerscale=1.5, **where)


_PANELS: Mapping[Callable[[Observed], bool], Callable[[list[Observed], "Axes"], None]] = {
    lambda each: bool(each.requests): _requests,
    lambda each: bool(each.lines): _lines,
    lambda each: bool(each.spans): _spans,
}
