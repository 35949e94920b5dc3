"""Text of others as a line of a terminal: nothing in it moves the cursor, colours, or hides what follows."""

import unicodedata
from collections.abc import Iterator

_CUT = "..."
# Control and format characters (escapes, directions of writing), halves of characters, private and unassigned
# ones, and separators of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SPACES = {"\t", "\n", "\r"}


def line(text: str, width: int) -> str:
    r"""Return it in at most so many characters, cut at the end; what is unseen is written out, as `\x1b`."""
    begun = text[: width + 1].strip()
    shown = "".join(_shown(begun))
    if len(shown) <= width and len(text) <= width + 1:
        return shown
    return shown[: max(0, width - len(_CUT))] + _CUT


def _shown(text: str) -> Iterator[str]:
    for character in text:
        if character in _SPACES:
            yield " "
        elif unicodedata.category(character) in _UNSEEN:
            yield character.encode("unicode_escape").decode()
        else:
            yield character
