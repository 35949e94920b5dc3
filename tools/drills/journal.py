"""The journal of what is broken and not repaired yet: a drill that is cut off is undone by the next run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.toolchain import cache, private
from tools.toolchain.errors import UserError

Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A drill under way. `facts` are what its undo needs, as JSON."""

    drill: str
    stack: str
    facts: Facts


@dataclass(frozen=True, kw_only=True)
class Journal:
    """One cluster's; one drill at a time."""

    path: Path

    def begin(self, entry: Entry) -> None:
        """Write down, before anything is broken, how it is repaired."""
        document = {"drill": entry.drill, "stack": entry.stack, "facts": entry.facts}
        private.write(self.path, json.dumps(document), durable=True)

    def open(self) -> Entry | None:
        """Return what is still to be undone; None when nothing is.

        Raises:
            UserError: when it cannot be read.
        """
        if not self.path.exists():
            return None
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return Entry(drill=found["drill"], stack=found["stack"], facts=_mapping(found["facts"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{self.path} cannot be read: {error}",
                "it says how to undo a drill that was cut off",
                f"see that the cluster is whole (make status), then delete it: rm {self.path}",
            ) from error

    def end(self) -> None:
        """Note that all is repaired."""
        self.path.unlink(missing_ok=True)


def of(cluster: str) -> Journal:
    """Return the journal for the drills on a cluster."""
    return Journal(path=cache.state_home() / "drills" / f"{cluster}.json")


def _mapping(found: object) -> Facts:
    if not isinstance(found, Mapping):
        raise TypeError(f"facts are {found!r}")
    return dict(found)
