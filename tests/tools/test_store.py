"""The local store of backups: what it is made of, and the settings that it is for."""

import base64
import json
from dataclasses import dataclass, field, replace
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

from components.postgres import backups
from components.settings.model.backup import Backup
from components.settings.values import names
from policies.judgement import judge
from policies.rules import RULES
from tools.store import keys, manifests
from tools.toolchain import golang, pins

from ..unit.recorder import record_stack, stack_file

if TYPE_CHECKING:
    from tools.toolchain.kubectl import Kubectl

_KEY = {manifests.ID: "id of the key", manifests.KEY: "secret of the key"}
_OBJECTS = manifests.objects(_KEY)


def one(kind: str) -> dict[str, Any]:
    (found,) = [each for each in _OBJECTS if each["kind"] == kind]
    return found


# The key is replaced in place; clients are in any namespace; an image that is built here has no digest; a pod
# on one volume is neither spread nor replaced without a gap, and is ready when its port is open.
_BROKEN = {
    "Secret": {"secret-immutable"},
    "NetworkPolicy": {"network-policy-peers"},
    "Deployment": {"image-digest", "probe-startup", "rollout-strategy", "spread"},
}


@pytest.mark.parametrize("thing", _OBJECTS, ids=lambda thing: thing["kind"])
def test_the_store_keeps_the_rules_that_the_stacks_keep_but_for_these(thing: dict[str, Any]) -> None:
    broken = {rule.id for rule in RULES if thing["kind"] in rule.judges and judge(rule, thing)}
    assert broken == _BROKEN.get(thing["kind"], set())


def test_the_settings_that_it_tells_are_accepted_and_name_its_secret_and_port() -> None:
    told = manifests.settings("dev")
    backup = Backup.model_validate(told["backup"])
    assert backup.credentials.secret_name == manifests.secret("shop", _KEY)["metadata"]["name"]
    assert (backup.credentials.id_key, backup.credentials.secret_key) == (manifests.ID, manifests.KEY)
    assert backup.store.port == one("Service")["spec"]["ports"][0]["port"] == manifests.PORT
    assert backups.script_variables(backup)["STORE_HOW"] == f"--endpoint-url {manifests.ENDPOINT}"
    assert manifests.settings("dev") != manifests.settings("prod")


@pytest.mark.parametrize("engine", [{}, {"engine": "replicated", "instances": 3}])
def test_it_lets_in_the_pods_of_databases_and_copies_and_no_others(engine: dict[str, Any]) -> None:
    database = {**engine, **manifests.settings("dev")}
    recording = record_stack({**stack_file("dev"), "feastflow:database": database})
    spec = one("NetworkPolicy")["spec"]
    allowed = [peer["podSelector"]["matchLabels"] for peer in spec["ingress"][0]["from"]]

    def enters(labels: dict[str, str]) -> bool:
        return any(wanted.items() <= labels.items() for wanted in allowed)

    for resource in recording.resources:
        template = resource.inputs.get("spec", {})
        template = template.get("jobTemplate", {}).get("spec", template).get("template")
        if template:
            labels = template["metadata"]["labels"]
            assert enters(labels) == (labels["component"] in ("database", "backups", "proofs")), resource.name
    assert enters({"cnpg.io/cluster": names.DATABASE})
    assert spec["egress"] == []


@dataclass(kw_only=True)
class _Client:
    """A cluster's kubectl as far as the store's key goes: its Secrets, and the phases of a namespace."""

    secrets: dict[str, str] = field(default_factory=dict)
    phases: list[str] = field(default_factory=list)
    namespace: str = ""
    asked: Event = field(default_factory=Event)

    def within(self, namespace: str) -> "_Client":
        return replace(self, namespace=namespace)

    def output(self, *words: str, stdin: str = "") -> str:
        if words[:2] == ("get", "secret"):
            found = self.secrets.get(self.namespace, "")
            if found and self.namespace != manifests.NAMESPACE:
                self.asked.set()
            return found
        if words[:2] == ("get", "namespace"):
            phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
            if not self.phases[1:]:
                self.asked.set()
            return phase
        (made,) = json.loads(stdin)["items"]
        self.secrets[made["metadata"]["namespace"]] = "given"
        self.asked.set()
        return ""


def _offered(client: _Client, endpoint: str = manifests.ENDPOINT) -> None:
    config = {"feastflow:namespace": "shop", "feastflow:database": {"backup": {"endpoint": endpoint}}}
    with keys.offered(cast("Kubectl", client), config):
        if client.phases or "shop" in client.secrets:
            assert client.asked.wait(timeout=60)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the Secrets of a cluster with a store, by namespace; nothing is waited for between two looks."""
    monkeypatch.setattr(keys, "_PAUSE", 0.0)
    data = {name: base64.b64encode(value.encode()).decode() for name, value in _KEY.items()}
    return {manifests.NAMESPACE: json.dumps({"data": data})}


def test_a_namespace_that_is_made_meanwhile_is_given_the_key(store: dict[str, str]) -> None:
    client = _Client(secrets=store, phases=["", "", "Active"])
    _offered(client)

    assert client.secrets["shop"] == "given"


def test_a_namespace_that_ends_or_never_comes_is_given_nothing(store: dict[str, str]) -> None:
    for phase in ("", "Terminating"):
        client = _Client(secrets=dict(store), phases=[phase])
        _offered(client)

        assert "shop" not in client.secrets


def test_a_secret_that_is_there_is_left_as_it_is(store: dict[str, str]) -> None:
    client = _Client(secrets={**store, "shop": "of its own"})
    _offered(client)

    assert client.secrets["shop"] == "of its own"


def test_no_key_is_offered_without_a_store_or_for_another_one(store: dict[str, str]) -> None:
    without, elsewhere = _Client(), _Client(secrets=store)
    _offered(without)
    _offered(elsewhere, "https://s3.example.com")

    assert (without.secrets, "shop" in elsewhere.secrets) == ({}, False)


def test_the_key_stands_in_the_secret_alone() -> None:
    others = [thing for thing in _OBJECTS if thing["kind"] != "Secret"]
    assert "of the key" not in str(others)
    assert one("Secret")["stringData"] == _KEY


def test_the_image_has_the_version_that_is_compiled_and_make_up_compiles_none() -> None:
    text = (golang.MODULES / pins.STORE_BUILD.module / "go.mod").read_text(encoding="utf-8")
    assert f"github.com/versity/versitygw v{pins.VERSITYGW}" in text
    assert manifests.IMAGE.endswith(f":v{pins.VERSITYGW}")
    assert pins.STORE_BUILD not in pins.ALL_BUILDS
