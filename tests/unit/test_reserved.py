"""Variables that a user may not set: those that the program sets, as they are recorded, and no others."""

from typing import Any

import pytest

from components.settings.model.contract import (
    BACKEND_URL,
    BACKEND_VARIABLES,
    FRONTEND_VARIABLES,
    TLS_VARIABLES,
)
from components.settings.model.stack import Stack
from components.settings.values.tiers import OF_APPLICATION, TIERS

from .recorder import Recording, record_stack
from .test_settings import MINIMAL, PEM, refusal

_RESERVED = {"backend": {*BACKEND_VARIABLES}, "frontend": {*FRONTEND_VARIABLES, BACKEND_URL}}
_REPLICATED = {"engine": "replicated", "instances": 3, "resources": {"limits": {"memory": "1Gi"}}}
_CALLS = {"frontend": {"callsBackend": True}}
_CONFIGS: list[dict[str, Any]] = [
    {},
    _CALLS,
    {"database": _REPLICATED, "rotation": 2},
    {
        "backend": {
            "migrations": {"command": ["migrate"]},
            "jobs": {"a": {"schedule": "@daily", "command": ["a"]}},
        }
    },
    {"backend": {"release": {"strategy": "blue-green"}}, **_CALLS},
]


def recorded(config: dict[str, Any]) -> Recording:
    return record_stack({**MINIMAL, **{f"feastflow:{key}": value for key, value in config.items()}})


def told(recording: Recording, tier: str) -> set[str]:
    """The variables of the tier's own container, and of all that runs its image."""
    image = recording.exports["images"][tier]
    return {
        entry["name"]
        for pod in recording.pods().values()
        for container in pod["containers"]
        if container["image"] == image
        for entry in container.get("env", ())
    }


@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_what_the_program_tells_a_tier_is_what_is_reserved(tier: str) -> None:
    assert set().union(*(told(recorded(config), tier) for config in _CONFIGS)) == _RESERVED[tier]


@pytest.mark.parametrize("config", _CONFIGS)
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_no_variable_that_the_program_tells_a_tier_can_be_set_by_its_user(
    tier: str, config: dict[str, Any]
) -> None:
    for name in told(recorded(config), tier):
        for place in ("env", "release.green.env"):
            section: dict[str, Any] = dict(config.get(tier, {}))
            if place == "env":
                section["env"] = {name: "x"}
            else:
                section["release"] = {"strategy": "blue-green", "green": {"env": {name: "x"}}}
            assert f"feastflow:{tier}.{place}.{name}\n" in refusal(**{**config, tier: section})
        hidden = {**config.get(tier, {}), "secrets": {name: {"secret": "a", "key": "b"}}}
        assert f"feastflow:{tier}.secrets.{name}\n" in refusal(**{**config, tier: hidden})


def test_no_variable_of_the_databases_server_can_be_that_of_its_authority() -> None:
    recording = recorded({})
    pod = recording.pods()["StatefulSet/postgres"]
    names = {
        each["name"] for part in ("initContainers", "containers") for c in pod[part] for each in c["env"]
    }
    assert names
    for name in names:
        bundle = {"pem": PEM, "variables": [name]}
        assert "feastflow:database.caBundle.variables\n" in refusal(database={"caBundle": bundle})


def test_every_section_that_takes_variables_is_held_to_this() -> None:
    taking = {
        tier.name
        for tier in TIERS
        if "env" in getattr(Stack.model_fields[tier.name].annotation, "model_fields", ())
    }
    assert taking == _RESERVED.keys()


@pytest.mark.parametrize("config", _CONFIGS)
@pytest.mark.parametrize("tier", OF_APPLICATION)
def test_a_new_name_takes_the_place_of_the_contracts_or_is_refused(tier: str, config: dict[str, Any]) -> None:
    section = config.get(tier, {})
    names = told(recorded(config), tier) & _RESERVED[tier]
    new = {name: f"MY_{name}" for name in names if name not in TLS_VARIABLES or tier == "frontend"}
    renamed = told(recorded({**config, tier: {**section, "envNames": new}}), tier)
    assert {new.get(name, name) for name in names} == renamed
    for name in _RESERVED[tier] - new.keys():
        key = f"feastflow:{tier}.envNames.{name}\n"
        assert key in refusal(**{**config, tier: {**section, "envNames": {name: "MY_NAME"}}})
