"""The tombstone that a move leaves on the old state: a lock of Pulumi's own, whose owner says where it went.

Every command of Pulumi that writes a state looks for locks first and prints their owners. Reading goes on as
before: the copy may be compared, and moved back to. `pulumi cancel` removes it, as any lock. Pure; `burial`
reads and writes it.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from tools.state.address import parse
from tools.state.place import Place
from tools.toolchain.errors import UserError

NAME = "moved.json"
# What Pulumi prints of a lock: `created by USERNAME@HOSTNAME (pid N) at TIME`.
_OWNER = "the move of this stack to {to} (deploy there, and do not cancel this lock), by {user}"
_SAID = re.compile(
    r"created by the move of this stack to (?P<to>.+?) \(deploy [^)]*\), by (?P<by>.+?) \(pid 0\) "
    r"at (?P<since>\S+)"
)


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """The destination of a state, its mover and the time; `fingerprint` is of the state that was left.

    `followed` says that another machine uses the state there: from then on the move cannot be undone.
    """

    to: str
    by: str
    since: str
    fingerprint: str = ""
    followed: bool = False

    @property
    def content(self) -> str:
        """Return the lock's content: what Pulumi prints, and the same for this program."""
        user, _, host = self.by.rpartition("@")
        known = {"movedTo": self.to, "movedBy": self.by, "fingerprint": self.fingerprint}
        used = {"followed": self.followed}
        owner = {"pid": 0, "username": _OWNER.format(to=self.to, user=user), "hostname": host}
        return json.dumps({**owner, "timestamp": self.since, **known, **used}, indent=2)

    def left_by(self, begun: Place) -> bool:
        """Return whether a move to this place, which was cut off, left it and can still be undone."""
        return self.leads_to(begun) and not self.followed

    def leads_to(self, there: Place) -> bool:
        """Return whether the state went to this place, by whatever options it is reached."""
        ours, theirs = there.address, parse(self.to) if self.to.startswith("s3:") else None
        return self.to == there.url if ours is None or theirs is None else ours.same(theirs)

    def refused(self, stack: str, here: str, chosen: str | None = None) -> UserError:
        """Return what to tell the user of the old place, `here`.

        `chosen` is what follows a `make` command that is about this stack on this cluster.
        """
        which = f" STACK={stack}" if chosen is None else chosen
        there = shlex.quote(self.to)
        cancel = f"pulumi cancel --yes {stack}"
        cancel = f"PULUMI_BACKEND_URL={shlex.quote(here)} {cancel}" if here else cancel
        return UserError(
            f"the state of {stack} has moved to {self.to}\nby {self.by}, at {self.since}",
            "what is recorded here is what it was then; a deployment from it would undo what was done since",
            f"use it there: make backend BACKEND={there}{which}\n"
            f"and where Pulumi is used by itself, in CI for instance: PULUMI_BACKEND_URL={there}"
            if self.to.startswith("s3:")
            else f"it is in the files of that machine: have it moved to where all can use it,\n"
            f"make backend BACKEND=s3://my-company-pulumi-state{which}\n"
            f"If those files are lost, and only then, use what is recorded here: {cancel}",
        )


def said(text: str) -> Tombstone | None:
    """Return the tombstone in pulumi's message about locks, if there is one."""
    found = _SAID.search(text)
    return Tombstone(to=found["to"], by=found["by"], since=found["since"]) if found else None


def path(project: str, stack: str) -> str:
    """Return where Pulumi looks for the locks of a stack, with the tombstone's name."""
    return f".pulumi/locks/organization/{project}/{stack}/{NAME}"


def read(content: str) -> Tombstone | None:
    """Return the tombstone with this content, or None where it is none."""
    try:
        known = json.loads(content)
        return Tombstone(
            to=known["movedTo"],
            by=known["movedBy"],
            since=known["timestamp"],
            fingerprint=known["fingerprint"],
            followed=known["followed"] is True,
        )
    except (ValueError, KeyError, TypeError):
        return None
