"""The form of every refusal: exit 2, and one message with what was found, why it matters, what to do."""

import re

from .running import Ran


def assert_refused(ran: Ran, *, found: str, fix: str) -> None:
    """Assert that the command was refused, with these texts in the right paragraphs of its one message."""
    assert ran.code == 2, ran
    assert "Traceback" not in ran.text, ran
    parts = re.split(r"^(error|  matters|  do this): +", ran.err.strip(), flags=re.MULTILINE)
    assert len(parts) == 7, ran
    nothing, _, said, _, why, _, advice = parts
    assert nothing == "", ran
    assert found in said, ran
    assert why.strip(), ran
    assert fix in advice, ran
