"""Objects that the settings name and the stack does not create: found, and declared to the rules."""

from typing import Annotated

import pytest
from pydantic import Field

from components.settings.model.base import Model
from components.settings.model.external import External, external
from components.settings.model.scalars import Name, Sequence
from policies.references import MADE_ELSEWHERE

from .recorder import record_stack
from .test_settings import MINIMAL, parse

Secret = Annotated[Name, External("Secret")]


class _Key(Model):
    secret: Annotated[Name, External("Secret")] = Field(default="in-a-model")
    key: Name = "unmarked"


class _Everywhere(Model):
    plain: Annotated[Name, External("ConfigMap")] = Field(default="plain")
    optional: Secret | None = None
    given: Secret | None = "given"
    listed: Annotated[tuple[Secret, ...], Sequence] = ("first", "second")
    keyed: dict[Name, Secret] = Field(default={"unmarked": "value"})
    models: tuple[_Key, ...] = (_Key(), _Key(secret="other"))
    by_name: dict[Name, _Key | None] = Field(default={"a": None, "b": _Key(secret="third")})
    unmarked: tuple[Name, ...] = ("unmarked",)


def test_a_mark_is_found_wherever_a_field_holds_it_and_nothing_else_is() -> None:
    assert external(_Everywhere()) == tuple(
        sorted(
            [
                "ConfigMap/plain",
                *(
                    f"Secret/{name}"
                    for name in ("given", "first", "second", "value", "in-a-model", "other", "third")
                ),
            ]
        )
    )


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({"backend": {"pullSecrets": ["registry", "other"]}}, {"Secret/registry", "Secret/other"}),
        ({"frontend": {"pullSecrets": ["registry"]}}, {"Secret/registry"}),
        (
            {"edge": {"host": "a.example.com", "tls": {"enabled": True, "secretName": "a-tls"}}},
            {"Secret/a-tls"},
        ),
        ({"database": {"storageClass": "fast"}}, {"StorageClass/fast"}),
        (
            {"backend": {"secrets": {name: {"secret": "smtp", "key": name} for name in ("A", "B")}}},
            {"Secret/smtp"},
        ),
        ({"frontend": {"secrets": {"A": {"secret": "shop.mail", "key": "a"}}}}, {"Secret/shop.mail"}),
        ({"frontend": {"secrets": {"A": {"externalSecret": {"store": "s", "key": "k"}}}}}, set()),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_the_settings_name_is_said_to_the_rules(section: dict[str, object], found: set[str]) -> None:
    assert set(external(parse(**section))) == found | {"IngressClass/traefik"}
    recording = record_stack({**MINIMAL, **{f"feastflow:{key}": value for key, value in section.items()}})
    annotations = recording.one("NetworkPolicy", "default-deny").inputs["metadata"]["annotations"]
    assert set(annotations[MADE_ELSEWHERE].split()) == found | {"IngressClass/traefik"}
