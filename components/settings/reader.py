"""Stack configuration, read once into one frozen model, or refused.

The only reader of Pulumi's configuration. Every refusal is one `pulumi.RunError`, which the CLI prints
without a traceback: the key, the value found, why it matters, and the command that sets one that works.
"""

import datetime as dt
import difflib
import json
import re
import shlex
import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from policies import configuration
from policies.configuration import Configuration, ConfigurationError
from policies.table import known

from . import deviations, plaintext, unset
from .file import encrypted, prefixes, stackfile
from .file.encrypted import PROJECT
from .file.stackfile import StackFile
from .model.base import REFUSED, model_in
from .model.secrets import FORMS
from .model.stack import Kubeconfig, Stack
from .problem import problem
from .shown import shown

_HEAD = "The stack's configuration cannot be deployed; nothing was changed."
_PROVIDER = "kubernetes"
_LEAST_LIKENESS = 0.6
# No setting has a tenth of it.
_DEEPEST = 100
_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*"')


def load() -> tuple[Stack, Kubeconfig, Configuration]:
    """Return the current stack's settings, the cluster it names, and its levels and exemptions of the rules.

    Raises:
        pulumi.RunError: with every problem found, when any value must not be deployed.
    """
    raw = pulumi.runtime.config.CONFIG.get()
    secret = [key for key in raw if pulumi.runtime.config.is_config_secret(key)]
    file = _file(secret)
    if file and (altered := stackfile.problems(_in_force(file, raw))):
        raise pulumi.RunError("\n\n".join([_HEAD, *altered]))
    return parse(raw, secret_keys=secret, places=encrypted.paths(file.config) if file else None)


def is_secret(key: str) -> bool:
    """Return whether the engine has the value of a full key as a secret."""
    return bool(pulumi.runtime.config.is_config_secret(key))


def whole() -> dict[str, str]:
    """Return every setting of the current stack by its full key, secrets too, but for the connection.

    The names of contexts differ from machine to machine, and the cluster does not.
    """
    raw = pulumi.runtime.config.CONFIG.get()
    return {key: raw[key] for key in sorted(raw) if not key.startswith(f"{_PROVIDER}:")}


def parse(
    raw: Mapping[str, str],
    *,
    secret_keys: Sequence[str] = (),
    places: Sequence[encrypted.Path] | None = None,
) -> tuple[Stack, Kubeconfig, Configuration]:
    """Read as `load` does, from a mapping of full keys (`feastflow:edge`) to texts, as the engine has them.

    `secret_keys` hold secrets, `places` says where in them, None where that is not known.

    Raises:
        pulumi.RunError: see `load`.
    """
    if deep := [key for key in sorted(raw) if _is_deep(raw[key])]:
        raise pulumi.RunError("\n\n".join([_HEAD, *map(_too_deep, deep)]))
    values = {
        key.removeprefix(f"{PROJECT}:"): _decode(key.removeprefix(f"{PROJECT}:"), text)
        for key, text in raw.items()
        if key.startswith(f"{PROJECT}:")
    }
    cluster = Kubeconfig(
        context=raw.get(f"{_PROVIDER}:context"), kubeconfig=raw.get(f"{_PROVIDER}:kubeconfig")
    )
    fields = [field.alias or name for name, field in Stack.model_fields.items()]
    wrong = [
        *prefixes.problems(sorted(raw), {PROJECT: fields}),
        *encrypted.problems(values, secret_keys, places),
    ]
    if wrong:
        raise pulumi.RunError("\n\n".join([_HEAD, *wrong]))
    try:
        rules = configuration.parse(raw, known())
        stack = Stack.model_validate(values, by_alias=True, by_name=False)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        problems = [_problem(details) for details in errors]
        if any(details["type"] == "missing" for details in errors):
            # A stack that has not been set up yet: all that it must be told.
            problems += unset.problems(raw)
        raise pulumi.RunError("\n\n".join([_HEAD, *problems])) from None
    except ConfigurationError as error:
        raise pulumi.RunError(f"{_HEAD}\n\n{error}") from None
    today = dt.datetime.now(tz=dt.UTC).date()
    broken = [*plaintext.problems(stack, rules, today), *deviations.problems(stack, rules, today)]
    if broken:
        raise pulumi.RunError("\n\n".join([_HEAD, *broken]))
    return stack, cluster, rules


def _file(secret_keys: Sequence[str]) -> StackFile | None:
    """Return the stack's file; None where no file is found that is in force.

    The settings may come from elsewhere (`--config-file`, an environment of Pulumi ESC). Not every language
    host says where the project is; the program runs in its own folder, the project's or a checkout's.
    """
    for folder in (pulumi.get_root_directory(), str(Path.cwd())):
        try:
            file = stackfile.load(Path(folder or "") / f"Pulumi.{pulumi.get_stack()}.yaml")
        except stackfile.StackFileError:
            continue
        if file.config and encrypted.tells_of(encrypted.paths(file.config), secret_keys):
            return file
    return None


def _in_force(file: StackFile, raw: Mapping[str, str]) -> StackFile:
    """Return the file with those of its altered texts that the engine has handed over."""
    return replace(
        file,
        altered=tuple(
            each
            for each in file.altered
            if each.path[0] in raw
            and _below(_read(raw[each.path[0]]), list(each.path[1:])) == encrypted.at(file.config, each.path)
        ),
    )


def _decode(key: str, text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    # The engine has objects and numbers as JSON, and text as it is; only the model knows which was meant.
    field = _field_at([key])
    return text if field is not None and field.annotation is str else _read(text)


def _too_deep(key: str) -> str:
    return problem(
        key,
        found="values within values, more than a hundred deep",
        why="no setting is like that, and nothing could be said of it",
        fix=f"pulumi config rm {key}",
    )


def _is_deep(text: str) -> bool:
    # JSON's own texts hold brackets that open nothing.
    depth = most = 0
    for sign in _TEXTS.sub("", text) if text[:1] in ("[", "{") else "":
        depth += (sign in "[{") - (sign in "]}")
        most = max(most, depth)
    return most > _DEEPEST


def _read(text: str) -> Any:  # noqa: ANN401 - JSON of any shape
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _problem(details: ErrorDetails) -> str:
    location = [str(part) for part in details["loc"] if part not in FORMS]
    if len(location) > 1 and location[-1] == "[key]":
        location.pop()
    context = details.get("ctx", {})
    found, missing = details["input"], details["type"] == "missing"
    if details["type"] == REFUSED and context["at"]:
        steps = _steps(found, context["at"].split("."))
        location += steps
        found = _below(found, steps)
    key = _key(location)
    if details["type"] == "extra_forbidden":
        return _unknown(location, key)
    if details["type"] == REFUSED:
        why, fix = str(context["why"]), str(context["fix"])
    else:
        why, fix = _explain(location, details)
    section = _model_at(location) is not None
    value = "nothing" if missing else shown(found, location, section=section)
    return problem(key, found=value, why=why, fix=_next(location, fix))


def _key(location: list[str]) -> str:
    return encrypted.called((f"{PROJECT}:{location[0]}" if location else f"{PROJECT}:", *location[1:]))


def _unknown(location: list[str], key: str) -> str:
    known = _keys_at(location[:-1])
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=_LEAST_LIKENESS)
    hint = f"did you mean `{near[0]}`? " if near else ""
    path = "--path " if len(location) > 1 else ""
    return problem(
        key,
        found="a key that does not exist",
        why="it would be ignored, and the value you set would not be in force",
        fix=f"{hint}pulumi config rm {path}{shlex.quote(key)} (known here: {', '.join(known)})",
    )


def _explain(location: list[str], details: ErrorDetails) -> tuple[str, str]:
    field = _field_at(location)
    description = (field.description or "") if field else ""
    example = field.examples[0] if field is not None and field.examples else ""
    message = details["msg"][0].lower() + details["msg"][1:]
    fix = json.dumps(example) if isinstance(example, dict | list | bool) else str(example)
    if "\n" in fix:
        fix = f"in the stack's file, set {_key(location)} to a block (`|`) that begins {fix.splitlines()[0]}"
    return f"{message}. {description}".strip(), fix


def _next(location: list[str], fix: str) -> str:
    if " " in fix and not fix.startswith(("[", "{")):
        return fix
    key = _key(location)
    if fix.startswith(("[", "{")):
        return f"in the stack's file, set {key} to for example {fix}"
    path = "--path " if len(location) > 1 else ""
    return f"pulumi config set {path}{shlex.quote(key)} {shlex.quote(fix)}"


def _steps(value: Any, parts: list[str]) -> list[str]:  # noqa: ANN401 - a value of any shape
    """Join the parts of names that have dots themselves, as far as the value tells."""
    steps: list[str] = []
    while parts:
        if isinstance(value, BaseModel):
            value = value.model_dump(by_alias=True)
        names = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        there = [name for name in names if isinstance(value, Mapping) and name in value]
        steps.append(there[0] if there else parts[0])
        value = value[there[0]] if there else None
        parts = parts[steps[-1].count(".") + 1 :]
    return steps


def _below(value: Any, keys: list[str]) -> Any:  # noqa: ANN401 - a value of any shape
    for key in keys:
        if isinstance(value, BaseModel):
            value = value.model_dump(by_alias=True)
        if isinstance(value, list | tuple) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
            continue
        if not isinstance(value, Mapping) or key not in value:
            return value
        value = value[key]
    return value


def _model_at(location: list[str]) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Stack
    named = False
    for part in location:
        if model is None or part.isdigit():
            continue
        if named:
            # The key of a mapping, whose values are of the model.
            named = False
            continue
        fields = {field.alias: field for field in model.model_fields.values()}
        annotation = fields[part].annotation if part in fields else None
        # In a map the next part is a name that the user gave.
        model, named = model_in(annotation), typing.get_origin(annotation) is dict
    return model


def _keys_at(location: list[str]) -> list[str]:
    model = _model_at(location)
    return [field.alias or "" for field in model.model_fields.values()] if model else []


def _field_at(location: list[str]) -> Any:  # noqa: ANN401 - pydantic's FieldInfo, or none
    names = [part for part in location if not part.isdigit()]
    model = _model_at(names[:-1]) if names else None
    fields = {field.alias: field for field in model.model_fields.values()} if model else {}
    return fields.get(names[-1]) if names else None
