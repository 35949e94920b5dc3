"""SVG of a layout, in the reader's light or dark, with text that a screen reader finds."""

from collections.abc import Iterable
from html import escape

from tools.picture.layout import LINE, PAD, TITLE, Arrow, Box, Layout
from tools.picture.namespace import Namespace, Path

# From the top of a title's room to the line that it stands on.
_ASCENT = TITLE - 9

_STYLE = """
:root{--paper:#fff;--ink:#1f2328;--soft:#59636e;--line:#8b949e;--box:#f6f8fa;--frame:#0969da;--path:#1a7f37}
@media(prefers-color-scheme:dark){:root{--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#6e7681;--box:#151b23;
--frame:#4493f8;--path:#3fb950}}
text{font:14px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
.title{font-weight:600;font-size:15px;fill:var(--ink)}
.paper{fill:var(--paper)}
.box{fill:var(--box);stroke:var(--line)}
.outside{fill:none;stroke:var(--line);stroke-dasharray:5 4}
.frame{fill:none;stroke:var(--frame);stroke-width:1.5}
.name{fill:var(--frame);font-weight:600;font-size:16px}
.path{fill:none;stroke:var(--path);stroke-width:1.6}
.head{fill:var(--path)}
.port{fill:var(--path);font-size:13px;stroke:var(--paper);stroke-width:5;paint-order:stroke;text-anchor:middle}
"""
_HEAD = (
    '<marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path class="head" d="M0 0 8 4 0 8z"/></marker>'
)


def drawn(shown: Namespace, layout: Layout) -> str:
    """Return the picture of a namespace as one file's text."""
    x, y, width, height = layout.frame
    label = "; ".join(f"{path.source} to {path.target} on {_ports(path)}" for path in shown.paths)
    parts = [
        f'<rect class="frame" x="{x}" y="{y}" width="{width}" height="{height}" rx="10"/>',
        f'<text class="name" x="{x + 16}" y="{y + 27}">namespace {escape(shown.name)}</text>',
        *(
            f'<text x="{x + 16}" y="{y + 50 + LINE * row}">{escape(" · ".join(guards))}</text>'
            for row, guards in enumerate((shown.guards[:2], shown.guards[2:]))
        ),
        *(part for each in layout.arrows for part in arrow(each)),
        *(part for each in layout.boxes for part in box(each)),
        *(_port(each) for each in layout.arrows),
    ]
    return document(layout.width, layout.height, f"Open paths: {label}", parts)


def document(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    """Return an SVG document of these parts on paper of the reader's colour."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}">\n<style>{_STYLE}</style>\n<defs>{_HEAD}</defs>\n'
        f'<rect class="paper" width="{width}" height="{height}"/>\n{body}\n</svg>\n'
    )


def box(shown: Box) -> Iterable[str]:
    """Yield a box with its title and lines."""
    kind = "box" if shown.inside else "outside"
    size = f'width="{shown.width}" height="{shown.height}"'
    x, y = shown.x + PAD, shown.y + PAD + _ASCENT
    yield f'<rect class="{kind}" x="{shown.x}" y="{shown.y}" {size} rx="6"/>'
    yield f'<text class="title" x="{x}" y="{y}">{escape(shown.name)}</text>'
    for number, line in enumerate(shown.lines, start=1):
        yield f'<text x="{x}" y="{y + LINE * number}">{escape(line)}</text>'


def arrow(shown: Arrow) -> Iterable[str]:
    """Yield an arrow's curve."""
    (x, y), (to_x, to_y) = shown.start, shown.end
    bend = (to_x - x) // 2
    curve = f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
    yield f'<path class="path" marker-end="url(#head)" d="{curve}"/>'


def _port(arrow: Arrow) -> str:
    (x, y), (to_x, to_y) = arrow.start, arrow.end
    place = f'x="{(x + to_x) // 2}" y="{(y + to_y) // 2 - 4}"'
    return f'<text class="port" {place}>{escape(arrow.label)}</text>'


def _ports(path: Path) -> str:
    return ", ".join(map(str, path.ports))
