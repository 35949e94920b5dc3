"""kubectl, called with many objects at a time: what is live, and what the server would make of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.cli import listing
from tools.cli.drift.wanted import Key, Manifest, key
from tools.toolchain.kubectl import Kubectl

# Names the fields of a dry run apart from those of every manager that there may be.
LOOKING = "feastflow-drift"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Objects that the server answered with, and what it said of each of the others; by key."""

    objects: Mapping[Key, Manifest]
    problems: Mapping[Key, str]


@dataclass(frozen=True, kw_only=True)
class Objects:
    """One cluster's objects, asked for and put by `client`."""

    client: Kubectl

    def live(self, asked: Sequence[Manifest]) -> Answers:
        """Return the objects as they are; what is not there has neither an answer nor a problem."""
        names = [listing.reference(each) for each in asked]
        return self._asked(("get", "--ignore-not-found", "--show-managed-fields"), names)

    def would_apply(self, wanted: Sequence[Manifest]) -> Answers:
        """Return the objects as they would be with these fields applied; nothing is changed."""
        return self._asked((*_applying(LOOKING), "--dry-run=server", "--show-managed-fields"), wanted)

    def would_replace(self, wanted: Sequence[Manifest]) -> Answers:
        """Return the objects as they would be in place of those that are there; nothing is changed."""
        return self._asked(("replace", f"--field-manager={LOOKING}", "--dry-run=server"), wanted)

    def apply(self, wanted: Sequence[Manifest], manager: str) -> Answers:
        """Apply these fields as the manager's."""
        return self._asked(_applying(manager), wanted)

    def delete(self, named: Sequence[Manifest]) -> Answers:
        """Delete objects, and wait until they are deleted."""
        return self._asked(("delete", "--ignore-not-found"), named, output="name")

    def replace(self, wanted: Sequence[Manifest]) -> Answers:
        """Put objects in place of those there; refused where one changed since its resourceVersion."""
        return self._asked(("replace", f"--field-manager={LOOKING}"), wanted)

    def _asked(self, verb: Sequence[str], objects: Sequence[Manifest], *, output: str = "json") -> Answers:
        """Ask for all at once; where that fails, for halves of the rest, to find the one at fault."""
        if not objects:
            return Answers(objects={}, problems={})
        flags = ("--filename", "-", "--output", output)
        ended = self.client.ended(*verb, *flags, stdin=listing.text(objects))
        found = {key(each): each for each in _documents(ended.out)} if output == "json" else {}
        # An object may be there twice: a resource, and a patch of it.
        missing = [each for each in objects if key(each) not in found]
        if not ended.code or not missing:
            return Answers(objects=found, problems={})
        if len(missing) == 1 == len(objects):
            return Answers(objects=found, problems={key(missing[0]): _said(ended.err)})
        problems: dict[Key, str] = {}
        middle = (len(missing) + 1) // 2
        for half in (missing[:middle], missing[middle:]):
            answered = self._asked(verb, half, output=output)
            found.update(answered.objects)
            problems.update(answered.problems)
        return Answers(objects=found, problems=problems)


def sent(thing: Mapping[str, Any], *, guarded: bool = True) -> Manifest:
    """Return an object of the server's as it may be put: its managers are the server's to write.

    Its resourceVersion is the guard against a change in between; without it the object is put whatever it is.
    """
    left_out = {"managedFields"} if guarded else {"managedFields", "resourceVersion"}
    metadata = {name: part for name, part in thing["metadata"].items() if name not in left_out}
    return {**thing, "metadata": metadata}


def _applying(manager: str) -> tuple[str, ...]:
    return ("apply", "--server-side", "--force-conflicts", f"--field-manager={manager}")


def _documents(text: str) -> list[Manifest]:
    """Return the objects of one document, of a list, or of several documents in a row."""
    decoder, position = json.JSONDecoder(), 0
    found: list[Manifest] = []
    while position < len(text.rstrip()):
        document, position = decoder.raw_decode(text, position)
        found += document["items"] if document.get("kind") == "List" else [document]
        position += len(text[position:]) - len(text[position:].lstrip())
    return found


def _said(err: str) -> str:
    """Return the server's reason without kubectl's words around it, in one line."""
    lines: list[Any] = [line.strip() for line in err.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith("Warning:"))[-600:] or "no reason was given"
