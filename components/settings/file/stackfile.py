"""A stack's file (`Pulumi.STACK.yaml`) as Pulumi's engine reads it: one reader for every command.

What its nodes mean is the engine's own (see `yamlscalars`). Also here: the writer, whose text the engine
reads as the same values, and what of a file arrives at the program as another text than it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from ..problem import problem
from . import encrypted, yamlnodes, yamlscalars
from .encrypted import PROJECT
from .yamlnodes import Node

_CONFIG = "config"
_MERGE = "<<"
_MERGE_TAG = "tag:yaml.org,2002:merge"
# The document, and `config`, have no other keys than texts; a setting stands right below.
_NAMED, _SETTING = 2, 2
# Below these keys each value is a text that a process is told.
_TOLD = ("env", "args", "command", "preStopCommand")
# The engine's own guard against a few lines that stand for a whole memory.
_MANY, _MANY_ALIASED, _SHARE = 1000, 100, 0.99
_LARGEST = 2**63 - 1
# Why a text that is altered matters, and what to do.
_FORM = (
    "a number, a moment or a switch without quotes loses its form, and so the process gets another text",
    "quote it in the stack's file, so that it arrives as it is written",
)
_FIRST_LINE = (
    "a text that begins with an empty line loses that line on its way through the engine, quoted or not",
    "begin it with the first line that says something",
)

_Path = tuple[str, ...]


class StackFileError(ValueError):
    """A file that the engine does not read as settings; it says where and why, and shows no value."""

    def __init__(self, why: str, line: int | None = None, *, syntax: bool = False) -> None:
        super().__init__(f"{why} (line {line})" if line else why)
        self._syntax = syntax

    def of(self, name: str) -> str:
        """Return what is wrong with the file of this name."""
        if self._syntax:
            return f"{name} is not YAML: {self}"
        return f"{name} {self}" if str(self).startswith("holds ") else f"{name}: {self}"

    def words(self, name: str) -> tuple[str, str, str]:
        """Return what was found in the file of this name, why it matters, and what to do."""
        return (
            self.of(name),
            "Pulumi would not read it either, so nothing can be deployed",
            f"fix {name}: it begins with `config:`, and below it one `feastflow:…:` a setting",
        )


@dataclass(frozen=True, kw_only=True)
class Altered:
    """A scalar that arrives at the program as another text than was written.

    `first_line` says that what it loses is an empty line at its beginning, which no quotes keep.
    """

    path: _Path
    line: int
    first_line: bool = False


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """The content of a file. `config` has the settings by full key (`feastflow:edge`), `rest` all else."""

    config: dict[str, Any] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)
    altered: tuple[Altered, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """Return the whole document, to be written."""
        return {**self.rest, **({_CONFIG: self.config} if self.config else {})}


def read(content: bytes | str) -> StackFile:
    """Return what a stack's file says.

    Raises:
        StackFileError: where the engine would not read it either, or in one of two ways by chance.
    """
    reader = _Reader()
    try:
        root = yamlnodes.first(content)
        document = None if root is None else reader.value(root, alias=False, path=())
    except yamlnodes.SyntaxProblem as problem:
        raise StackFileError(str(problem), problem.line, syntax=True) from None
    except RecursionError:
        raise StackFileError("its values are nested too deeply") from None
    if document is None:
        return StackFile()
    if not isinstance(document, dict):
        raise StackFileError(f"holds {_kind(document)} where settings belong")
    config = document.pop(_CONFIG, None)
    if config is not None and not isinstance(config, dict):
        raise StackFileError(f"holds {_kind(config)} where settings belong, below `config`")
    named: dict[str, Any] = {}
    for key, value in (config or {}).items():
        full = _full(key)
        if full in named:
            raise StackFileError(f"{full} is there twice, once without its namespace")
        # The engine has nothing as an empty text.
        named[full] = "" if value is None else value
    altered = (
        replace(each, path=(_full(each.path[1]), *each.path[2:]))
        for each in reader.altered
        if each.path[0] == _CONFIG and set(_TOLD) & set(each.path[_SETTING:])
    )
    return StackFile(config=named, rest=document, altered=tuple(altered))


def load(path: Path) -> StackFile:
    """Return what the file at a path says.

    Raises:
        StackFileError: as `read` does, and where there is no file that can be opened.
    """
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise StackFileError(f"it cannot be opened ({error.strerror})") from None


def stack(path: Path) -> str:
    """Return the name of the stack whose file this is; it may have dots."""
    return path.name.removeprefix("Pulumi.").removesuffix(".yaml")


def write(document: Mapping[str, Any]) -> str:
    """Return a file that the engine reads as this document."""
    return str(yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False))


def problems(file: StackFile) -> list[str]:
    """Return a refusal for each text that would arrive as another one."""
    return [
        problem(
            encrypted.called(each.path),
            found=f"a value, in line {each.line}, that Pulumi reads as another text than is written",
            why=_FIRST_LINE[0] if each.first_line else _FORM[0],
            fix=_FIRST_LINE[1] if each.first_line else _FORM[1],
        )
        for each in file.altered
    ]


def _full(key: str) -> str:
    parts = key.split(":")
    if len(parts) == 1:
        return f"{PROJECT}:{key}"
    if len(parts) == 3 and parts[1] == _CONFIG:  # noqa: PLR2004 - an older form of the same key
        return f"{parts[0]}:{parts[2]}"
    if len(parts) != 2:  # noqa: PLR2004 - namespace and name
        raise StackFileError(f"{key} is no key of a setting, which is a namespace, a colon and a name")
    return key


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


class _Reader:
    def __init__(self) -> None:
        self.altered: list[Altered] = []
        self._count = self._aliased = self._depth = 0

    def value(self, node: Node, *, alias: bool, path: _Path) -> Any:  # noqa: ANN401 - JSON of any shape
        self._depth += alias
        self._count += 1
        self._aliased += self._depth > 0
        if self._aliased > _MANY_ALIASED and self._count > _MANY and self._aliased > self._count * _SHARE:
            raise StackFileError("its anchors stand for too much", node.line)
        if node.kind == "scalar":
            found: Any = self._scalar(node, path)
        elif node.kind == "mapping":
            found = self._mapping(node, path)
        else:
            found = [
                self.value(each, alias=again, path=(*path, str(index)))
                for index, (each, again) in enumerate(node.items)
            ]
        self._depth -= alias
        return found

    def _scalar(self, node: Node, path: _Path) -> yamlscalars.Scalar:
        value = _read(node)
        if isinstance(value, int) and value > _LARGEST and len(path) > _SETTING:
            # In an object it is a fraction on the way.
            value = yamlscalars.arriving(float(value))
        told = node.tag in (None, yamlnodes.TEXT) and value is not None
        if told and len(path) > _SETTING and _text(value) != node.text:
            lost = node.tag == yamlnodes.TEXT and node.text.startswith("\n")
            self.altered.append(Altered(path=path, line=node.line, first_line=lost))
        return value

    def _mapping(self, node: Node, path: _Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: list[tuple[Node, bool]] = []
        written: set[str] = set()
        for (key, _), (value, alias) in node.pairs:
            if key.kind != "scalar" or key.text in written:
                what = "a key is no text" if key.kind != "scalar" else f"the key {key.text} is there twice"
                raise StackFileError(what, key.line)
            written.add(key.text)
            if key.text == _MERGE and key.tag in (None, _MERGE_TAG):
                merged = _merged(value, alias=alias)
                continue
            name = _key(key, path)
            found[name] = self.value(value, alias=alias, path=(*path, name))
        for below, alias in merged:
            # The first one wins, and what is written next to it always does.
            found = {**self.value(below, alias=alias, path=path), **found}
        return found


def _read(node: Node) -> yamlscalars.Scalar:
    try:
        return yamlscalars.read(node.text, node.tag)
    except yamlscalars.ScalarError as error:
        raise StackFileError(str(error), node.line) from None


def _merged(value: Node, *, alias: bool) -> list[tuple[Node, bool]]:
    nodes = value.items if value.kind == "sequence" and not alias else [(value, alias)]
    if any(each.kind != "mapping" for each, _ in nodes):
        raise StackFileError("what is merged is no mapping", value.line)
    return nodes


def _key(node: Node, path: _Path) -> str:
    name = _read(node)
    if isinstance(name, str) and name != _MERGE:
        return name
    # Further down Go prints what is no text, and numbers in a form of its own.
    if len(path) < _NAMED or isinstance(name, str | float) or yamlscalars.is_fraction(node.text):
        raise StackFileError("a key is no text", node.line)
    return "<nil>" if name is None else _text(name)


def _text(value: yamlscalars.Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class _Dumper(yaml.SafeDumper):
    """Texts that the engine would take for something else are quoted, and nothing is an anchor."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ANN401, ARG002 - the library's own
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = None if yamlscalars.is_plain_text(text) else '"'
    return dumper.represent_scalar(yamlnodes.TEXT, yamlscalars.departing(text), style=style)


_Dumper.add_representer(str, _string)
