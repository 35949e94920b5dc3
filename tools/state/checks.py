"""Checks of a move on the states that it finds, and messages on those that it does not touch."""

from __future__ import annotations

from tools.state import deployment
from tools.state.cli import At
from tools.state.deployment import Deployment
from tools.toolchain.errors import UserError


def whole(at: At) -> Deployment:
    """Return the state, if no run is in the middle of changing it.

    Raises:
        UserError: when it has steps whose end is not recorded.
    """
    exported = at.export()
    left = list(deployment.open_steps(exported))
    if left:
        raise UserError(
            f"{at.stack} has steps whose end is not recorded: {', '.join(left[:3])}",
            "a run was killed or goes on; Pulumi would forget these steps on the way to another place",
            f"let a run end them, and then move: make up STACK={at.stack}",
        )
    return exported


def compare(old: At, new: At) -> None:
    """Refuse a copy that differs in anything, secrets included, from what it was copied from."""
    found = deployment.differences(old.opened(), new.opened())
    if old.configuration() != new.configuration():
        found.append("the settings differ")
    if found:
        raise UserError(
            f"the copy in {new.place.url} is not what it was copied from\n" + "\n".join(found[:10]),
            "the stack would be taken for another one; it is used where it was",
            "see that nothing else writes there, and run it again: it is copied again",
        )


def changed(old: At) -> UserError:
    """Return what to tell about a state that was changed while it was copied."""
    return UserError(
        f"{old.stack} was changed in {old.place.url} while it was copied",
        "the copy lacks that change; the stack is used where it was",
        "wait until the other deployment is done, and run it again",
    )


def lost(new: At) -> UserError:
    """Return what to tell about a place that a state moved to and that does not have it."""
    return UserError(
        f"the state of {new.stack} has moved to {new.place.url}, which has no such stack",
        "what is recorded here is what it was then; a new stack would be taken for never deployed",
        f"bring it back: make backend-restore BACKEND='{new.place.url}' STACK={new.stack}",
    )


def others(new: At) -> UserError:
    """Return what to tell about a stack of the same name that is another one."""
    return UserError(
        f"{new.place.url} has a stack {new.stack} that is not this one",
        "there is one state to a stack's name; that one may describe something that others run",
        f"take a folder of its own (BACKEND=s3://bucket/folder), or remove it if it is not needed:\n"
        f"PULUMI_BACKEND_URL='{new.place.url}' pulumi stack rm --force --preserve-config {new.stack}",
    )
