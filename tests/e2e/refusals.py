"""What every refusal looks like: exit 2, and one message with what was found, why it matters, what to do."""

from .running import Ran


def assert_refused(ran: Ran, *, found: str, fix: str) -> None:
    """The command was refused, with these texts in the right paragraphs of its one message."""
    assert ran.code == 2, ran
    assert "Traceback" not in ran.text, ran
    message = ran.err.strip()
    for paragraph in ("error:", "matters:", "do this:"):
        assert message.count(paragraph) == 1, ran
    said, _, rest = message.partition("matters:")
    why, _, advice = rest.partition("do this:")
    assert said.startswith("error:"), ran
    assert found in said, ran
    assert why.strip(), ran
    assert fix in advice, ran
