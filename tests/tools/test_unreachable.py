"""`make preview` where no cluster runs: the state that it reads, and that it writes nothing there."""

from pathlib import Path

import pytest

from components.settings.file import stackfile
from tools.cli import commands
from tools.cluster import lifecycle
from tools.stacks import workspace
from tools.stacks.options import Options
from tools.toolchain import cache, environment, unreachable

from .fakes import Machine

_OURS = Options(stack="dev", context=None, cluster="x", port=8080)
_PULUMI = """
echo "$PULUMI_BACKEND_URL $KUBECONFIG '$KUBERNETES_SERVICE_HOST'" >> "$ROOT/environment"
while [ "$1" != -C ] && [ $# -gt 1 ]; do shift; done
case "$*" in
  version) echo v3.200.0 ;;
  *"stack export"*)
    grep -q dev "$ROOT/stacks" || { echo "error: no stack named 'dev' found" >&2; exit 255; }
    echo '{}' ;;
  *preview*) cp "$2/Pulumi.dev.yaml" "$ROOT/settings"; echo the changes ;;
esac
"""


@pytest.fixture(autouse=True)
def checkout(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with one stack, the official pulumi, and no cluster."""
    machine.file("checkout/Pulumi.yaml", "runtime: {name: python, options: {}}\n")
    machine.file(
        "checkout/Pulumi.dev.yaml",
        "config: {feastflow:namespace: shop, kubernetes:kubeconfig: text, kubernetes:context: theirs}\n",
    )
    link = machine.file("checkout/.venv/bin/activate").parent.parent
    monkeypatch.setattr(workspace, "_ROOT", link.parent)
    monkeypatch.setattr(environment, "_LINK", link)
    monkeypatch.setattr(lifecycle, "find", lambda _: None)
    machine.program("pulumi", _PULUMI)
    machine.file("stacks", '[{"name": "organization/feastflow/dev"}]')
    return link.parent


def test_the_users_stack_is_compared_and_neither_made_nor_selected(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://theirs")
    commands.preview(_OURS)

    assert machine.called("pulumi", "preview --diff", "--policy-pack")
    assert machine.called("pulumi", "select") == machine.called("pulumi", "init") == []
    said = capsys.readouterr().out
    assert "the changes" in said
    assert "No cluster was asked." in said
    assert "everything is shown as created" not in said


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        ("s3://theirs", "There is no stack dev in s3://theirs: everything is shown as created."),
        ("", "PULUMI_BACKEND_URL names no stacks: everything is shown as created."),
    ],
)
def test_without_such_a_stack_an_empty_state_of_its_own_is_taken_and_that_is_said(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    backend: str,
    why: str,
) -> None:
    machine.file("stacks", "[]")
    if backend:
        monkeypatch.setenv("PULUMI_BACKEND_URL", backend)
    commands.preview(_OURS)

    used = {line.split()[0] for line in (machine.root / "environment").read_text().splitlines()[-2:]}
    assert len(used) == 1
    assert used.pop().startswith("file://")
    assert machine.called("pulumi", "select dev --create")
    assert why in capsys.readouterr().out
    assert list((cache.state_home() / "workspaces").iterdir()) == []
    assert list((cache.state_home() / "stacks").glob("*")) == []


def test_no_cluster_that_happens_to_be_near_is_asked(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/theirs")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    commands.preview(_OURS)

    last = (machine.root / "environment").read_text().splitlines()[-1]
    assert last.endswith(f"{unreachable.KUBECONFIG} ''")


def test_the_preview_is_of_the_stacks_file_with_the_images_that_are_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    commands.preview(_OURS)
    settings = (machine.root / "settings").read_text()

    assert "image: api:2" in settings
    assert "feastflow:namespace: shop" in settings
    assert "kubernetes:context: theirs" in settings
    assert "kubernetes:kubeconfig" not in settings


def test_a_stack_of_the_local_cluster_alone_is_previewed_under_its_local_name(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.preview(_OURS)
    settings = stackfile.read((machine.root / "settings").read_bytes()).config

    assert settings["feastflow:edge"]["host"] == "shop.localhost"
    assert settings["feastflow:backend"]["migrations"]["command"] == [
        "python3",
        "-m",
        "feastflow_api.migrate",
    ]

    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    commands.preview(_OURS)
    settings = stackfile.read((machine.root / "settings").read_bytes()).config
    assert settings["feastflow:backend"] == {"image": "api:2"}


def test_to_a_stack_with_a_host_of_its_own_nothing_of_the_local_cluster_is_added(
    machine: Machine, checkout: Path
) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config: {feastflow:edge: {host: shop.example.com}}\n")
    commands.preview(_OURS)

    config = stackfile.read((machine.root / "settings").read_bytes()).config
    assert config == {"feastflow:edge": {"host": "shop.example.com"}}
