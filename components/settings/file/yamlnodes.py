"""A YAML document as nodes, from libyaml's events, of which the engine's parser is a translation.

What PyYAML's own composer refuses and the engine does not (an anchor that is given twice), and what it does
not tell (an alias, a tag that is only `!`), is here as the engine has it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import yaml

_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VERSION = (1, 1)
TEXT = "tag:yaml.org,2002:str"
# An escape of YAML 1.2 that libyaml reads and its translation does not.
_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
# A tag that only says that there is one.
_NONE = "!"

Kind = Literal["scalar", "sequence", "mapping"]


class SyntaxProblem(ValueError):  # noqa: N818 - raised again as the reader's own error
    """An error of the engine's parser, and its place."""

    def __init__(self, why: str, line: int | None) -> None:
        super().__init__(why)
        self.line = line


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One value. A scalar that is plain and has no tag has none here either; `line` counts from 1.

    `pairs` are a mapping's, `items` a sequence's; each says whether it stands there as an alias.
    """

    kind: Kind
    line: int
    text: str = ""
    tag: str | None = None
    items: list[tuple["Node", bool]] = field(default_factory=list)

    @property
    def pairs(self) -> Iterator[tuple[tuple["Node", bool], tuple["Node", bool]]]:
        """Return keys and values in turn."""
        return zip(self.items[::2], self.items[1::2], strict=True)


def first(content: bytes | str) -> Node | None:
    """Return the first document; what stands behind it is not read.

    Raises:
        SyntaxProblem: when it is not YAML to the engine.
    """
    try:
        return _composed(_escaped(_events(content), content))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        why = ": ".join(str(part) for part in (error.context, error.problem) if part)
        raise SyntaxProblem(why, mark.line + 1 if mark else None) from None
    except (yaml.YAMLError, UnicodeError):
        raise SyntaxProblem("it holds bytes that are no text", None) from None


def _events(content: bytes | str) -> Iterator[Any]:
    parser = _PARSER(content)
    try:
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, yaml.DocumentEndEvent):
                return
            yield event
    finally:
        parser.dispose()


def _escaped(events: Iterator[Any], content: bytes | str) -> Iterator[Any]:
    """Pass the events on; refuse an escape in double quotes that the engine does not know."""
    text = content if isinstance(content, str) else content.decode("utf-8-sig", errors="replace")
    for event in events:
        if isinstance(event, yaml.ScalarEvent) and event.style == '"':
            start, end = event.start_mark, event.end_mark
            if start and end and _SLASH.search(text[start.index : end.index]):
                raise SyntaxProblem("found unknown escape character: a slash needs none", _line(event))
        yield event


def _composed(events: Iterator[Any]) -> Node | None:
    anchors: dict[str, Node] = {}
    stack: list[Node] = []
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            alias = isinstance(event, yaml.AliasEvent)
            node = _aliased(event, anchors, stack) if alias else _node(event)
            if event.anchor and not alias:
                anchors[event.anchor] = node
            if stack:
                stack[-1].items.append((node, alias))
            root = root or node
            if node.kind != "scalar" and not alias:
                stack.append(node)
        elif isinstance(event, yaml.DocumentStartEvent) and event.version not in (None, _VERSION):
            raise SyntaxProblem("the engine reads %YAML 1.1 alone", _line(event))
    return root


def _aliased(event: Any, anchors: dict[str, Node], around: list[Node]) -> Node:  # noqa: ANN401 - an event
    node = anchors.get(event.anchor)
    if node is None or node in around:
        why = "an anchor contains itself" if node else "an alias is of an anchor that is not there"
        raise SyntaxProblem(why, _line(event))
    return node


def _line(event: Any) -> int:  # noqa: ANN401 - one of the library's events
    return int(event.start_mark.line) + 1


def _node(event: Any) -> Node:  # noqa: ANN401 - one of the library's events
    line = _line(event)
    if not isinstance(event, yaml.ScalarEvent):
        return Node(kind="mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence", line=line)
    quoted = bool(event.style and event.style in "'\"|>")
    tag = event.tag
    if tag in (None, _NONE):
        tag = TEXT if quoted else None
    return Node(kind="scalar", line=line, text=event.value, tag=tag)
