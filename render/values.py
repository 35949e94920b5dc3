"""New values for a store that has none yet: what Pulumi would have generated, for a rendering."""

import secrets
import string
from collections.abc import Mapping, Sequence

from components import scram

_LETTERS_AND_DIGITS = 40
_PASSWORD, _VERIFIER = "password", "verifier"


def fresh(entries: Mapping[str, Sequence[str]]) -> dict[str, dict[str, str]]:
    """A value for every property of every entry; a verifier is that of the password beside it."""
    found = {}
    for path, properties in entries.items():
        values = {name: _generated() for name in properties if name != _VERIFIER}
        if _VERIFIER in properties:
            values[_VERIFIER] = scram.verifier(values[_PASSWORD])
        found[path] = values
    return found


def _generated() -> str:
    alphabet = string.ascii_letters + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(_LETTERS_AND_DIGITS))
