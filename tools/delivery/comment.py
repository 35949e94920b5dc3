"""A report as the one comment of a pull request. Pure: the same report gives the same text.

Whatever a program may have put into the report stands in code, where it can neither mention people nor link
nor end the comment's own structure.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from tools.delivery import protection, verdict
from tools.delivery.report import Change, Preview, Report

MARKER = "<!-- feastflow: preview of every stack -->"
LONGEST = 60_000

_CUT = "… cut here: the comment has no more room. `make pull-request-preview` shows all of it."
_SIGNS = {"create": "+", "update": "!", "replace": "!", "delete": "-"}
_PAST = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}
_LONGEST_ERROR = 4_000
_MOST_LISTED = 20
_PLAIN = re.compile(r"[a-z][a-z0-9-]{0,62}( [a-z][a-z0-9-]{0,62})*")
_LINKED = re.compile(r"\b([0-9a-f]{7,}|gh-[0-9]+)\b")
# Room for the words around a cut.
_FRAME = 200

_UNKNOWN = """\
<details><summary>What this preview cannot know</summary>

It compares two programs, the base's and the pull request's, with Pulumi's own engine and providers, and
asks no cluster. Not known here: what was changed on a cluster by hand, what admission, quotas and the
API server's own schema say, which values the server fills in, and which images and settings a deployment adds
to the stacks' files. Encrypted settings are compared by their ciphertext; secrets are never shown.
Passwords are generated again for each preview: names that follow a secret's content are not the stack's own.
</details>
"""


def text(report: Report) -> str:
    """Return the comment in Markdown, at most `LONGEST` characters of it, beginning with the marker."""
    whole = _whole(report)
    if len(whole) <= LONGEST:
        return whole
    # No program comes to this, but a forged report might.
    return "\n".join([*_head(report), _CUT, ""])


def _whole(report: Report) -> str:
    head = "\n".join([*_head(report), *_warnings(report), ""])
    tail = f"\n{_UNKNOWN}"
    room = LONGEST - len(head) - len(tail)
    sections: list[str] = []
    for left, preview in zip(range(len(report.previews), 0, -1), report.previews, strict=True):
        # What one stack does not need, the next ones may take.
        section = _section(preview, room // left)
        room -= len(section)
        sections.append(section)
    return f"{head}{''.join(sections)}{tail}"


def _head(report: Report) -> Iterator[str]:
    failed = verdict.failed(report)
    yield MARKER
    yield f"## Preview: {'**this must not be merged as it is**' if failed else _sum(report)}"
    yield ""
    yield f"{code(report.head[:12])} compared with {code(report.base[:12])}."
    yield ""
    yield "| stack | create | update | replace | delete | same | rules broken | verdict |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for preview in report.previews:
        counts = [_count(preview, operation) for operation in ("create", "update", "replace", "delete")]
        word = "**fails**" if preview.stack in failed else "passes"
        cells = [plain(preview.stack), *counts, preview.unchanged, len(preview.violations), word]
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def _warnings(report: Report) -> Iterator[str]:
    for preview in report.previews:
        yield from _warning(preview)
    label = protection.label(report)
    if label in report.labels:
        yield f"Agreed to by the label {code(str(label))}, which stands for exactly this list."
        yield ""
    elif label is not None:
        yield f"When it is meant, a reviewer agrees by the label {code(label)}: exactly to this list."
        yield ""


def _sum(report: Report) -> str:
    changes = sum(len(preview.changes) for preview in report.previews)
    return f"{changes} change{'' if changes == 1 else 's'}" if changes else "no change"


def _warning(preview: Preview) -> Iterator[str]:
    lost = [change for change in preview.changes if protection.loses(change)]
    if lost:
        yield from _loss(plain(preview.stack), lost)
    if preview.unprotected:
        yield from _caution(f"{plain(preview.stack)} would lose its protection against deletion:")
        yield from _listed(f"{code(name)} may be **deleted** from then on" for name in preview.unprotected)
        yield ""
    if preview.moved:
        yield from _caution(f"{plain(preview.stack)} would be deployed to another place:")
        yield from _listed(map(code, preview.moved))
        yield ">"
        yield "> Its data stays where it is deployed now."
        yield ""


def _loss(stack: str, lost: Sequence[Change]) -> Iterator[str]:
    yield from _caution(f"{stack} would lose data or a secret in use:")
    for change in lost[:_MOST_LISTED]:
        because = f" because of {', '.join(map(code, change.because[:5]))}" if change.because else ""
        yield f"> - {code(f'{change.kind} {change.name}')} is **{_PAST[change.operation]}**{because}"
    if len(lost) > _MOST_LISTED:
        yield f"> - and {len(lost) - _MOST_LISTED} more"
    yield ">"
    yield "> Move the data first, or make the new object under another name while the old one exists."
    yield ""


def _caution(head: str) -> Iterator[str]:
    yield "> [!CAUTION]"
    yield f"> **{head}**"


def _listed(entries: Iterable[str]) -> Iterator[str]:
    found = list(entries)
    yield from (f"> - {entry}" for entry in found[:_MOST_LISTED])
    if len(found) > _MOST_LISTED:
        yield f"> - and {len(found) - _MOST_LISTED} more"


def _section(preview: Preview, room: int) -> str:
    parts = [f"\n### {plain(preview.stack)}\n"]
    if preview.errors:
        parts.append("\nThe program or the engine failed; what follows is as far as it came:\n")
        parts.append(_block("text", "\n\n".join(preview.errors)[:_LONGEST_ERROR]))
    if preview.base_error:
        parts.append(
            "\nThe base's own program fails, so there is nothing to compare with: all is shown as new.\n"
        )
        parts.append(_block("text", preview.base_error[:_LONGEST_ERROR]))
    elif preview.new:
        parts.append("\nThe base has no such stack: all is shown as new.\n")
    if preview.violations:
        found = [f"{entry.policy} ({entry.level}): {entry.message}" for entry in preview.violations]
        parts.append(f"\nRules broken: {len(found)}\n")
        parts.append(_block("text", _within(found, _LONGEST_ERROR)))
    if not preview.changes:
        parts.append("" if preview.errors else "\nNothing changes.\n")
        return "".join(parts)
    replaced = [change for change in preview.changes if change.operation == "replace"]
    if replaced:
        listed = [f"{change.kind} {change.name} ({', '.join(change.because)})" for change in replaced]
        parts.append(f"\nReplaced, that is deleted and recreated: {len(replaced)}\n")
        parts.append(_block("text", _within(listed, _LONGEST_ERROR)))
    opening = f"\n<details><summary>{len(preview.changes)} changes in full</summary>\n\n"
    closing = "</details>\n"
    used = sum(map(len, parts)) + len(opening) + len(closing) + _FRAME
    lines = [line for change in preview.changes for line in _lines(change)]
    return "".join([*parts, opening, _block("diff", _within(lines, max(0, room - used))), closing])


def _lines(change: Change) -> Iterator[str]:
    yield f"{_SIGNS[change.operation]} {change.kind} {change.name} ({change.operation})"
    # The diff's colours need the sign at the line's beginning.
    yield from (f"{line[:1]}     {line[2:]}" for line in change.lines)


def _within(lines: Sequence[str], room: int) -> str:
    kept: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < len(_CUT):
            return "\n".join([*kept, _CUT])
        kept.append(line)
    return "\n".join(kept)


def _count(preview: Preview, operation: str) -> int:
    return sum(change.operation == operation for change in preview.changes)


def _block(language: str, content: str) -> str:
    """Return a block of code that its own content cannot end."""
    longest = max(map(len, re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}{language}\n{_printable(content)}\n{fence}\n"


def plain(name: str) -> str:
    """Return a name as it is where it can be nothing else, and as code where GitHub might see a link in it.

    A stack's name is a file's name in a pull request: it may look like a mention, an address, a commit
    (`deadbeef`) or an issue (`gh-12`).
    """
    return name if _PLAIN.fullmatch(name) and not _LINKED.search(name) else code(name)


def code(content: str) -> str:
    """Return code within a line: one line, not empty, and no character that would end it."""
    line = " ".join(content.split()) or "(nothing)"
    return f"`{_printable(line).replace('`', chr(39)).replace('|', '/')[:200]}`"


def _printable(content: str) -> str:
    return "".join(
        sign if sign == "\n" or sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in content
    )
