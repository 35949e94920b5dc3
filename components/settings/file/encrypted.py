"""Encrypted settings: where they may stand, and what stands for them where there is no key. Pure.

A stack's file has `{secure: …}` in the place of each secret. The engine hands the program clear text and says
no more than which top-level key holds one, so that places are read from the file.
"""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..problem import problem
from ..values.tiers import OF_APPLICATION

Path = tuple[str, ...]

PROJECT = "feastflow"
_SECURE = "secure"
_SECRETS = "secrets"
_KUBECONFIG = ("kubernetes:kubeconfig",)
# Of an external server: the login's, or its administrator's.
_PASSWORDS: tuple[Path, ...] = (
    (f"{PROJECT}:database", "external", "password"),
    (f"{PROJECT}:database", "external", "administrator", "password"),
)
# Other programs' settings, such as a provider's, are for them to judge.
_OURS = (f"{PROJECT}:", "policies:", "kubernetes:")
_DIGITS = 12
_HIDDEN = "a secret, which is not shown"


def is_encrypted(value: object) -> bool:
    """Return whether this stands for a secret in a stack's file."""
    return isinstance(value, Mapping) and set(value) == {_SECURE} and isinstance(value[_SECURE], str)


def paths(config: Mapping[str, Any]) -> list[Path]:
    """Return where secrets are in the settings of a stack's file: full key first, then names and indexes."""
    return [
        path
        for key, value in config.items()
        for path in _below((key if ":" in key else f"{PROJECT}:{key}",), value)
    ]


def keys(config: Mapping[str, Any]) -> list[str]:
    """Return the top-level keys that hold a secret, which is all that the engine tells the program."""
    return list(dict.fromkeys(path[0] for path in paths(config)))


def stand_ins(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the settings with a name in each secret's place, which is another when the ciphertext is."""
    if is_encrypted(value):
        digest = hashlib.sha256(str(value[_SECURE]).encode()).hexdigest()
        return f"encrypted-{digest[:_DIGITS]}"
    if isinstance(value, Mapping):
        return {key: stand_ins(part) for key, part in value.items()}
    return [stand_ins(part) for part in value] if isinstance(value, list) else value


def at(config: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return what stands at a path that `paths` found."""
    first, *rest = path
    value: Any = config[first] if first in config else config[first.removeprefix(f"{PROJECT}:")]
    for part in rest:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def is_variable(path: Path) -> bool:
    """Return whether it is the place of one of the application's secrets."""
    return len(path) == 3 and path[1] == _SECRETS and path[0] in _full(OF_APPLICATION)  # noqa: PLR2004 - key, `secrets`, variable


def is_kept(path: Path) -> bool:
    """Return whether what stands there goes into a Secret, and nowhere in plain text."""
    return is_variable(path) or path in _PASSWORDS


def misplaced(found: Sequence[Path]) -> list[str]:
    """Return a refusal for each secret that would end in plain text, with the place that is meant."""
    return [
        _refusal(path)
        for path in found
        if path[0].startswith(_OURS) and not is_kept(path) and path != _KUBECONFIG
    ]


def tells_of(places: Sequence[Path], secret_keys: Sequence[str]) -> bool:
    """Return whether a file with secrets in these places can be the one that is in force.

    The connection may be another one there: tools deploy by their own.
    """
    ours = (f"{PROJECT}:", "policies:")
    return {path[0] for path in places if path[0].startswith(ours)} == {
        key for key in secret_keys if key.startswith(ours)
    }


def problems(
    values: Mapping[str, Any], secret_keys: Sequence[str], places: Sequence[Path] | None
) -> list[str]:
    """Return a refusal for each secret in a wrong place, and for each of the application's in plain text.

    `values` are the settings by short key, in clear; `secret_keys` the full keys that hold secrets; `places`
    where the stack's file has them, None where there is none. A file that tells of other keys is not the one
    that is in force: then a secret of a tier is taken for one of its `secrets`, if it has any there.
    """
    own = [_variable(tier, name) for tier in OF_APPLICATION for name in _texts(values, tier)]
    own += [path for path in _PASSWORDS if _is_text(values, path)]
    if places is not None and tells_of(places, secret_keys):
        return [*misplaced(places), *map(_in_plain, (path for path in own if path not in places))]
    fine = {*_KUBECONFIG, *(path[0] for path in own)}
    wrong = [_refusal((key,)) for key in secret_keys if key.startswith(_OURS) and key not in fine]
    return [*wrong, *map(_in_plain, (path for path in own if path[0] not in secret_keys))]


def _in_plain(path: Path) -> str:
    return problem(
        called(path),
        found="a value that is not encrypted, and is not shown",
        why="the stack's file holds it in plain text, for everyone who reads the repository",
        fix=f"pulumi config set --secret --path {shlex.quote(called(path))}, with another value: "
        "this one has been written down",
    )


def _texts(values: Mapping[str, Any], tier: str) -> list[str]:
    """Return the variables of the tier's secrets whose value is in the settings themselves."""
    section = values.get(tier)
    found = section.get(_SECRETS) if isinstance(section, Mapping) else None
    return (
        [name for name, each in found.items() if not isinstance(each, Mapping)]
        if isinstance(found, Mapping)
        else []
    )


def _is_text(values: Mapping[str, Any], path: Path) -> bool:
    value: Any = values.get(path[0].removeprefix(f"{PROJECT}:"))
    for part in path[1:]:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value is not None and not isinstance(value, Mapping)


def _variable(tier: str, name: str) -> Path:
    return (f"{PROJECT}:{tier}", _SECRETS, name)


def _full(tiers: Sequence[str]) -> list[str]:
    return [f"{PROJECT}:{tier}" for tier in tiers]


def _below(path: Path, value: object) -> Iterator[Path]:
    if is_encrypted(value):
        yield path
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _below((*path, str(key)), part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _below((*path, str(index)), part)


def _refusal(path: Path) -> str:
    tier = path[0].removeprefix(f"{PROJECT}:")
    meant = _variable(
        tier if tier in OF_APPLICATION else "backend", path[-1] if _is_environment(path) else "NAME"
    )
    remove = f"pulumi config rm {'--path ' if len(path) > 1 else ''}{shlex.quote(called(path))}"
    return problem(
        called(path),
        found=_HIDDEN,
        why="only the secrets of a tier stay secret; anything else goes in plain text into the state, its "
        "history and the objects that are made of it",
        fix=f"{remove}; a variable of the application that must stay secret belongs here: "
        f"pulumi config set --secret --path {called(meant)}",
    )


def _is_environment(path: Path) -> bool:
    return len(path) > 2 and path[-2] == "env"  # noqa: PLR2004 - key, `env`, variable


def called(path: Path) -> str:
    """Return the path as `pulumi config set --path` takes it."""
    return path[0] + "".join(map(_step, path[1:]))


def _step(part: str) -> str:
    if part.isdigit():
        return f"[{part}]"
    return f".{part}" if part.replace("_", "").replace("-", "").isalnum() else f"[{json.dumps(part)}]"
