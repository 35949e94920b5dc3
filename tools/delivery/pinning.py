"""Digests written into a stack's file next to the tags that it names; every other character stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import yaml

from tools.delivery import reference
from tools.delivery.reference import Reference
from tools.toolchain.errors import UserError

_KEY = "image"


@dataclass(frozen=True, kw_only=True)
class Pin:
    """An image setting. `after` is what is written; equal to `before` where it stays, and `why` says why."""

    setting: str
    before: str
    after: str
    why: str = ""


def pinned(
    text: str, project: str, digest: Callable[[Reference], str], *, again: bool
) -> tuple[str, list[Pin]]:
    """Return the file's text with digests, and what became of each image that it names.

    `digest` asks the registry. An image that has a digest is left, or with `again` gets the digest that its
    tag has now.

    Raises:
        UserError: when an image cannot be resolved; then nothing is to be written.
    """
    found = []
    # From the end: what is replaced moves nothing that is still to be replaced.
    for setting, node in sorted(_images(text, project), key=lambda each: -each[1].start_mark.index):
        pin = _pin(setting, str(node.value), digest, again=again)
        begin, end = node.start_mark.index, node.end_mark.index
        # Neither form needs an escape: a reference has no quotes. Plain text is one word.
        written = f"{node.style}{pin.after}{node.style}" if node.style in ("'", '"') else pin.after
        text = f"{text[:begin]}{written}{text[end:]}"
        found.append(pin)
    return text, found[::-1]


def _pin(setting: str, before: str, digest: Callable[[Reference], str], *, again: bool) -> Pin:
    image = reference.parse(before)
    if image.digest and not again:
        return Pin(setting=setting, before=before, after=before, why="has a digest")
    if image.digest and not image.tag:
        return Pin(setting=setting, before=before, after=before, why="has a digest and no tag")
    by_tag = reference.parse(before.partition("@")[0])
    return Pin(setting=setting, before=before, after=str(by_tag.at(digest(by_tag))))


def _images(text: str, project: str) -> Iterator[tuple[str, yaml.ScalarNode]]:
    """Yield every image that the settings of the project name, at any depth; what is encrypted is none."""
    try:
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise UserError(
            "the stack's file is one that the engine reads, and that cannot be changed in its place "
            f"({getattr(error, 'problem', None) or 'it is not YAML to others'})",
            "the digests are written between what stands there, and nothing else is to move",
            "give each anchor a name of its own, have one document in the file, or write digests yourself",
        ) from error
    for key, config in _pairs(document):
        if key == "config":
            for name, section in _pairs(config):
                if name.startswith(f"{project}:"):
                    yield from _within(name, section)


def _within(path: str, node: yaml.Node) -> Iterator[tuple[str, yaml.ScalarNode]]:
    for name, value in _pairs(node):
        if name == _KEY and isinstance(value, yaml.ScalarNode):
            yield f"{path}.{name}", value
        else:
            yield from _within(f"{path}.{name}", value)


def _pairs(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value
