"""Values of settings as refusals show them: short, and nothing that is or looks like a secret.

What a process is told (environment, arguments, commands) is never shown: it is where secrets are put by
mistake, whatever they are called.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, SecretStr

from .plaintext import looks_secret

HIDDEN = "[not shown]"
_LONGEST = 120
_TOLD = {"env", "secrets", "args", "command", "preStopCommand", "kubeconfig"}
# In a tier's secrets these say where a value is kept, and are none.
_WHERE = {"secret", "externalSecret"}


def shown(value: object, location: Sequence[str], *, section: bool = False) -> str:
    """Return the value that was found at this place, as JSON.

    In the place of a whole `section` a text is one that could not be read, and may hold anything.
    """
    if section and isinstance(value, str):
        return f"a text of {len(value)} characters, which is not shown"
    text = json.dumps(_without(value, tuple(location)), default=lambda _: HIDDEN)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _without(value: Any, location: tuple[str, ...]) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, BaseModel):
        value = {
            field.alias or name: getattr(value, name) for name, field in type(value).model_fields.items()
        }
    if isinstance(value, Mapping):
        return {key: _without(part, (*location, str(key))) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without(part, (*location, str(index))) for index, part in enumerate(value)]
    if value is None or isinstance(value, bool):
        return value
    return HIDDEN if _is_hidden(str(value), location) else value


def _is_hidden(text: str, location: tuple[str, ...]) -> bool:
    if _says_where(location):
        return looks_secret("where", text)
    if _TOLD.intersection(location):
        return True
    name = next((part for part in reversed(location) if not part.isdigit()), "")
    return looks_secret(name, text) or looks_secret(name, "x")


def _says_where(location: tuple[str, ...]) -> bool:
    """Return whether it is below a variable of `secrets` that names a Secret or a store."""
    if "secrets" not in location:
        return False
    below = location[location.index("secrets") + 2 :]
    return bool(below) and (below[0] in _WHERE or below == ("key",))
