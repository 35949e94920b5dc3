"""References inside values: each one means a variable that is there, or is refused before anything starts."""

import difflib
import re
from collections.abc import Collection, Mapping, Sequence

from pydantic import SecretStr
from pydantic_core import PydanticCustomError

from ..values import expansion
from .base import refuse
from .jobs import Job
from .release import Version
from .workload import Workload

_LEAST_LIKENESS = 0.6
# No shell runs a command of such a name, so `$(NAME)` of it is meant for the kubelet.
_LIKE_A_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,63}")


def check(
    tier: Workload,
    contract: Sequence[str],
    jobs: Mapping[str, Job] | None = None,
    commands: Mapping[str, Sequence[str] | None] | None = None,
) -> None:
    """Refuse references to variables that the container has not, and those that lead back to themselves.

    The tier's own, those of its second version and of its `jobs`; `commands` are further ones by their keys.

    Raises:
        PydanticCustomError: with the nearest name.
    """
    common = {*expansion.KUBELETS, *contract, *(tier.env_names.get(name, name) for name in contract)}
    common |= {*tier.secrets, *(tier.ca_bundle.variables if tier.ca_bundle else ())}
    release = tier.release
    _texts(tier, {*common, *tier.env})
    _environment("env", tier.env, {}, common)
    _commands(
        {
            "command": tier.command,
            "args": tier.args,
            **(commands or {}),
        },
        {*common, *tier.env},
    )
    serving = tier.env
    for key, version in (("green", release.green), ("canary", release.canary)):
        if version is None:
            continue
        merged = _version(f"release.{key}", version, tier.env, common)
        serving = merged if release.active == key else serving
    for name, job in (jobs or {}).items():
        _version(f"jobs.{name}", job, serving, common)


def _version(
    place: str, version: Version | Job, base: Mapping[str, str], common: Collection[str]
) -> dict[str, str]:
    merged = {**base, **version.env}
    _environment(f"{place}.env", version.env, base, common)
    words = {f"{place}.command": version.command, f"{place}.args": version.args}
    _commands(words, {*common, *merged})
    return merged


def _environment(
    place: str, own: Mapping[str, str], base: Mapping[str, str], common: Collection[str]
) -> None:
    merged = {**base, **own}
    known = {*common, *merged}
    for name, text in own.items():
        if expansion.is_open(text):
            raise refuse(
                "a reference begins with `$(` and is never closed, so the process would be told it as it "
                "stands",
                "close it, as in $(NAME); what should stay as it stands is written $$(",
                at=f"{place}.{name}",
            )
        for other in expansion.references(text):
            if other not in known:
                raise _unknown(other, known, f"{place}.{name}")
    try:
        expansion.ordered(merged)
    except expansion.CycleError as error:
        circle = error.names[:-1]
        at = next(index for index, name in enumerate(circle) if name in own)
        first, *others = (*circle[at:], *circle[: at + 1])
        way = " → ".join((first, *others))
        raise refuse(
            f"the variables refer to each other ({way}), so none of them can be the first to have a value",
            "give one of them a value of its own",
            at=f"{place}.{first}",
        ) from None


def _unknown(name: str, known: Collection[str], at: str) -> PydanticCustomError:
    folded = {each.casefold(): each for each in sorted(known)}
    near = difflib.get_close_matches(name.strip().casefold(), folded, n=1, cutoff=_LEAST_LIKENESS)
    hint = f"did you mean $({folded[near[0]]})? " if near else ""
    called = f"of the name {name}" if _NAME.fullmatch(name) else "of that name"
    return refuse(
        f"it refers to a variable {called}, and the container has none, so the process would be told the "
        "reference itself",
        f"{hint}write a variable that is there; what should stay as it stands is written $$(…)",
        at=at,
    )


def _commands(commands: Mapping[str, Sequence[str] | None], known: Collection[str]) -> None:
    for place, words in commands.items():
        for index, word in enumerate(words or ()):
            for name in expansion.references(word):
                if name not in known and _LIKE_A_VARIABLE.fullmatch(name):
                    raise _unknown(name, known, f"{place}.{index}")


def _texts(tier: Workload, known: Collection[str]) -> None:
    """Refuse references where the kubelet expands nothing."""
    for name, source in tier.secrets.items():
        if isinstance(source, SecretStr) and _refers(source.get_secret_value(), known):
            raise refuse(
                "it refers to another variable, and Kubernetes expands nothing in the value of a Secret",
                f"make env.{name} of it, in plain text, and keep only the secret parts in secrets",
                at=f"secrets.{name}",
            )
    for index, word in enumerate(tier.shutdown.pre_stop_command or ()):
        if _refers(word, known):
            raise refuse(
                "it refers to a variable, and Kubernetes expands nothing in a command that runs before the "
                "end of a container",
                'let a shell do it: ["sh", "-c", "… $NAME"]',
                at=f"shutdown.preStopCommand.{index}",
            )


def _refers(text: str, known: Collection[str]) -> bool:
    return any(name in known for name in expansion.references(text))
