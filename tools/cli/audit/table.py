"""Rights as a table of at most 100 columns, subjects whose rights lead further first. Pure."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

from .rights import Right

WIDTH = 100
_COLUMNS = (("may", 26), ("on", 40), ("leads to", 30))
_GAP = "  "
# Kubernetes' own, but not these, which are everybody.
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts", "system:anonymous")


def is_kubernetes_own(subject: str) -> bool:
    """Return whether a subject belongs to the cluster itself: its components, nodes and controllers."""
    kind, _, name = subject.partition(" ")
    if kind == "account":
        return name.startswith("kube-system/")
    return name.startswith("system:") and not name.startswith(_EVERYBODY)


def text(rights: Sequence[Right], namespace: str, *, all_subjects: bool = False) -> str:
    """Return the table, a section for each subject; `all_subjects` shows Kubernetes' own too."""
    sections = [(subject, list(found)) for subject, found in groupby(rights, lambda right: right.subject)]
    shown = [each for each in sections if all_subjects or not is_kubernetes_own(each[0])]
    shown.sort(key=lambda each: (not any(right.leads for right in each[1]), each[0]))
    lines = [f"who may do what in {_printable(namespace)}", ""]
    lines += [_line([head for head, _ in _COLUMNS]), _line(["-" * width for _, width in _COLUMNS])]
    for subject, found in shown:
        lines += ["", *textwrap.wrap(_printable(subject), WIDTH)]
        for by, granted in groupby(sorted(found, key=lambda right: right.by), lambda right: right.by):
            lines += textwrap.wrap(
                f"by {_printable(by)}", WIDTH, initial_indent="  ", subsequent_indent="    "
            )
            for right in granted:
                lines += _row(right)
    hidden = len(sections) - len(shown)
    if hidden:
        lines += ["", f"and {hidden} of Kubernetes' own (system:…, kube-system/…); ALL=yes shows them"]
    lines += ["", "without any binding: members of the group system:masters may do everything"]
    return "\n".join(line.rstrip() for line in lines)


def _row(right: Right) -> Iterator[str]:
    on = ", ".join(right.resources) + (f" named {', '.join(right.names)}" if right.names else "")
    cells = [", ".join(right.verbs), on, ", ".join(right.leads)]
    columns = [
        textwrap.wrap(_printable(cell), width) or [""]
        for cell, (_, width) in zip(cells, _COLUMNS, strict=True)
    ]
    for row in range(max(map(len, columns))):
        yield _line([column[row] if row < len(column) else "" for column in columns])


def _line(cells: Sequence[str]) -> str:
    return _GAP.join(cell.ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True))


def _printable(content: str) -> str:
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in content)
