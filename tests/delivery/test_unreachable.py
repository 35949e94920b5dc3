"""`make preview` without a cluster, by the real engine: against a state or none, and what stays unknown."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.delivery.engine import Engine
from tools.delivery.program import Program
from tools.toolchain import pulumi
from tools.toolchain.console import Step

from ..documented import documented
from . import repository
from .repository import Repository

_PASSPHRASE = "of a test"
_OPEN = ("drift", "admission", "defaults", "readiness", "connection")


@dataclass(frozen=True, kw_only=True)
class Previewed:
    """A preview's output, and the files that it left in its temporary folder."""

    said: str
    left: tuple[str, ...]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, Path]:
    """Return a clone, and the state that a deployment of its dev stack left."""
    room = tmp_path_factory.mktemp("unreachable")
    clone = repository.made(room / "clone", ("dev", "prod"))
    with Step("toolchain", "looking for pulumi") as step:
        cli = pulumi.ensure(Path(sys.prefix), step)
    venv = Path(sys.prefix).resolve()
    engine = Engine(folder=room / "deployed", stack="dev", cli=cli, venv=venv, passphrase=_PASSPHRASE)
    assert engine.deploy(Program(folder=clone.folder)) == ""
    return clone, engine.folder / "state"


@pytest.fixture
def clone(deployed: tuple[Repository, Path]) -> Iterator[Repository]:
    """Yield the clone, as it was before each test."""
    yield deployed[0]
    deployed[0].git("checkout", "--quiet", ".")


def _typed(clone: Repository, room: Path, line: str, **environment: str) -> tuple[int, str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "KUBE"))}
    home = {"XDG_STATE_HOME": str(room / "state home"), "CLUSTER": "there-is-none", "PYTHON": sys.executable}
    done = subprocess.run(  # noqa: S603 - the developer's own command
        ["/bin/bash", "-e", "-c", line],
        cwd=clone.folder,
        env={**known, **home, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout


def _theirs(state: Path) -> str:
    """Return the line by which a developer names the team's state."""
    return documented(
        "export PULUMI_BACKEND_URL=s3://my-state AWS_PROFILE=me",
        {
            "s3://my-state": f"'file://{state}?metadata=skip'",
            "AWS_PROFILE=me": f"PULUMI_CONFIG_PASSPHRASE='{_PASSPHRASE}'",
        },
    )


def _files(state: Path) -> dict[str, bytes]:
    return {str(path.relative_to(state)): path.read_bytes() for path in state.rglob("*") if path.is_file()}


def test_against_the_stacks_state_only_what_differs_is_shown_replaces_too_and_nothing_is_written(
    clone: Repository, deployed: tuple[Repository, Path], tmp_path: Path
) -> None:
    before = _files(deployed[1])
    clone.edit(
        "components/postgres/standalone.py", "service_name=names.DATABASE_HEADLESS", 'service_name="other"'
    )
    code, said = _typed(clone, tmp_path, f"{_theirs(deployed[1])}; make preview STACK=dev")

    assert code == 0, said
    assert "+-kubernetes:apps/v1:StatefulSet: (replace)" in said
    assert '~ serviceName: "postgres-headless" => "other"' in said
    assert "+-1 to replace" in said
    assert "to create" not in said
    assert "No cluster was asked." in said
    assert all(f"\n  {word} " in said for word in _OPEN)
    assert _files(deployed[1]) == before


def test_a_stack_that_is_not_there_is_shown_as_created_and_is_not_made(
    clone: Repository, deployed: tuple[Repository, Path], tmp_path: Path
) -> None:
    before = _files(deployed[1])
    line = f"{_theirs(deployed[1])}; {documented('make preview STACK=prod')}"
    code, said = _typed(clone, tmp_path, line)

    assert code == 0, said
    assert f"There is no stack prod in file://{deployed[1]}" in said
    assert "everything is shown as created" in said
    assert "to update" not in said
    assert _files(deployed[1]) == before


@pytest.fixture(scope="module")
def of_nothing(deployed: tuple[Repository, Path], tmp_path_factory: pytest.TempPathFactory) -> Previewed:
    """Return a preview without a state, on a machine that has a kubeconfig of its user's."""
    room = tmp_path_factory.mktemp("of-nothing")
    config = room / "home" / ".kube" / "config"
    config.parent.mkdir(parents=True)
    cluster = "{name: a, cluster: {server: 'https://127.0.0.1:1'}}"
    context = "{name: a, context: {cluster: a, user: a}}"
    config.write_text(
        f"current-context: a\nclusters: [{cluster}]\ncontexts: [{context}]\nusers: [{{name: a}}]\n"
    )
    temporary = room / "temporary"
    temporary.mkdir()
    code, said = _typed(
        deployed[0],
        room,
        documented("make preview STACK=prod"),
        HOME=str(room / "home"),
        XDG_CACHE_HOME=os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache"),
        KUBECONFIG=str(config),
        TMPDIR=str(temporary),
    )
    assert code == 0, said
    return Previewed(said=said, left=tuple(path.name for path in temporary.iterdir()))


def test_without_any_state_everything_is_shown_as_created_and_rules_are_judged(of_nothing: Previewed) -> None:
    said = of_nothing.said
    assert "No cluster runs and PULUMI_BACKEND_URL names no stacks: everything is shown as created." in said
    assert "kubernetes-namespace" in said
    assert all(f"\n  {word} " in said for word in _OPEN)


def test_a_kubeconfig_that_the_machine_happens_to_have_is_not_used(of_nothing: Previewed) -> None:
    assert "127.0.0.1" not in of_nothing.said


def test_what_was_made_for_one_preview_is_gone(of_nothing: Previewed) -> None:
    assert [name for name in of_nothing.left if name.startswith("feastflow-preview-")] == []


def test_encrypted_settings_are_shown_as_secret_without_a_state_and_without_the_key(
    clone: Repository, tmp_path: Path
) -> None:
    secrets = {"ONE": {"secure": "v1:nonce:of-another-key"}}
    clone.configure("dev", feastflow__backend={"migrations": {"command": ["migrate"]}, "secrets": secrets})
    file = clone.folder / "Pulumi.dev.yaml"
    file.write_text(f"{file.read_text('utf-8')}encryptionsalt: v1:salt:v1:nonce:of-another-passphrase\n")

    code, said = _typed(clone, tmp_path, "make preview STACK=dev")

    assert code == 0, said
    assert "backend-application-secrets" in said
    assert "[secret]" in said
    assert "encrypted-" not in said
    assert "of-another" not in said
