"""An error of the user: exit 1, and one message with what was found, why it matters, what next."""

import re

from .running import Ran

_MESSAGE = re.compile(r"error\n  found: (?P<found>.+)\n  why:   (?P<why>.+)\n  next:  (?P<fix>.+)", re.DOTALL)


def assert_refused(ran: Ran, *, found: str, fix: str) -> None:
    """The command was refused, with these texts in the right paragraphs of its one message."""
    assert ran.code == 1, ran
    assert "Traceback" not in ran.text, ran
    message = _MESSAGE.fullmatch(ran.err.strip())
    assert message, ran
    assert found in message["found"], ran
    assert message["why"].strip(), ran
    assert fix in message["fix"], ran
