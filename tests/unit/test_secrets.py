"""The application's own secrets: their settings, their Secrets, and the pods that get them."""

import base64
from typing import Any

import pulumi
import pytest

from components.settings import reader
from components.settings.file import encrypted
from components.settings.model.secrets import Reference

from .recorder import Recording, encode, record_stack, stack_file
from .recorder import secret_paths as secrets_in
from .test_settings import MINIMAL, parse, refusal

KEY = "sk_live_canary_51Hx"
_FULL = "feastflow:backend"


def parsed(places: list[encrypted.Path] | None, secret_keys: list[str], **sections: object) -> Any:
    raw = {**MINIMAL, **{f"feastflow:{name}": value for name, value in sections.items()}}
    texts = {key: encode(value) for key, value in raw.items()}
    return reader.parse(texts, secret_keys=secret_keys, places=places)[0]


def refused(places: list[encrypted.Path] | None, secret_keys: list[str], **sections: object) -> str:
    with pytest.raises(pulumi.RunError) as error:
        parsed(places, secret_keys, **sections)
    assert KEY not in str(error.value)
    return str(error.value)


def backend(recording: Recording, name: str = "Deployment/feastflow-backend") -> dict[str, Any]:
    """Return the variables of its first container by name."""
    pod = recording.pods()[name]
    return {entry["name"]: entry for entry in pod["containers"][0]["env"]}


def deployed(secrets: dict[str, Any], tier: str = "backend", **more: Any) -> Recording:
    """Return the dev stack with these secrets, which the engine has as secrets."""
    config = stack_file("dev")
    section = config.get(f"feastflow:{tier}")
    config[f"feastflow:{tier}"] = {
        **(section if isinstance(section, dict) else {}),
        "secrets": secrets,
        **more,
    }
    hidden = any(isinstance(value, str) for value in secrets.values())
    return record_stack(config, secret=[f"feastflow:{tier}"] if hidden else [])


def reference(variable: dict[str, Any]) -> tuple[str, str]:
    found = variable["valueFrom"]["secretKeyRef"]
    return found["name"], found["key"]


def test_a_secret_of_the_settings_is_a_key_of_an_immutable_secret_that_pulumi_keeps_secret() -> None:
    recording = deployed({"STRIPE_API_KEY": KEY})
    name, key = reference(backend(recording)["STRIPE_API_KEY"])
    secret = recording.one("Secret", name)
    assert base64.b64decode(secret.inputs["data"][key]).decode() == KEY
    assert secret.inputs["immutable"] is True
    assert ".data" in set(secrets_in(secret.raw))
    drawn = next(each for each in recording.resources if each.kind == "RandomId")
    assert any(path.startswith(".keepers") for path in secrets_in(drawn.raw))
    plain = [
        each.name
        for each in recording.resources
        if KEY in str(_visible(each.raw))
        or base64.b64encode(KEY.encode()).decode() in str(_visible(each.raw))
    ]
    assert plain == []


def _visible(raw: Any) -> Any:
    from tools.render.recording import is_secret  # noqa: PLC0415 - next to what it reads

    if is_secret(raw):
        return None
    if isinstance(raw, dict):
        return {key: _visible(value) for key, value in raw.items()}
    return [_visible(value) for value in raw] if isinstance(raw, list) else raw


def test_another_value_is_another_secret_and_the_same_value_the_same_one() -> None:
    names = [
        reference(backend(deployed({"A": value}))["A"])[0] for value in ("one-value", "another", "one-value")
    ]
    assert names[0] == names[2] != names[1]


def test_the_migration_and_every_variant_read_the_same_secret() -> None:
    recording = deployed(
        {"STRIPE_API_KEY": KEY},
        migrations={"command": ["migrate"]},
        release={"strategy": "blue-green", "green": {"image": "registry.example.com/api:2.0.0"}},
    )
    makers = [name for name in recording.pods() if "backend" in name or "migrations" in name]
    found = {reference(backend(recording, name)["STRIPE_API_KEY"]) for name in makers}
    assert len(makers) == 4
    assert len(found) == 1


def test_the_frontend_is_given_its_own_and_not_the_backends() -> None:
    recording = deployed({"MAPS": KEY}, tier="frontend")
    assert "MAPS" in backend(recording, "Deployment/feastflow-frontend")
    assert "MAPS" not in backend(recording)


def test_a_key_of_an_existing_secret_is_read_where_it_is_and_nothing_is_made() -> None:
    recording = deployed({"SMTP_PASSWORD": {"secret": "smtp.team", "key": "password"}})
    assert reference(backend(recording)["SMTP_PASSWORD"]) == ("smtp.team", "password")
    assert not [each for each in recording.resources if "application-secrets" in each.name]


def test_each_store_has_an_external_secret_whose_secret_the_pods_read() -> None:
    one = {"store": "vault", "key": "shop/payments", "property": "key"}
    two = {"store": "team", "kind": "SecretStore", "key": "maps", "version": "2"}
    recording = deployed({"A": {"externalSecret": one}, "B": {"externalSecret": two}})
    made = {each.inputs["spec"]["secretStoreRef"]["name"]: each for each in recording.all("ExternalSecret")}
    assert set(made) == {"vault", "team"}
    spec = made["vault"].inputs["spec"]
    assert spec["data"] == [{"secretKey": "A", "remoteRef": {"key": "shop/payments", "property": "key"}}]
    assert spec["target"]["name"] == reference(backend(recording)["A"])[0]
    assert made["team"].inputs["spec"]["data"][0]["remoteRef"] == {"key": "maps", "version": "2"}
    again = deployed({"A": {"externalSecret": {**one, "version": "3"}}})
    assert reference(backend(again)["A"])[0] != spec["target"]["name"]


def test_a_variable_in_plain_text_may_hold_a_secret_one() -> None:
    recording = deployed({"KEY": KEY}, env={"URL": "https://$(KEY)@example.com"})
    names = list(backend(recording))
    assert names.index("KEY") < names.index("URL")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ((_FULL, "env", "STRIPE_API_LIVE"), "feastflow:backend.secrets.STRIPE_API_LIVE"),
        (("feastflow:frontend", "env", "MAPS"), "feastflow:frontend.secrets.MAPS"),
        ((_FULL, "release", "green", "env", "A"), "feastflow:backend.secrets.A"),
        ((_FULL, "args", "1"), "feastflow:backend.secrets.NAME"),
        ((_FULL,), "feastflow:backend.secrets.NAME"),
        (("feastflow:database", "user"), "feastflow:backend.secrets.NAME"),
        (("policies:levels", "images"), "feastflow:backend.secrets.NAME"),
        (("kubernetes:context",), "feastflow:backend.secrets.NAME"),
        ((_FULL, "secrets", "A", "secret"), "feastflow:backend.secrets.NAME"),
    ],
)
def test_a_secret_in_any_other_place_is_refused_with_the_place_that_is_meant(
    path: encrypted.Path, meant: str
) -> None:
    told = refused([path], [path[0]], backend={"env": {"STRIPE_API_LIVE": KEY}})
    assert f"pulumi config set --secret --path {meant}" in told
    assert told.split("\n")[2].startswith(path[0])


def test_secrets_in_their_place_and_a_secret_kubeconfig_are_taken() -> None:
    places = [(_FULL, "secrets", "A"), ("kubernetes:kubeconfig",)]
    stack = parsed(places, [_FULL, "kubernetes:kubeconfig"], backend={"secrets": {"A": KEY}})
    assert stack.backend.secrets["A"].get_secret_value() == KEY
    assert KEY not in repr(stack)


def test_without_the_stacks_file_the_engines_word_for_what_is_secret_decides() -> None:
    assert "a secret, which is not shown" in refused(None, [_FULL], backend={"env": {"A": KEY}})
    assert "feastflow:database\n" in refused(
        None, [_FULL, "feastflow:database"], backend={"secrets": {"A": KEY}}
    )
    assert parsed(None, [_FULL], backend={"secrets": {"A": KEY}})
    # A file that is not used has no effect.
    assert parsed([], [_FULL], backend={"secrets": {"A": KEY}})


@pytest.mark.parametrize("places", [None, [(_FULL, "secrets", "OTHER")]])
def test_a_secret_that_is_not_encrypted_is_refused(places: list[encrypted.Path] | None) -> None:
    keys = [_FULL] if places else []
    told = refused(places, keys, backend={"secrets": {"A": KEY}})
    assert "feastflow:backend.secrets.A\n  found: a value that is not encrypted" in told


@pytest.mark.parametrize(
    ("tier", "section", "at"),
    [
        ("backend", {"env": {"DB_PASSWORD": KEY}}, "backend.env.DB_PASSWORD"),
        ("backend", {"env": {"STRIPE_PASSWORD": KEY}}, "backend.env.STRIPE_PASSWORD"),
        ("backend", {"env": {"DSN": f"postgres://u:{KEY}@db/x"}}, "backend.env.DSN"),
        ("frontend", {"env": {"API_KEY": KEY}}, "frontend.env.API_KEY"),
        (
            "backend",
            {"release": {"strategy": "blue-green", "green": {"env": {"A_TOKEN": KEY}}}},
            "backend.release.green.env.A_TOKEN",
        ),
        ("backend", {"env": {"A": [KEY]}}, "backend.env.A"),
        ("backend", {"args": KEY}, "backend.args"),
        ("backend", {"args": [[f"--password={KEY}"]]}, "backend.args"),
        ("backend", {"command": [KEY, [1]]}, "backend.command"),
        ("backend", f"broken: {KEY}: {{", "backend"),
        ("backend", {"autoscaling": f"broken {KEY}"}, "backend.autoscaling"),
        ("backend", {"image": f"https://user:{KEY}@registry.example.com/api:1"}, "backend.image"),
        ("edge", {"host": f"https://user:{KEY}@shop.example.com"}, "edge.host"),
        ("database", {"password": KEY}, "database.password"),
    ],
)
def test_no_refusal_shows_a_value_that_may_be_a_secret(tier: str, section: Any, at: str) -> None:
    told = refusal(**{tier: section})
    assert KEY not in told
    assert f"feastflow:{at}" in told


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ({"PORT": KEY}, "the program sets this variable itself"),
        ({"NODE_EXTRA_CA_CERTS": KEY}, "the program sets this variable itself"),
        ({"BOTH": KEY}, "the variable is in secrets too"),
        ({"A": ""}, "would be empty"),
        ({"A": [KEY]}, "valid string"),
        ({"1A": KEY}, "no digit first"),
        ({"A": {"secret": "smtp"}}, "a value has one place"),
        ({"A": {}}, "a value has one place"),
        ({"A": {"secret": "s", "key": "k", "externalSecret": {"store": "x", "key": "y"}}}, "one place"),
        ({"A": {"secret": "s", "kye": "k"}}, "did you mean `key`?"),
        ({"A": {"secret": "Bad_Name", "key": "k"}}, "lower-case letters"),
        ({"A": {"externalSecret": {"key": "y"}}}, "feastflow:backend.secrets.A.externalSecret.store"),
        ({"A": {"externalSecret": {"store": "x", "key": "y", "kind": "Vault"}}}, "ClusterSecretStore"),
    ],
)
def test_what_a_variable_cannot_be_is_refused_without_its_value(secrets: dict[str, Any], said: str) -> None:
    names: list[encrypted.Path] = [
        (_FULL, "secrets", name) for name in secrets if not isinstance(secrets[name], dict)
    ]
    section = {
        "secrets": secrets,
        "env": {"BOTH": "plain"},
        "caBundle": {"pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
    }
    told = refused(names or None, [_FULL] if names else [], backend=section)
    assert said in told


def test_where_a_value_is_kept_is_no_secret_and_is_shown() -> None:
    told = refusal(backend={"secrets": {"A": {"secret": "Bad_Name", "key": "k"}}})
    assert "Bad_Name" in told
    assert isinstance(
        parse(backend={"secrets": {"A": {"secret": "s", "key": "k"}}}).backend.secrets["A"], Reference
    )


@pytest.mark.parametrize("level", ["advisory", "disabled"])
def test_a_plain_value_that_looks_like_a_secret_passes_where_the_rule_is_lowered(level: str) -> None:
    raw = {
        **MINIMAL,
        "feastflow:backend": {"env": {"A_TOKEN": "x1y2"}},
        "policies:levels": {"secret-literal": {"level": level, "reason": "no secret of this stack's"}},
    }
    assert reader.parse({key: encode(value) for key, value in raw.items()})


def test_places_are_read_from_a_file_in_every_form_it_may_have() -> None:
    secure = {"secure": "v1:abc"}
    config = {
        "backend": {"secrets": {"A": secure}, "args": ["x", secure]},
        "feastflow:frontend": secure,
        "aws:token": secure,
        "feastflow:edge": {"host": "x"},
    }
    assert encrypted.paths(config) == [
        (_FULL, "secrets", "A"),
        (_FULL, "args", "1"),
        ("feastflow:frontend",),
        ("aws:token",),
    ]
    assert len(encrypted.misplaced(encrypted.paths(config))) == 2


def test_a_kubeconfig_of_the_settings_stays_secret_in_the_provider() -> None:
    users = f"users: [{{name: own, user: {{token: {KEY}}}}}]\n"
    config = {**stack_file("dev"), "kubernetes:kubeconfig": f"apiVersion: v1\nkind: Config\n{users}"}
    recording = record_stack(config)
    provider = next(each for each in recording.resources if each.type == "pulumi:providers:kubernetes")
    assert "kubeconfig" in str(list(secrets_in(provider.raw)))
