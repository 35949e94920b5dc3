"""The report of the previews, as data that leaves the job which ran a stranger's program.

Its reader trusts none of it: `read` takes the shape below and nothing else. Only Python's own library
is needed, so that the job with the right to comment installs nothing.
"""

import dataclasses
import json
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.toolchain.errors import UserError

FORMAT = 1
_MOST_BYTES = 4 * 2**20
_MOST_STACKS = 50
_STACK = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_OPERATIONS = ("create", "update", "replace", "delete")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One object that would change: `because` of which fields it is replaced, and the diff as `lines`."""

    operation: str
    kind: str
    name: str
    because: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule that was broken, where, and what to do."""

    policy: str
    level: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One stack. `errors` are the program's or the engine's; `base_error` says why nothing is compared.

    `unprotected` are objects that Pulumi would not delete before, and would now; `moved` are settings that
    point to another namespace or cluster.
    """

    stack: str
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    violations: tuple[Violation, ...] = ()
    errors: tuple[str, ...] = ()
    base_error: str = ""
    new: bool = False
    unprotected: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """Every stack, the commits that were compared, and the labels of the pull request."""

    base: str
    head: str
    previews: tuple[Preview, ...]
    labels: tuple[str, ...] = ()
    format: int = FORMAT


def written(report: Report) -> str:
    """Return the report as JSON; the same report gives the same bytes."""
    return json.dumps(dataclasses.asdict(report), indent=1, sort_keys=True) + "\n"


def read(text: str) -> Report:
    """Return the report in this JSON.

    Raises:
        UserError: when it is too long, or is anything but a report.
    """
    if len(text.encode("utf-8", "surrogatepass")) > _MOST_BYTES:
        raise _refused(f"a report of more than {_MOST_BYTES} bytes")
    try:
        report = _made(Report, json.loads(text))
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused(str(error)) from error
    if not isinstance(report, Report) or report.format != FORMAT:
        raise _refused("a report of another format")
    if len(report.previews) > _MOST_STACKS:
        raise _refused(f"a report of {len(report.previews)} stacks")
    for preview in report.previews:
        if not _STACK.fullmatch(preview.stack):
            raise _refused(f"a stack of the name {preview.stack[:100]!r}")
        if any(change.operation not in _OPERATIONS for change in preview.changes):
            raise _refused("an operation that is none")
    return report


def load(path: Path) -> Report:
    """Return the report in this file, which another program wrote.

    Raises:
        UserError: when it is no plain file, or see `read`.
    """
    if path.is_symlink() or not path.is_file():
        raise _refused(f"{path.name} is no file")
    if path.stat().st_size > _MOST_BYTES:
        raise _refused(f"a report of more than {_MOST_BYTES} bytes")
    try:
        return read(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise _refused(str(error)) from error


def _made(kind: Any, value: Any) -> Any:  # noqa: ANN401 - any type, any JSON
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        if not isinstance(value, dict) or set(value) - set(hints):
            raise ValueError(f"no {getattr(kind, '__name__', kind)}: {str(value)[:100]}")
        return kind(**{name: _made(hints[name], part) for name, part in value.items()})
    if typing.get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"no list: {str(value)[:100]}")
        return tuple(_made(typing.get_args(kind)[0], part) for part in value)
    if isinstance(kind, types.GenericAlias) or type(value) is not kind:
        raise ValueError(f"no {kind}: {str(value)[:100]}")
    if isinstance(value, str):
        value.encode("utf-8")
    return value


def _refused(found: str) -> UserError:
    return UserError(
        f"the report cannot be read: {found}",
        "it comes from a job that ran the pull request's own program, so only the expected shape is taken",
        "look at the job that wrote it; `make pull-request-preview` writes one here",
    )
