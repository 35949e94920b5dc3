"""The picture of a setting: the stack's file, the model, the components, and the fields that follow."""

from collections.abc import Iterable, Sequence
from html import escape

from tools.picture.layout import LINE, PAD, TITLE, Arrow, Box
from tools.picture.setting import Field
from tools.picture.svg import arrow, box, document

_MARGIN, _GAP, _BETWEEN = 24, 22, 70
_FILE, _MODEL, _COMPONENT, _OBJECT = 250, 216, 120, 404


def drawn(key: str, value: object, found: Sequence[Field]) -> str:
    """Return the picture of one setting, as one file's text."""
    section, _, rest = key.partition(".")
    lanes = {name: [each for each in found if each.component == name] for name in _names(found)}
    objects: dict[str, list[Box]] = {}
    x = _MARGIN + _FILE + _MODEL + _COMPONENT + 3 * _BETWEEN
    y = _MARGIN
    for component, fields in lanes.items():
        for title in dict.fromkeys(f"{each.kind} {each.name}" for each in fields):
            lines = tuple(_line(each) for each in fields if f"{each.kind} {each.name}" == title)
            placed = Box(name=title, lines=lines, x=x, y=y, width=_OBJECT, inside=True)
            objects.setdefault(component, []).append(placed)
            y += placed.height + _GAP
    height = y - _GAP + _MARGIN
    file = _centred(f"feastflow:{section}", (f"{rest}: {value}",), _MARGIN, _FILE, height)
    model = _centred(
        "settings",
        ("read, checked, refused;", "what follows is computed"),
        file.x + _FILE + _BETWEEN,
        _MODEL,
        height,
    )
    parts = {name: _beside(name, model.x + _MODEL + _BETWEEN, boxes) for name, boxes in objects.items()}
    arrows = [
        _from(file, model),
        *(_from(model, part) for part in parts.values()),
        *(_from(parts[name], each) for name, boxes in objects.items() for each in boxes),
    ]
    boxes = [file, model, *parts.values(), *(each for several in objects.values() for each in several)]
    said = "; ".join(f"{each.kind} {each.name} {each.path}: {each.after}" for each in found)
    drawing = [
        *(part for each in arrows for part in arrow(each)),
        *(part for each in boxes for part in box(each)),
    ]
    return document(x + _OBJECT + _MARGIN, height, f"{key}: {value} becomes {escape(said)}", drawing)


def _names(found: Iterable[Field]) -> list[str]:
    return list(dict.fromkeys(each.component for each in found))


def _line(field: Field) -> str:
    """Return the last parts of the path and both values; of a program's argument what it sets."""
    path = field.path.removeprefix("spec.")
    if "=" in field.after and "=" in field.before:
        name, _, after = field.after.partition("=")
        return f"{name}  {field.before.partition('=')[2]} → {after}"
    return f"{path}  {field.before} → {field.after}"


def _centred(name: str, lines: tuple[str, ...], x: int, width: int, height: int) -> Box:
    tall = TITLE + LINE * len(lines) + 2 * PAD
    return Box(name=name, lines=lines, x=x, y=(height - tall) // 2, width=width, inside=True)


def _beside(name: str, x: int, boxes: Sequence[Box]) -> Box:
    middle = (boxes[0].y + boxes[-1].y + boxes[-1].height) // 2
    return Box(name=name, lines=(), x=x, y=middle - (TITLE + 2 * PAD) // 2, width=_COMPONENT, inside=True)


def _from(source: Box, target: Box) -> Arrow:
    return Arrow(start=(source.x + source.width, source.middle), end=(target.x, target.middle), label="")
