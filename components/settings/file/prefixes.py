"""Namespaces of a stack's settings: those that are ours, and those that were most probably meant to be. Pure.

Whatever stands before another colon is another program's, such as a provider's, and for it to judge.
"""

import difflib
import shlex
from collections.abc import Iterable, Mapping, Sequence

from ..problem import problem
from ..values.tiers import OF_APPLICATION
from .encrypted import PROJECT

_PROVIDER, _RULES = "kubernetes", "policies"
# The program's one provider is told these two, and asks for no other setting.
_CONNECTION = ("context", "kubeconfig")
# No other program has sections that are called so.
_SECTIONS = (*OF_APPLICATION, "edge", "tenancy")
_LIKE = 0.7
_IGNORED = "it would be ignored, and the value you set would not be in force"


def problems(keys: Iterable[str], known: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Return a refusal for each key that nothing reads and that was meant for us.

    `known` are the settings of our namespaces, for what is to be told of them.
    """
    settings = {_PROVIDER: _CONNECTION, **(known or {})}
    return [_problem(key, settings) for key in keys if _is_lost(key)]


def _is_lost(key: str) -> bool:
    prefix, _, name = key.partition(":")
    if prefix == _PROVIDER:
        return name not in _CONNECTION
    return prefix not in (PROJECT, _RULES) and bool(_meant(prefix, name))


def _meant(prefix: str, name: str) -> str:
    near = difflib.get_close_matches(prefix.lower(), (PROJECT, _RULES, _PROVIDER), n=1, cutoff=_LIKE)
    return near[0] if near else PROJECT if name in _SECTIONS else ""


def _problem(key: str, settings: Mapping[str, Sequence[str]]) -> str:
    prefix, _, name = key.partition(":")
    namespace = prefix if prefix == _PROVIDER else _meant(prefix, name)
    names = settings.get(namespace, ())
    near = difflib.get_close_matches(name, names, n=1) or ([] if names else [name])
    hint = f"did you mean `{namespace}:{near[0]}`? " if near else ""
    known = f" (known here: {', '.join(f'{namespace}:{each}' for each in names)})" if names else ""
    return problem(
        key,
        found="a key that does not exist" if prefix == _PROVIDER else f"a namespace that is not {namespace}",
        why=_IGNORED,
        fix=f"{hint}pulumi config rm {shlex.quote(key)}{known}",
    )
