"""A secret that is made of another one, such as a URL: deployed, rendered, with values for a store."""

import base64
import json
from typing import Any

import pulumi
import pytest

from components.workloads import environment
from components.workloads.environment import Derived, Environment, SecretKey
from tools.render import secrets, values
from tools.render.manifests import render
from tools.render.operator import made

from ..unit.recorder import PLACE, Recording, Registered, record
from ..unit.recorder import secret_paths as secrets_in
from .conftest import STORE

URL = Derived(template="redis://:{password}@feastflow-cache:6379/0")


class Tier(pulumi.ComponentResource):
    """A tier whose clients read its password, and its address with the password in it."""

    def __init__(self, rotation: int, elsewhere: Derived | None = None) -> None:
        super().__init__("test:Tier", "tier")
        password = environment.password("cache-password", rotation, self)
        kept: dict[str, pulumi.Input[str] | Derived] = {"password": password, "url": URL}
        identity = PLACE.identity("feastflow-cache", "cache")
        if elsewhere:
            text = password.apply(lambda known: elsewhere.made_of({"password": known}))
            environment.secret(f"other-secret-{rotation}", PLACE, identity, {"url": text}, self)
        self.secret = environment.secret(f"cache-secret-{rotation}", PLACE, identity, kept, self)
        config = environment.config("cache-config", PLACE, identity, {"A": "b"}, self)
        self.variables = environment.variables(
            Environment(
                plain={"A": "b"},
                secret={"CACHE_URL": SecretKey(secret=self.secret, key="url")},
                extra={"URL_TOO": "$(CACHE_URL)?ssl"},
                renamed={"CACHE_URL": "REDIS_URL"},
            ),
            config,
        )
        self.register_outputs({})


def recorded(rotation: int = 1, elsewhere: Derived | None = None) -> Recording:
    return record(lambda: Tier(rotation, elsewhere))


def objects(recording: Recording) -> list[Registered]:
    return [each for each in recording.resources if each.type.startswith("kubernetes:")]


def data(recording: Recording) -> dict[str, str]:
    found = recording.one("Secret", "cache-secret").inputs["data"]
    return {key: base64.b64decode(value).decode() for key, value in found.items()}


def test_a_derived_secret_is_made_of_the_password_beside_it_and_is_as_secret() -> None:
    recording = recorded()
    found = data(recording)
    assert found["url"] == f"redis://:{found['password']}@feastflow-cache:6379/0"
    secret = recording.one("Secret", "cache-secret")
    assert list(secrets_in(secret.raw))
    assert found["password"] not in json.dumps([each.inputs for each in objects(recording) if each != secret])
    # Another password is another Secret, and pods roll to it.
    assert recorded(2).one("Secret", "cache-secret").object_name != secret.object_name


def test_a_derived_secret_is_renamed_and_referred_to_like_every_other_variable() -> None:
    found: list[Any] = []
    record(lambda: found.extend(Tier(1).variables))
    told = {str(each.name): each for each in found}
    assert told.keys() == {"A", "REDIS_URL", "URL_TOO"}
    assert told["REDIS_URL"].value_from.secret_key_ref.key == "url"
    assert told["URL_TOO"].value == "$(REDIS_URL)?ssl"


def test_a_new_name_of_what_is_no_variable_of_the_contract_is_no_silent_nothing() -> None:
    lost = Environment(
        plain={"A": "b"}, secret={}, extra={"CACHE_URL": "x"}, renamed={"CACHE_URL": "REDIS_URL"}
    )
    with pytest.raises(ValueError, match="CACHE_URL would be renamed"):
        environment.variables(lost, "config")


def test_the_values_for_a_store_and_the_manifests_make_a_url_with_the_password_of_the_same_output() -> None:
    rendered = [each for each in render(objects(recorded()), STORE) if each.generated]
    manifests = [each.manifest for each in rendered]
    store = values.fresh(secrets.entries(manifests))
    (secret,) = (made(each, store) for each in manifests)

    assert store == {
        "teams/feastflow/feastflow-secret-cache-1": {"password": secret["stringData"]["password"]}
    }
    password = secret["stringData"]["password"]
    assert len(password) == 40
    assert secret["stringData"]["url"] == f"redis://:{password}@feastflow-cache:6379/0"


def test_a_rotation_renders_a_url_of_another_password() -> None:
    first, second = (
        next(each.manifest for each in render(objects(recorded(rotation)), STORE) if each.generated)
        for rotation in (1, 2)
    )
    templates = [each["spec"]["target"]["template"]["data"]["url"] for each in (first, second)]
    assert templates == ["redis://:{{ .password }}@feastflow-cache:6379/0"] * 2
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_a_secret_that_is_derived_from_one_of_another_secret_is_not_rendered() -> None:
    with pytest.raises(
        ValueError, match="url of Secret other-secret-1 is derived from a value of another Secret"
    ):
        render(objects(recorded(elsewhere=URL)), STORE)


def test_a_derived_secret_of_a_key_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(KeyError, match="password"):
        URL.made_of({"pass": "x"})
