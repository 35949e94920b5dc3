"""Secrets of a stack that is deployed by the real engine: where their values are, and where they are not.

A canary is a value that is known to the test. Every place that the deployment writes to or tells of is read
for each of them, as it is and in base64.
"""

import base64
import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tools.toolchain import cache, private, proc

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.running import Ran
from .teams import Config, Office, Team

_VALUES = {"settings": "canary-sk-live-4242424242", "changed": "canary-sk-live-4343434343"}
_EXISTING = "canary-smtp-5151515151"
_PASSPHRASE = "a passphrase of the user's"


@dataclass(kw_only=True)
class _Arguments:
    """Command lines of all processes, looked at again and again while a block runs."""

    seen: set[str] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self.thread = threading.Thread(target=self._look)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def _look(self) -> None:
        while not self.done.wait(0.05):
            for number in proc.numbers():
                self.seen.add(" ".join(proc.command(number)))


@dataclass(frozen=True, kw_only=True)
class _Deployed:
    """The stack, deployed three times; what was said and seen on the way."""

    team: Team
    said: list[Ran]
    arguments: set[str]
    first: str
    second: str

    @property
    def kube(self) -> Kube:
        return self.team.kube


def _set(team: Team, value: str) -> Ran:
    """Set the payment key as the documentation says, the value on standard input."""
    key = team.product.root / "key"
    key.write_text(value, encoding="utf-8")
    try:
        command = documented(
            'pulumi config set --secret --config-file "$PWD/Pulumi.dev.yaml"'
            " --path feastflow:backend.secrets.STRIPE_API_KEY < key",
            {"Pulumi.dev.yaml": team.settings.name},
        )
        return team.product.shell(command)
    finally:
        key.unlink()


def _read_by(kube: Kube) -> str:
    """Return the name of the Secret that the backend's pods read the payment key from."""
    (deployment,) = (
        each for each in kube.all("deployments") if each["metadata"]["name"] == "feastflow-backend"
    )
    variables = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    (variable,) = (each for each in variables if each["name"] == "STRIPE_API_KEY")
    return str(variable["valueFrom"]["secretKeyRef"]["name"])


@pytest.fixture(scope="module")
def deployed(office: Office) -> _Deployed:
    """Deploy the dev stack with a payment key, then with another one, then with the first one again."""
    team = office.team("secrets")
    product = team.product.with_variables(PULUMI_CONFIG_PASSPHRASE=_PASSPHRASE)
    team = Team(product=product, kube=team.kube, stack=team.stack)

    def existing(config: Config) -> None:
        config["feastflow:backend"]["secrets"] = {"SMTP_PASSWORD": {"secret": "smtp", "key": "password"}}

    team.change(existing)
    with _Arguments() as arguments:
        said = [product.done("up")]
        team.kube.run("create", "--filename", "-", stdin=_smtp(team.kube.namespace))
        said += [_set(team, _VALUES["settings"]), product.done("up")]
        first = _read_by(team.kube)
        said += [_set(team, _VALUES["changed"]), product.done("preview"), product.done("up")]
        second = _read_by(team.kube)
        said += [
            product.shell("pulumi stack history"),
            product.shell("pulumi stack export"),
        ]
        said.append(product.shell("pulumi preview --diff --json --non-interactive"))
    return _Deployed(team=team, said=said, arguments=arguments.seen, first=first, second=second)


def _smtp(namespace: str) -> str:
    manifest = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "smtp", "namespace": namespace},
        "immutable": True,
        "stringData": {"password": _EXISTING},
    }
    return json.dumps(manifest)


def _secret(kube: Kube, name: str) -> dict[str, str]:
    found = {each["metadata"]["name"]: each for each in kube.all("secrets")}
    return {key: base64.b64decode(value).decode() for key, value in found[name]["data"].items()}


def test_the_pods_read_the_value_and_another_value_rolls_them_to_another_secret(deployed: _Deployed) -> None:
    assert _secret(deployed.kube, deployed.second) == {"STRIPE_API_KEY": _VALUES["changed"]}
    assert deployed.first != deployed.second
    names = [each["metadata"]["name"] for each in deployed.kube.all("secrets")]
    assert deployed.first not in names, "no pod uses it any more"


def test_no_canary_is_anywhere_but_in_its_secret(
    deployed: _Deployed, figures: Figures, tmp_path: Path
) -> None:
    canaries = _canaries(deployed.kube)
    places = {
        **_files(deployed.team.product.home),
        **_files(cache.home() / "logs"),
        "the stack's file": deployed.team.settings.read_bytes(),
        "output": "\n".join(ran.text for ran in deployed.said).encode(),
        "process arguments": "\n".join(deployed.arguments).encode(),
        **_rendered(deployed.team, tmp_path),
        **_objects(deployed.kube),
    }
    kinds = {name.split("/")[0] for name in canaries}
    found = [
        f"{name} in {place}"
        for place, content in places.items()
        for name, value in canaries.items()
        if value in content or base64.b64encode(value) in content
    ]
    figures.text("canaries found", f"{len(found)} of {len(places)} places x {len(kinds)} kinds")
    assert found == []
    assert len(kinds) == 3
    assert any("/.pulumi/history/" in place for place in places)
    assert any("/.pulumi/stacks/" in place for place in places)
    assert len(deployed.arguments) > 20


def _canaries(kube: Kube) -> dict[str, bytes]:
    generated = {
        f"generated/{each['metadata']['name']}/{key}": base64.b64decode(value)
        for each in kube.all("secrets")
        for key, value in each["data"].items()
        if key in ("password", "jwt", "verifier") and each["metadata"]["name"] != "smtp"
    }
    assert len(generated) >= 3
    settings = {f"settings/{name}": value.encode() for name, value in _VALUES.items()}
    return {**generated, **settings, "existing/smtp": _EXISTING.encode()}


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and "plugins" not in path.parts
    }


def _rendered(team: Team, folder: Path) -> dict[str, bytes]:
    """Return the stack rendered without the passphrase: nothing of it needs a key."""
    team.product.with_variables(PULUMI_CONFIG_PASSPHRASE="").typed(f'make render OUT="{folder}"')
    return {str(path): path.read_bytes() for path in folder.glob("*.yaml")}


def _objects(kube: Kube) -> dict[str, bytes]:
    """Return every object of the namespace but the Secrets."""
    kinds = "configmaps,deployments,statefulsets,jobs,pods,replicasets,events"
    return {"objects": json.dumps(kube.all(kinds)).encode()}


def test_state_history_and_backups_are_for_their_owner_alone(deployed: _Deployed) -> None:
    home = deployed.team.product.home
    modes = {
        path: path.lstat().st_mode & 0o777
        for kind in ("stacks", "workspaces")
        for path in ((home / kind), *(home / kind).rglob("*"))
        if not path.is_symlink()
    }
    assert len(modes) > 20
    wrong = {
        str(path): oct(mode)
        for path, mode in modes.items()
        if mode != (private.FOLDER if path.is_dir() else private.FILE)
    }
    assert wrong == {}


def test_a_secret_in_the_wrong_place_is_refused_by_the_engine_with_the_place_that_is_meant(
    deployed: _Deployed,
) -> None:
    team = deployed.team
    text = team.settings.read_text(encoding="utf-8")
    try:
        place = "feastflow:backend.env.STRIPE_API_LIVE"
        line = (
            f'pulumi config set --secret --config-file "$PWD/{team.settings.name}" --path {place} canary-live'
        )
        team.product.shell(line)
        ran = team.product.local("preview")
    finally:
        team.settings.write_text(text, encoding="utf-8")
    assert ran.code == 1, ran
    assert f"{place}\n" in ran.text
    assert "pulumi config set --secret --path feastflow:backend.secrets.STRIPE_API_LIVE" in ran.text
    assert "canary-live" not in ran.text
