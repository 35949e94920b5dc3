"""Places of boxes and arrows: columns from the way in to the data, each centred. In pixels, no drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.picture.namespace import Namespace

BOX, OUTSIDE = 284, 208
LINE, PAD, TITLE = 19, 12, 24
_GAP, _BETWEEN, _TOP, _FRAME = 22, 96, 108, 24


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle with a title and lines of text."""

    name: str
    lines: tuple[str, ...]
    x: int
    y: int
    width: int
    inside: bool

    @property
    def height(self) -> int:
        """Return its height, from its lines."""
        return TITLE + LINE * len(self.lines) + 2 * PAD

    @property
    def middle(self) -> int:
        """Return the height of its middle."""
        return self.y + self.height // 2


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """A curve from one box to another, with a label at its end."""

    start: tuple[int, int]
    end: tuple[int, int]
    label: str


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The whole picture; `frame` is the namespace: x, y, width, height."""

    width: int
    height: int
    frame: tuple[int, int, int, int]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def place(shown: Namespace) -> Layout:
    """Return where everything is."""
    columns = _columns(shown)
    facts = {group.name: group.facts for group in shown.groups}
    heights = [_height(column, facts) for column in columns]
    tall = max(heights)
    boxes: dict[str, Box] = {}
    x = _FRAME
    edges = []
    for column, height in zip(columns, heights, strict=True):
        y = _TOP + (tall - height) // 2
        width = BOX if any(name in facts for name in column) else OUTSIDE
        for name in column:
            box = Box(name=name, lines=facts.get(name, ()), x=x, y=y, width=width, inside=name in facts)
            boxes[name] = box
            y += box.height + _GAP
        edges.append((x, width, bool(column) and column[0] in facts))
        x += (width + _BETWEEN) if column else 0
    own = [(left, width) for left, width, inside in edges if inside]
    left, right = own[0][0] - _FRAME, own[-1][0] + own[-1][1] + _FRAME
    return Layout(
        width=max(x - _BETWEEN, right) + _FRAME,
        height=_TOP + tall + 2 * _FRAME,
        frame=(left, _FRAME, right - left, _TOP + tall),
        boxes=tuple(boxes.values()),
        arrows=tuple(_arrows(shown, boxes)),
    )


def _columns(shown: Namespace) -> list[list[str]]:
    """Return names from left to right: what leads in, tiers by their distance to the data, what is behind.

    A tier that leads nowhere stands with those that lead to the data, unless others lead to it.
    """
    inside = [group.name for group in shown.groups]
    distance = dict.fromkeys(inside, 0)
    for _ in inside:
        for path in shown.paths:
            if path.source in distance and path.target in distance:
                distance[path.source] = max(distance[path.source], distance[path.target] + 1)
    far = max(distance.values())
    led = {path.target for path in shown.paths if path.source in distance}
    distance = {name: steps if steps or name in led else far for name, steps in distance.items()}
    tiers = [[name for name in inside if distance[name] == steps] for steps in range(far, -1, -1)]
    sources = {path.source for path in shown.paths if path.target not in tiers[-1]}
    left = [end for end in shown.outside if end in sources]
    return [left, *map(_ordered, tiers), [end for end in shown.outside if end not in left]]


def _ordered(names: Sequence[str]) -> list[str]:
    """Return them with the tiers that serve first, as the composition does, and Jobs after."""
    first = [name for name in ("frontend", "backend") if name in names]
    return [*first, *(name for name in names if name not in first)]


def _height(column: Sequence[str], facts: Mapping[str, Sequence[str]]) -> int:
    boxes = [TITLE + LINE * len(facts.get(name, ())) + 2 * PAD for name in column]
    return sum(boxes) + _GAP * max(0, len(boxes) - 1)


def _arrows(shown: Namespace, boxes: Mapping[str, Box]) -> list[Arrow]:
    made = []
    for path in shown.paths:
        source, target = boxes[path.source], boxes[path.target]
        # Arrows that end at one side of a box end apart, in the order of where they come from.
        rightward = source.x < target.x
        same = sorted(
            (
                other
                for other in shown.paths
                if other.target == path.target and (boxes[other.source].x < target.x) is rightward
            ),
            key=lambda other: boxes[other.source].middle,
        )
        step = target.height / (len(same) + 1)
        end = (
            target.x if rightward else target.x + target.width,
            target.y + round(step * (same.index(path) + 1)),
        )
        start = (source.x + source.width if rightward else source.x, source.middle)
        made.append(Arrow(start=start, end=end, label=", ".join(map(str, path.ports))))
    return made
