"""The examples of docs/configuration.md, composed into as few stacks as they stand together in."""

from functools import cache
from typing import Any

import pulumi

from components.settings import examples, reader, reference

from .recorder import encode


def prefixed(sections: dict[str, Any]) -> dict[str, object]:
    """Return sections of settings as a stack's file has them."""
    return {f"feastflow:{name}": content for name, content in sections.items()}


def parse(sections: dict[str, Any]) -> None:
    """Read them as the program does; what is refused raises."""
    reader.parse({name: encode(content) for name, content in prefixed(sections).items()})


@cache
def stacks() -> tuple[dict[str, object], ...]:
    """Return configurations that have the accepted example of every key between them."""
    found: list[dict[str, Any]] = []
    for key in list(reference.keys()):
        example = examples.sections(key.name, key.accepted)
        for index, other in enumerate(found):
            both = _together(other, example)
            if both is not None and _is_accepted(both):
                found[index] = both
                break
        else:
            found.append(example)
    return tuple(map(prefixed, found))


def _is_accepted(sections: dict[str, Any]) -> bool:
    try:
        parse(sections)
    except pulumi.RunError:
        return False
    return True


def _together(first: Any, second: Any) -> Any:
    """Return both as one; None where they say different things of the same key."""
    if not isinstance(first, dict) or not isinstance(second, dict):
        return first if first == second else None
    both = {key: _together(first[key], second[key]) for key in first.keys() & second.keys()}
    return None if None in both.values() else {**first, **second, **both}
