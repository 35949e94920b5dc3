"""`make render`: the same bytes from every process, a whole folder, and settings that cannot be rendered."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.render import __main__ as command
from tools.render import folder, program
from tools.stacks import workspace
from tools.toolchain.errors import UserError

from ..harness import localstack
from ..unit.recorder import ROOT

# The command, of a checkout whose file says everything.
_SCRIPT = """
import sys
from tests.harness import localstack
from tools.stacks import workspace
from tools.render import __main__ as command
workspace.settings = lambda stack: localstack.of(command._ROOT, stack)
command.main(sys.argv[1:])
"""
_HEAD = "# By `make render` STACK=dev: change the stack's settings, not this file.\n"


@pytest.fixture(autouse=True)
def team(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout whose files say everything."""
    settings = workspace.settings
    known = {stack: localstack.of(ROOT, stack) for stack in localstack.STACKS}
    monkeypatch.setattr(workspace, "settings", lambda stack: known.get(stack) or settings(stack))


def test_a_stack_that_was_told_nothing_yet_is_refused_with_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]
    monkeypatch.setattr(workspace, "settings", lambda _: told)

    with pytest.raises(UserError, match=r"pulumi config set --path feastflow:edge\.host") as caught:
        command.main(["--stack=dev", f"--out={tmp_path / 'out'}"])
    assert "pulumi config set --path feastflow:backend.image" in caught.value.found


def _render_elsewhere(out: Path) -> str:
    """Render in another process, whose sets and dictionaries have another order of hashes."""
    environment = {**os.environ, "PYTHONHASHSEED": "1", "KUBECONFIG": "/nonexistent"}
    line = [sys.executable, "-c", _SCRIPT, "--stack=dev", f"--out={out}"]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S603 - the project's own
    return done.stdout


def test_two_renderings_are_the_same_to_the_byte_whatever_the_process(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    said = _render_elsewhere(first)
    command.main(["--stack=dev", f"--out={second}"])

    assert {path.name: path.read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in second.iterdir()
    }
    texts = [path.read_text() for path in first.iterdir()]
    objects = sum(text.count("\n---\n") for text in texts)
    assert (objects, len(texts)) >= (52, 20)
    assert said == f"{objects} objects in {len(texts)} files: {first}\n"


_OF_DATABASE = ("database", "database-administrator", "database-authority", "database-tls")


def test_values_for_a_store_are_printed_into_a_pipe_and_written_nowhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.main(["--stack=dev", f"--out={tmp_path / 'out'}", "--values", "--secret-path=a/b/"])

    said = json.loads(capsys.readouterr().out)
    assert said.keys() >= {f"a/b/feastflow-secret-{each}-1" for each in ("backend", *_OF_DATABASE, "roles")}
    assert all(name.startswith("a/b/feastflow-secret-") for name in said)
    assert not (tmp_path / "out").exists()


def test_values_are_not_shown_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "objects", lambda *_: [])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)

    with pytest.raises(UserError, match="standard output is a terminal"):
        command.main(["--values"])


@pytest.mark.parametrize("store", ["vault", "Secret/vault", "SecretStore/"])
def test_a_store_that_is_none_is_refused_as_it_was_given(store: str) -> None:
    with pytest.raises(UserError, match=f"SECRET_STORE is '{store}'"):
        command.main(["--secret-store", store])


def test_a_stack_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="there is no stack nope"):
        command.main(["--stack", "nope"])


def test_what_cannot_be_deployed_is_not_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {**workspace.settings("dev"), "feastflow:database": {"storage": "plenty"}}
    monkeypatch.setattr(workspace, "settings", lambda _: wrong)
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")

    with pytest.raises(UserError, match=r"feastflow:database\.storage\n +found: .plenty"):
        command.main(["--stack=dev", f"--out={tmp_path / 'out'}"])
    assert not (tmp_path / "out").exists()


def test_the_environment_names_images_before_the_stacks_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND_IMAGE", "registry.example.com/api:2")

    assert command._config("dev")["feastflow:backend"]["image"] == "registry.example.com/api:2"


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    folder.write(out, {"00-x.yaml": _HEAD, "01-y.yaml": _HEAD})
    folder.write(out, {"00-x.yaml": f"{_HEAD}---\n"})

    assert [path.name for path in out.iterdir()] == ["00-x.yaml"]
    assert [path.name for path in out.parent.iterdir()] == ["b"]


def test_a_folder_that_is_half_written_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    folder.write(out, {"00-x.yaml": f"{_HEAD}old"})
    monkeypatch.setattr(Path, "write_text", _full)

    with pytest.raises(OSError, match="no space"):
        folder.write(out, {"00-x.yaml": f"{_HEAD}new"})
    assert (out / "00-x.yaml").read_bytes() == f"{_HEAD}old".encode()


@pytest.mark.parametrize("name", ["notes.md", "mine.yaml", ".git"])
def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("kind: Mine\n")

    with pytest.raises(UserError, match="holds what no rendering wrote"):
        folder.write(tmp_path, {"00-x.yaml": _HEAD})
    assert (tmp_path / name).exists()


def _full(*_: object, **__: object) -> int:
    raise OSError(28, "no space left on the device")
