"""The workspace: the checkout's settings with the local ones over them; the checkout stays as it is."""

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings.values.merging import merged
from tools.stacks import workspace
from tools.state import place
from tools.state.address import parse
from tools.state.place import Record
from tools.toolchain import cache
from tools.toolchain.errors import UserError

from .fakes import Machine


@pytest.fixture(autouse=True)
def checkout(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with a project and two stacks."""
    machine.file(
        "checkout/Pulumi.yaml", "name: feastflow\nruntime:\n  name: python\n  options: {virtualenv: .venv}\n"
    )
    machine.file("checkout/Pulumi.prod.yaml", "config: {}\n")
    stack = machine.file(
        "checkout/Pulumi.dev.yaml", "config:\n  feastflow:edge: {host: dev.localhost, port: 8080}\n"
    )
    monkeypatch.setattr(workspace, "_ROOT", stack.parent)
    return stack.parent


def _document(name: str = "Pulumi.dev.yaml") -> dict[str, Any]:
    text = (cache.state_home() / "workspaces" / "uid" / name).read_text()
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_local_settings_win_key_by_key_and_leave_the_others() -> None:
    below = {"a": 1, "edge": {"host": "x", "port": 1, "tls": {"enabled": True}}, "list": [1, 2]}
    above = {"edge": {"port": 2, "tls": {"enabled": False}}, "list": [3], "new": "n"}

    assert merged(below, above) == {
        "a": 1,
        "edge": {"host": "x", "port": 2, "tls": {"enabled": False}},
        "list": [3],
        "new": "n",
    }
    assert below["edge"] == {"host": "x", "port": 1, "tls": {"enabled": True}}


def test_a_mapping_and_a_plain_value_replace_each_other() -> None:
    assert merged({"a": {"b": 1}}, {"a": 2}) == {"a": 2}
    assert merged({"a": 2}, {"a": {"b": 1}}) == {"a": {"b": 1}}


def test_a_stacks_settings_are_the_checkouts_with_the_local_ones_over_them() -> None:
    workspace.of("uid").write("dev", {"feastflow:edge": {"port": 9090}})

    assert _document() == {"config": {"feastflow:edge": {"host": "dev.localhost", "port": 9090}}}


def test_the_salt_that_pulumi_wrote_is_kept_when_the_settings_change(checkout: Path) -> None:
    written = workspace.of("uid")
    written.write("dev", {})
    path = written.folder / "Pulumi.dev.yaml"
    path.write_text(f"encryptionsalt: v1:abc\n{path.read_text()}")
    (checkout / "Pulumi.dev.yaml").write_text("config: {feastflow:rotation: 2}\n")

    written.write("dev", {})

    assert _document() == {"encryptionsalt": "v1:abc", "config": {"feastflow:rotation": 2}}


def test_how_secrets_are_encrypted_is_what_the_checkouts_own_file_says(checkout: Path) -> None:
    text = (checkout / "Pulumi.dev.yaml").read_text()
    (checkout / "Pulumi.dev.yaml").write_text(f"secretsprovider: awskms://theirs\nencryptedkey: abc\n{text}")
    written = workspace.of("uid")
    (written.folder / "Pulumi.dev.yaml").write_text("encryptionsalt: v1:from-before\n")

    written.write("dev", {})

    document = _document()
    assert document.pop("config")
    assert document == {"secretsprovider": "awskms://theirs", "encryptedkey": "abc"}
    assert written.provider("dev") == "awskms://theirs"


def test_a_stack_that_was_moved_is_found_where_it_is_and_others_where_they_were() -> None:
    target = place.planned("uid", "shop", "dev", parse("s3://b?region=r"))
    place.write("uid", "dev", Record(current=target, previous=place.first("uid"), fingerprint=""))

    moved, other = workspace.of("uid", "dev"), workspace.of("uid", "prod")

    assert moved.environment["PULUMI_BACKEND_URL"] == "s3://b?region=r"
    assert moved.shared
    assert moved.provider("dev") == "awskms://alias/pulumi-b?region=r&context_pulumi-stack=shop/dev"
    assert moved.folder != other.folder
    assert (moved.folder / "Pulumi.yaml").exists()
    assert other.environment["PULUMI_BACKEND_URL"].startswith("file://")
    assert not other.shared
    assert other.provider("prod") == "passphrase"


def test_the_users_own_backend_goes_before_a_move_and_may_be_others_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = place.planned("uid", "shop", "dev", parse("s3://b?region=r"))
    place.write("uid", "dev", Record(current=target))
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://theirs")

    found = workspace.of("uid", "dev")

    assert "PULUMI_BACKEND_URL" not in found.environment
    assert found.shared


def test_the_checkout_stays_as_it_is(checkout: Path) -> None:
    before = _contents(checkout)
    workspace.of("uid").write("dev", {"feastflow:edge": {"port": 9090}})
    workspace.of("uid").write("dev", {"feastflow:edge": {"port": 9091}})

    assert _contents(checkout) == before


def test_settings_that_are_the_same_are_not_written_again() -> None:
    written = workspace.of("uid")
    written.write("dev", {})
    before = {path.name: path.stat().st_mtime_ns for path in written.folder.iterdir()}
    workspace.of("uid").write("dev", {})

    assert {path.name: path.stat().st_mtime_ns for path in written.folder.iterdir()} == before


def test_the_project_is_the_checkouts_program_in_the_projects_environment(
    machine: Machine, checkout: Path
) -> None:
    (checkout / ".venv").symlink_to(machine.file("venv/x").parent)
    workspace.of("uid")

    project = _document("Pulumi.yaml")
    assert project["main"] == str(checkout)
    assert project["runtime"]["options"]["virtualenv"] == str(machine.root / "venv")


def test_an_unknown_stack_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError) as caught:
        workspace.of("uid").write("staging", {})

    assert "Pulumi.staging.yaml does not exist" in caught.value.found
    assert "choose one of dev, prod: make up STACK=dev" in caught.value.fix


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"config: {a", " is not YAML: while parsing a flow mapping: did not find"),
        (b"config:\n\t- a", " is not YAML: while scanning"),
        (b"config: \xff", " is not YAML: it holds bytes that are no text"),
        ("x".encode("utf-16"), " holds a str"),
        (b"- a\n- b\n", " holds a list where settings belong"),
        (b"text", " holds a str where settings belong"),
        (b"config: [a]", " holds a list where settings belong"),
        (b"config: text", " holds a str where settings belong"),
        (b"config: {a: 1, a: 2}", ": the key a is there twice (line 1)"),
        (b"config: {a:b:c: 1}", ": a:b:c is no key of a setting"),
    ],
)
def test_a_stack_file_that_holds_no_settings_is_refused_by_its_name(
    checkout: Path, content: bytes, words: str
) -> None:
    (checkout / "Pulumi.dev.yaml").write_bytes(content)

    with pytest.raises(UserError) as caught:
        workspace.settings("dev")

    assert caught.value.found.startswith(f"Pulumi.dev.yaml{words}")
    assert "Pulumi.dev.yaml" in caught.value.fix


def test_a_stack_file_that_cannot_be_opened_is_refused_by_its_name(checkout: Path) -> None:
    (checkout / "Pulumi.dev.yaml").unlink()
    (checkout / "Pulumi.dev.yaml").mkdir()

    with pytest.raises(UserError, match=r"Pulumi\.dev\.yaml: it cannot be opened \(Is a directory\)"):
        workspace.settings("dev")


def test_without_any_stack_the_first_one_is_to_be_written(checkout: Path) -> None:
    for path in checkout.glob("Pulumi.*.yaml"):
        path.unlink()

    with pytest.raises(UserError, match=r"begin Pulumi\.dev\.yaml with `config:`"):
        workspace.settings("dev")


@pytest.mark.parametrize("content", ["", "config:\n", "secretsprovider: x\n"])
def test_a_stack_file_without_settings_has_none(checkout: Path, content: str) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(content)

    assert workspace.settings("dev") == {}


def test_the_passphrase_is_made_once_and_only_its_owner_reads_it() -> None:
    first = workspace.of("uid").environment["PULUMI_CONFIG_PASSPHRASE_FILE"]
    text = Path(first).read_text()

    assert workspace.of("other").environment["PULUMI_CONFIG_PASSPHRASE_FILE"] == first
    assert Path(first).read_text() == text
    assert len(text) >= 32
    assert stat.S_IMODE(Path(first).stat().st_mode) == 0o600


def test_a_passphrase_that_was_being_written_when_the_power_went_is_made_again(machine: Machine) -> None:
    machine.file("state/feastflow/passphrase.draft", "ha").chmod(0o644)

    path = Path(workspace.of("uid").environment["PULUMI_CONFIG_PASSPHRASE_FILE"])

    assert len(path.read_text()) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_users_own_backend_and_passphrase_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://theirs")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "")

    assert workspace.of("uid").environment == {}
    assert not (cache.state_home() / "passphrase").exists()


def test_the_state_is_one_file_a_stack_so_that_no_kill_can_tear_a_second_one() -> None:
    assert workspace.of("uid").environment["PULUMI_BACKEND_URL"].endswith("/stacks/uid?metadata=skip")


def test_the_state_of_a_cluster_is_its_own_and_goes_with_it() -> None:
    first, second = workspace.of("uid"), workspace.of("other")
    assert first.environment["PULUMI_BACKEND_URL"] != second.environment["PULUMI_BACKEND_URL"]

    workspace.forget("uid")

    assert sorted(path.name for path in (cache.state_home() / "workspaces").iterdir()) == ["other"]
    assert sorted(path.name for path in (cache.state_home() / "stacks").iterdir()) == ["other"]
