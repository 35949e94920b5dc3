"""Stack files made from the model's schema: valid ones, and ones with a fault or two.

Values come from one list: the fields' own examples, and texts and numbers at the edges of what Kubernetes
takes. A field's type tells which of them are valid, so that a new key is tried without a line here.
"""

import copy
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal

import pulumi
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from components.settings import examples, reader, reference
from components.settings.model.stack import Stack

from .recorder import encode

_PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
_NUMBERS = (
    *(-1, 0, 1, 2, 3, 5, 9, 10, 15, 18, 26, 50, 53, 70, 99, 100, 101, 443, 600, 999, 1000, 1024, 3600),
    *(5432, 5353, 6443, 8000, 8080, 10_000, 65_535, 65_536, 86_400, 2**31 - 1, 2**31, 2**63 - 1, 2**64),
)
_TEXTS = (
    *(
        "",
        " ",
        "a",
        "A",
        "a" * 63,
        "a" * 64,
        "a" * 253,
        "a" * 254,
        "a.b",
        ".a",
        "a-",
        "-a",
        "a_b",
        "a/b",
        "/",
    ),
    *(
        "é",
        "a b",
        "a\nb",
        "\0",
        "\ud7ff",
        "🙂",
        "..",
        "../a",
        "%",
        "a%2Fb",
        "a:b",
        "a@b",
        "'",
        '"',
        "\\",
        "`",
        "#",
    ),
    *("$(DB_HOST)", "$(NAME)", "$$(NAME)", "$(", "$(A)", "NO", "null", "~", "0755", "1e3", "2026-01-02"),
    *(
        "100m",
        "1",
        "0.5",
        "2",
        "64Mi",
        "128Mi",
        "256Mi",
        "512Mi",
        "1Gi",
        "2Gi",
        "10Gi",
        "1e3Mi",
        "-1Gi",
        "512m",
    ),
    *("10.0.0.0/8", "10.1.0.0/16", "10.0.0.1/32", "10.0.0.1", "::1/128", "2001:db8::/48", "0.0.0.0/0"),
    *("api.example.com", "redis.tools.svc", "redis", "api.example.com.", "10.0.0.1:443", "*.example.com"),
    *("app:1.0.0", "app", "app:latest", f"app@sha256:{'a' * 64}", f"postgres:16@sha256:{'b' * 64}"),
    *("/tmp", "/var/cache/api", "/etc/passwd", "/etc/feastflow", "/data", "/tmp/a", "/proc", "/api?x=1"),
    *(
        "LOG_LEVEL",
        "A",
        "B",
        "DB_HOST",
        "PATH",
        "a.b-c",
        "PORT",
        "SSL_CERT_FILE",
        "PGPASSWORD",
        "BACKEND_URL",
    ),
    *("@daily", "*/5 * * * *", "0 0 31 2 *", "Europe/Berlin", "Mars/Olympus", "7d", "15m", "prod", "shop"),
)
_JUNK: tuple[Any, ...] = (
    None,
    True,
    1.5,
    [],
    {},
    [[]],
    {"": None},
    ["a"],
    {"a": {"a": "a"}},
    -0.0,
    1e300,
    10**30,
)
_KEYS = list(reference.keys())
# Characters that YAML cannot hold never occur.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
# The frequency of optional keys.
_SELDOM = 12


def stack_files() -> st.SearchStrategy[dict[str, Any]]:
    """Generate sections of a stack, without prefixes; about half of them with a fault."""
    return _model(Stack) | _grown() | _model(Stack).flatmap(_faulty) | _grown().flatmap(_faulty)


def secret_keys(sections: Mapping[str, Any]) -> list[str]:
    """Return the keys that the engine has as secrets: those with a secret that is no reference."""
    return [f"feastflow:{tier}" for tier in ("backend", "frontend") if _has_secret(sections.get(tier))]


def _has_secret(tier: Any) -> bool:
    sources = tier.get("secrets") if isinstance(tier, dict) else None
    return isinstance(sources, dict) and any(not isinstance(source, dict) for source in sources.values())


@st.composite
def _grown(draw: st.DrawFn) -> dict[str, Any]:
    """Return a large file: of many settings those that go with the ones before, whatever rule spans them."""
    found = examples.sections("rotation", 1)
    for key in draw(st.lists(st.sampled_from(_KEYS), min_size=5, max_size=25)):
        value = draw(_value(key.field.annotation, key.field.metadata))
        more = _joined(found, examples.sections(key.name, value))
        if _is_accepted(more):
            found = more
    return found


def _is_accepted(sections: Mapping[str, Any]) -> bool:
    raw = {f"feastflow:{name}": encode(value) for name, value in sections.items()}
    try:
        reader.parse(raw, secret_keys=secret_keys(sections))
    except pulumi.RunError:
        return False
    return True


def _model(model: type[BaseModel], *, whole: bool = True) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        found = {}
        for field in model.model_fields.values():
            if field.is_required() and whole:
                found[field.alias or ""] = draw(_value(field.annotation, field.metadata))
                continue
            inner = _plain_model(field.annotation)
            often = 2 if inner is not None else _SELDOM
            if draw(st.integers(0, often)) != often:
                continue
            if inner is not None:
                # It keeps the default's other settings.
                found[field.alias or ""] = draw(_model(inner, whole=field.default is None))
            else:
                found[field.alias or ""] = draw(_value(field.annotation, field.metadata))
        return found

    return build()


def _plain_model(annotation: Any) -> type[BaseModel] | None:
    is_model = isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias)
    return annotation if is_model and issubclass(annotation, BaseModel) else None


def _value(annotation: Any, metadata: list[Any] | None = None) -> st.SearchStrategy[Any]:
    whole = Annotated[annotation, *metadata] if metadata else annotation
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    model = _plain_model(annotation)
    if model is not None:
        return _model(model)
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return st.one_of([_value(arg) for arg in args if arg is not type(None)])
    if origin is Literal:
        return st.sampled_from(args)
    if origin is tuple:
        return st.lists(_value(args[0]), min_size=1, max_size=3)
    if origin is dict:
        return st.dictionaries(_value(args[0]), _value(args[1]), min_size=1, max_size=3)
    return st.sampled_from(_valid(_Hashable(whole)))


class _Hashable:
    """A type as the key of a cache, though its validators may be no keys."""

    def __init__(self, annotation: Any) -> None:
        self.annotation = annotation

    def __hash__(self) -> int:
        return hash(repr(self.annotation))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashable) and repr(self.annotation) == repr(other.annotation)


@cache
def _valid(wanted: _Hashable) -> list[Any]:
    adapter = TypeAdapter[Any](wanted.annotation)
    found = []
    for each in _leaves():
        try:
            adapter.validate_python(each, strict=True)
        except ValidationError:
            continue
        found.append(each)
    assert found, f"no value fits {wanted.annotation}: add one to the list"
    return found


@cache
def _leaves() -> list[Any]:
    given: list[Any] = [_PEM, True, False, *_NUMBERS, *_TEXTS]
    for key in _KEYS:
        given += [*_flat(key.accepted), *_flat(key.refused)]
    return list({(type(each), each): each for each in given}.values())


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield key
            yield from _flat(below)
    elif isinstance(value, list):
        for below in value:
            yield from _flat(below)
    else:
        yield value


def _faulty(sections: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return the file with one or two faults: another value, a misspelt key, one too many, or none."""

    @st.composite
    def spoil(draw: st.DrawFn) -> dict[str, Any]:
        found = copy.deepcopy(sections)
        for _ in range(draw(st.integers(1, 2))):
            place: Any = found
            if draw(st.booleans()):
                key = draw(st.sampled_from(_KEYS))
                found = _joined(
                    found, examples.sections(key.name, draw(st.sampled_from([key.accepted, key.refused])))
                )
                continue
            while True:
                steps = list(place) if isinstance(place, dict) else list(range(len(place)))
                if not steps:
                    break
                step = draw(st.sampled_from(steps))
                if isinstance(place[step], dict | list) and place[step] and draw(st.integers(0, 3)):
                    place = place[step]
                    continue
                _spoil(draw, place, step)
                break
        return found

    return spoil()


def _spoil(draw: st.DrawFn, place: Any, step: Any) -> None:
    how = draw(st.sampled_from(["other", "text", "junk", "gone", "misspelt"]))
    if how == "gone" or (how == "misspelt" and not isinstance(place, dict)):
        del place[step]
    elif how == "misspelt":
        place[str(step)[:-1]] = place.pop(step)
    else:
        others = {"other": st.sampled_from(_leaves()), "text": _TEXT, "junk": st.sampled_from(_JUNK)}
        place[step] = copy.deepcopy(draw(others[how]))


def _joined(first: Any, second: Any) -> Any:
    if isinstance(first, dict) and isinstance(second, dict):
        both = {key: _joined(first[key], second[key]) for key in first.keys() & second.keys()}
        return {**first, **second, **both}
    return second
