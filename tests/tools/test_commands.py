"""The commands behind `make`: wrong arguments are refused at once; two never act on one stack together."""

import re
import threading
from pathlib import Path

import pytest

from tools.cli import __main__ as local_command
from tools.cli import application, commands, overrides
from tools.cli.images import AppImages
from tools.cluster import __main__ as cluster_command
from tools.cluster.handle import Cluster
from tools.stacks import target, workspace
from tools.stacks.options import Options
from tools.stacks.target import Target
from tools.state import burial, place
from tools.state.place import Place
from tools.toolchain import __main__ as toolchain_command
from tools.toolchain import cache, scratch, turn
from tools.toolchain.errors import UserError

from .fakes import Machine, with_go, with_kind

pytestmark = pytest.mark.usefixtures("checkout")

THEIRS = Options(stack="dev", context="theirs", cluster="x", port=8080)


def test_an_unknown_stack_is_refused_before_anything_is_looked_for(machine: Machine) -> None:
    with pytest.raises(UserError, match=r"Pulumi\.nope\.yaml does not exist"):
        commands.up(Options(stack="nope", context="theirs", cluster="x", port=8080))

    assert machine.calls("pulumi") == []
    assert machine.calls("kubectl") == []


def test_an_image_that_was_not_named_is_refused_for_a_cluster_of_the_users() -> None:
    with pytest.raises(UserError) as caught:
        commands.preview(THEIRS)

    assert caught.value.found == "no image is named for the backend"
    assert "make up CONTEXT=theirs BACKEND_IMAGE=registry.example.com" in caught.value.fix


@pytest.mark.parametrize("settings", ["feastflow:backend: {image: api:1}", "feastflow:backend: null"])
def test_images_are_named_by_the_environment_before_the_stacks_settings(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(
        f"config:\n  {settings}\n  feastflow:frontend: {{image: page:1}}\n"
    )
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")

    assert overrides.named_images(THEIRS) == {
        "feastflow:backend": {"image": "api:2"},
        "feastflow:frontend": {"image": "page:1"},
    }


def test_a_shell_is_given_pulumi_for_the_stack_and_no_folder_that_ends_with_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands.shell(THEIRS)

    assignments = capsys.readouterr().out
    folder = workspace.of("uid-1", "dev").folder
    assert "export PULUMI_BACKEND_URL=" in assignments
    assert scratch.function(f"-C {folder}") in assignments
    assert str(scratch.folder()) not in assignments


@pytest.mark.parametrize(("tls", "above"), [("{enabled: true}", 363), ("{enabled: false}", 0), ("{}", 0)])
def test_the_local_clusters_ports_and_images_are_set_where_the_stacks_file_names_none(
    checkout: Path, standing: Cluster, tls: str, above: int
) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(
        f"config:\n  feastflow:namespace: shop\n"
        f"  feastflow:backend: {{image: theirs:1}}\n  feastflow:edge: {{host: a.test, tls: {tls}}}\n"
    )
    built = AppImages(by_tier={"backend": "theirs:1", "frontend": "page:2", "database": "postgres:15-2"})
    local = Target(context="kind-x", kubeconfig=None, kubectl=Path("kubectl"), identity="1", local=standing)

    assert overrides.of(local, THEIRS, built) == {
        "kubernetes:context": "kind-x",
        "feastflow:cluster": {"zones": 3},
        "feastflow:edge": {"port": standing.port + above, "attempts": 16},
        "feastflow:frontend": {"image": "page:2"},
        "feastflow:database": {"image": "postgres:15-2"},
    }


@pytest.mark.parametrize(
    ("pooler", "named", "image"),
    [("{}", True, "pgbouncer:1.24-1"), ("{image: 'theirs:1.25'}", False, None), ("null", False, None)],
)
def test_a_pooler_has_the_image_that_is_built_here_where_the_stacks_file_names_none(
    checkout: Path, standing: Cluster, pooler: str, image: str | None, *, named: bool
) -> None:
    (checkout / "Pulumi.dev.yaml").write_text(
        f"config:\n  feastflow:namespace: shop\n  feastflow:database: {{pooler: {pooler}}}\n"
        "  feastflow:edge: {host: a.test}\n"
    )
    assert application.wanted(workspace.settings("dev")).pooler is named
    built = AppImages(
        by_tier={"backend": "api:1", "frontend": "page:2", "database": "postgres:15-2"}, pooler=image
    )
    local = Target(context="kind-x", kubeconfig=None, kubectl=Path("kubectl"), identity="1", local=standing)

    set_here = {"image": "postgres:15-2", **({"pooler": {"image": image}} if image else {})}
    assert overrides.of(local, THEIRS, built)["feastflow:database"] == set_here


def test_a_folder_is_not_built_for_a_cluster_of_the_users(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP", "shop")

    with pytest.raises(UserError, match="APP is shop, and theirs is a cluster of yours") as caught:
        commands.up(THEIRS)
    assert "make up CONTEXT=theirs BACKEND_IMAGE=" in caught.value.fix
    assert machine.calls("pulumi") == []


def test_a_preview_is_of_the_settings_as_they_are_now(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    commands.preview(THEIRS)

    written = (cache.state_home() / "workspaces" / "uid-1" / "Pulumi.dev.yaml").read_text()
    assert "image: api:2" in written
    assert "kubernetes:context: theirs" in written
    assert machine.called("pulumi", "preview --diff")
    assert capsys.readouterr().out.endswith("said\n\n")


@pytest.mark.parametrize("command", ["preview", "up", "destroy", "rollback"])
def test_where_the_state_has_left_nothing_is_deployed_and_the_user_is_told_where_it_is(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("BACKEND_IMAGE", "api:2")
    gone = Place(url="s3://team-state?region=r", secrets="", name="", local=False)
    burial.put(place.first("uid-1"), "shop", "dev", gone, "f")

    with pytest.raises(UserError, match="the state of dev has moved to s3://team-state") as caught:
        getattr(commands, command)(THEIRS)

    assert "make backend BACKEND='s3://team-state?region=r' CONTEXT=theirs" in caught.value.fix
    assert machine.called("pulumi", " up ") == []
    assert machine.called("pulumi", "preview") == []


def test_nothing_is_destroyed_while_another_command_acts_on_the_cluster(machine: Machine) -> None:
    work = threading.Thread(target=commands.destroy, args=[THEIRS])
    with turn.state(target.named("theirs").identity):
        work.start()
        work.join(0.05)
        assert work.is_alive()
        assert machine.calls("pulumi") == []
    work.join(10)

    assert machine.called("pulumi", "destroy")
    assert machine.called("pulumi", "stack rm")


def test_down_takes_only_the_stack_from_a_cluster_of_the_users(machine: Machine) -> None:
    commands.down(THEIRS)

    assert machine.called("pulumi", "destroy")
    assert machine.called("kubectl", "delete") == []


def test_a_stack_that_is_not_there_needs_no_destroying(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.file("stacks", "[]")
    commands.destroy(THEIRS)

    assert "there is no stack dev on theirs" in capsys.readouterr().out
    assert machine.called("pulumi", "destroy") == []


@pytest.mark.parametrize("command", ["rollback", "adopt", "status", "destroy"])
def test_without_a_cluster_there_is_nothing_to_look_at_and_up_is_named(
    machine: Machine, command: str
) -> None:
    with pytest.raises(UserError, match=r"the local cluster x does not run(.|\n)*make up"):
        local_command.main([command, "--cluster", "x"])
    assert machine.calls("pulumi") == []


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "²", "80 80"])
def test_a_port_that_is_none_is_refused_as_it_was_given(port: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"PORT is {port!r}")):
        local_command.main(["up", f"--port={port}"])


@pytest.mark.parametrize("name", ["a/b", "Feast", "-x"])
def test_a_cluster_that_cannot_be_named_so_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"CLUSTER is {name!r}")):
        local_command.main(["up", f"--cluster={name}"])


def test_an_empty_variable_of_make_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Options] = []
    monkeypatch.setitem(local_command._COMMANDS, "up", given.append)
    for name in ("STACK", "CONTEXT", "CLUSTER", "PORT"):
        monkeypatch.setenv(name, "")
    local_command.main(["up"])
    monkeypatch.setenv("PORT", "9090")
    monkeypatch.setenv("STACK", "prod")
    local_command.main(["up"])

    assert given == [
        Options(stack="dev", context=None, cluster="feastflow", port=8080),
        Options(stack="prod", context=None, cluster="feastflow", port=9090),
    ]


@pytest.mark.parametrize("port", ["0", "70000", "http"])
def test_the_cluster_by_itself_wants_a_port_too(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cluster_command.main(["up", "--port", port])

    assert end.value.code == 2
    assert f"'{port}' is not a port from 1 to 65172" in capsys.readouterr().err


def test_a_command_for_a_cluster_that_was_never_made_says_how_to_make_it() -> None:
    with pytest.raises(UserError, match=r"there is no cluster y here(.|\n)*python -m tools.cluster up"):
        cluster_command.main(["--name", "y", "drain", "worker"])


def test_the_toolchains_assignments_are_all_that_eval_is_given(
    machine: Machine, checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_go(machine)
    tools = with_kind(machine)
    monkeypatch.setenv("PATH", f"{machine.bin}:/it's here")

    toolchain_command.main()

    told = capsys.readouterr()
    assert told.out == f"export PATH='{tools}:{checkout}/.venv/bin:{machine.bin}:/it'\"'\"'s here'\n"
    assert "ok toolchain" in told.err
