"""The engine: the user's own where it can fetch kind's node image, else Debian's Podman, kept apart."""

import os
import re
from pathlib import Path

import pytest

from tools.cluster import engine
from tools.cluster.engine import Engine
from tools.toolchain import cache
from tools.toolchain.errors import UserError

from .fakes import Machine

_DEBIAN = ("podman", "runc", "conmon", "mmdebstrap", "iptables", "ip")
_SILENT = 'echo "cannot connect to the daemon" >&2; exit 1'
_OFFLINE = 'case "$1" in info) ;; *) echo "no such host" >&2; exit 1 ;; esac'


@pytest.fixture(autouse=True)
def root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be root; returns where the project keeps what a reboot may take."""
    assert engine.RUNTIME.is_relative_to(machine.root), "conftest.py must keep this test from the real /run"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return machine.root / "run"


def _debian(machine: Machine, podman: str = _OFFLINE) -> None:
    for name in _DEBIAN:
        machine.program(name, podman if name == "podman" else "")


def test_a_docker_that_answers_and_can_fetch_the_node_image_is_chosen(machine: Machine) -> None:
    machine.program("docker")
    machine.program("podman")

    chosen = engine.choose()

    assert (chosen.command, chosen.own) == ("docker", False)
    assert "docker answers" in chosen.why
    assert machine.calls("podman") == []


def test_a_docker_that_has_the_node_image_is_chosen_without_a_network(machine: Machine) -> None:
    machine.program("docker", '[ "$1" != manifest ]')

    assert engine.choose().command == "docker"
    assert machine.called("docker", "manifest") == []


def test_a_podman_is_chosen_where_docker_is_only_a_client(machine: Machine) -> None:
    machine.program("docker", _SILENT)
    machine.program("podman")

    chosen = engine.choose()

    assert (chosen.command, chosen.own) == ("podman", False)
    assert machine.calls("docker") == ["info"]


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_kind_is_told_which_engine_was_chosen(machine: Machine, name: str) -> None:
    machine.program(name)

    assert engine.choose().environment == {"KIND_EXPERIMENTAL_PROVIDER": name}


def test_a_docker_that_answers_but_cannot_fetch_the_node_image_gives_way_to_podman_from_debian(
    machine: Machine, root: Path
) -> None:
    machine.program("docker", _OFFLINE)
    _debian(machine)

    chosen = engine.choose()

    assert (chosen.command, chosen.own) == ("podman", True)
    assert "no engine answers that can fetch kind's node image" in chosen.why
    assert machine.called("docker", "manifest inspect docker.io/kindest/node")
    assert chosen.environment["KIND_EXPERIMENTAL_PROVIDER"] == "podman"
    storage = Path(chosen.environment["CONTAINERS_STORAGE_CONF"]).read_text()
    assert f'graphroot = "{cache.home()}/containers"' in storage
    assert f'runroot = "{root / engine.runtime().name}"' in storage


def test_the_own_podman_lives_by_files_of_the_project_and_touches_no_settings_of_the_user(
    machine: Machine,
) -> None:
    _debian(machine)
    theirs = machine.file("home/.config/containers/storage.conf", "theirs")

    for name, file in engine.own().environment.items():
        assert name.startswith("KIND_") or Path(file).is_relative_to(cache.state_home())
    assert theirs.read_text() == "theirs"
    assert sorted(path.name for path in (machine.root / "home").iterdir()) == [".config"]


def test_who_is_not_root_and_has_no_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(UserError) as caught:
        engine.choose()

    assert "user 1000 is not root" in caught.value.found
    assert "sudo make up" in caught.value.fix
    assert "CONTEXT=" in caught.value.fix


def test_who_is_not_root_may_use_an_engine_that_answers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("docker")

    assert engine.choose().command == "docker"


def test_networks_of_two_state_folders_have_names_of_their_own_since_netavark_goes_by_the_name(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _debian(machine)
    first = engine.own()
    monkeypatch.setenv("XDG_STATE_HOME", str(machine.root / "other"))
    second = engine.own()

    assert first.network != second.network
    for own in (first, second):
        assert own.environment["KIND_EXPERIMENTAL_PODMAN_NETWORK"] == own.network


def test_a_podman_that_was_never_used_is_asked_without_making_its_store(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("podman", '[ "$1" = info ] || exit 1')
    with pytest.raises(UserError, match="is not root"):
        engine.choose()

    (asked,) = machine.calls("podman")
    assert re.fullmatch(
        r"--root=/\S+ --runroot=/\S+ --storage-driver=vfs manifest inspect docker\.io/kindest/node:\S+", asked
    )


def test_a_podman_that_has_the_node_image_needs_no_network(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    store = "home/.local/share/containers/storage/overlay-images"
    machine.file(f"{store}/images.json", '[{"names": null}, {"names": ["docker.io/kindest/node:latest"]}]')
    machine.program("podman", '[ "$1" = info ]')

    assert engine.choose().command == "podman"
    assert machine.calls("podman") == ["info"]


@pytest.mark.parametrize("images", ["[]", "torn", '[{"id": "1"}]'])
def test_a_podmans_store_is_read_and_never_mounted(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, images: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.file("home/.local/share/containers/storage/overlay-images/images.json", images)
    machine.program("podman", "exit 1")

    with pytest.raises(UserError, match="is not root"):
        engine.choose()
    assert [call.split()[0].split("=")[0] for call in machine.calls("podman")] == ["--root"]


def test_a_machine_without_apt_is_told_what_is_missing() -> None:
    with pytest.raises(UserError, match=r"podman, runc, conmon, mmdebstrap, iptables, ip: not on PATH"):
        engine.choose()


def test_debians_packages_are_installed_only_where_a_program_is_missing(machine: Machine) -> None:
    _debian(machine)
    machine.program("apt-get")
    engine.own()
    assert machine.calls("apt-get") == []

    (machine.bin / "runc").unlink()
    engine.own()

    update, install = machine.calls("apt-get")
    assert update == "update"
    assert install.startswith("install -y --no-install-recommends podman runc netavark")


def test_packages_that_cannot_be_installed_are_refused_with_what_apt_said(machine: Machine) -> None:
    machine.program("apt-get", 'echo "E: Unable to locate package netavark"; exit 100')

    with pytest.raises(UserError, match=r"Unable to locate package netavark(.|\n)*sources\.list"):
        engine.own()


def test_taking_away_installs_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.program("apt-get")
    assert engine.present() is None
    _debian(machine)
    assert engine.present() == engine.own()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert engine.present() is None
    assert machine.calls("apt-get") == []


def _build(machine: Machine, built_by: Engine) -> None:
    built_by.build(
        "localhost/feastflow/backend:1",
        dockerfile=Path("/demo/Dockerfile"),
        context=Path("/demo"),
        arguments={"BASE_IMAGE": "debian"},
        log=machine.file("build.log"),
    )


def test_an_image_that_is_there_is_not_built_again(machine: Machine) -> None:
    machine.program("docker")
    _build(machine, Engine(command="docker", own=False, why=""))

    assert machine.calls("docker") == ["image inspect localhost/feastflow/backend:1"]


def test_only_the_own_podman_builds_in_a_chroot_and_pulls_nothing(machine: Machine) -> None:
    machine.program("podman", '[ "$1" != image ]')
    _build(machine, Engine(command="podman", own=True, why=""))
    _build(machine, Engine(command="podman", own=False, why=""))

    ours, theirs = machine.called("podman", "build")
    assert "--isolation chroot --pull=never --build-arg BASE_IMAGE=debian" in ours
    assert "build --build-arg BASE_IMAGE=debian --file" in theirs


def test_a_machine_that_trusts_more_authorities_lends_them_to_the_build(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("docker", '[ "$1" != image ]')
    bundle = machine.file("ca.crt")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    _build(machine, Engine(command="docker", own=False, why=""))

    assert machine.called("docker", "build", f"--secret id=ca,src={bundle}")


def test_an_image_that_cannot_be_built_is_refused_with_its_last_words_and_the_log(machine: Machine) -> None:
    machine.program("docker", '[ "$1" = build ] && echo "npm ERR! network"; exit 1')

    with pytest.raises(UserError) as caught:
        _build(machine, Engine(command="docker", own=False, why=""))

    assert "backend:1 could not be built\nnpm ERR! network" in caught.value.found
    assert str(machine.root / "build.log") in caught.value.fix
    assert (machine.root / "build.log").read_text() == "npm ERR! network\n"


_STORE = """
case "$1 $2" in
  "image ls") cat "$ROOT/images" ;;
  "image rm") [ "$3" != localhost/feastflow/node:2 ] || { echo "in use by a container" >&2; exit 2; } ;;
esac
"""


def _tidied(machine: Machine, command: str, *, own: bool) -> list[str]:
    """Return the engine's calls after node:4 was built and page:1 existed already."""
    names = (
        "node:4",
        "page:3",
        "node:3",
        "theirs:9",
        "node:2",
        "page:2",
        "node:1",
        "page:1",
        "<none>:<none>",
    )
    machine.file("images", "".join(f"localhost/feastflow/{name}\n" for name in names))
    machine.program(command, _STORE)
    chosen = Engine(command=command, own=own, why="")
    chosen.tidy("localhost/feastflow/node:4", "localhost/feastflow/page:1")
    return [call.replace("localhost/feastflow/", "") for call in machine.calls(command)[1:]]


def test_of_an_image_that_was_built_again_the_current_one_and_the_newest_other_one_stay(
    machine: Machine,
) -> None:
    removed = _tidied(machine, "docker", own=False)

    assert removed == ["image rm node:2", "image rm page:2", "image rm node:1"]


def test_only_the_own_engine_is_rid_of_what_has_no_name_and_not_of_what_spares_the_next_build(
    machine: Machine,
) -> None:
    assert "image prune --force --filter until=2h" in _tidied(machine, "podman", own=True)
    assert not [call for call in _tidied(machine, "docker", own=False) if "prune" in call]
