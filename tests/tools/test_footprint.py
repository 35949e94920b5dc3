"""The own Podman's traces: they are deleted, and nothing else is."""

import json
from pathlib import Path

import pytest

from tools.cluster import engine, footprint
from tools.cluster.engine import Engine

from .fakes import Machine

# As a kind network on netavark 1.4 writes them, by table, and as they were found before it was made.
_USERS = [
    "filter -N DOCKER-USER",
    "filter -A INPUT -s 192.0.2.0/24 -j DROP",
    'filter -A FORWARD -m comment --comment "the user\'s own" -j DOCKER-USER',
    "nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
]
_NETAVARKS = [
    "filter -N NETAVARK_FORWARD",
    'filter -A FORWARD -m comment --comment "netavark firewall plugin rules" -j NETAVARK_FORWARD',
    "filter -A NETAVARK_FORWARD -s 10.89.0.0/24 -j ACCEPT",
    "nat -N NETAVARK-62F930FC96F2B",
    "nat -N NETAVARK-HOSTPORT-DNAT",
    "nat -A PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT",
    "nat -A NETAVARK-62F930FC96F2B ! -d 224.0.0.0/4 -j MASQUERADE",
    'nat -A NETAVARK-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: kind id: 8" -j NETAVARK-DN-6',
]


def test_only_rules_that_netavark_added_go_each_in_the_words_it_was_made_with() -> None:
    commands = footprint.removals(_USERS, [*_USERS, *_NETAVARKS])

    assert [" ".join(command) for command in commands if "-D" in command] == [
        "-t filter -D FORWARD -m comment --comment netavark firewall plugin rules -j NETAVARK_FORWARD",
        "-t filter -D NETAVARK_FORWARD -s 10.89.0.0/24 -j ACCEPT",
        "-t nat -D PREROUTING -m addrtype --dst-type LOCAL -j NETAVARK-HOSTPORT-DNAT",
        "-t nat -D NETAVARK-62F930FC96F2B ! -d 224.0.0.0/4 -j MASQUERADE",
        "-t nat -D NETAVARK-HOSTPORT-DNAT -p tcp -m comment --comment dnat name: kind id: 8 -j NETAVARK-DN-6",
    ]


def test_a_comment_of_several_words_is_one_argument() -> None:
    commands = footprint.removals([], _NETAVARKS)

    assert "netavark firewall plugin rules" in commands[0]


def test_chains_are_emptied_and_then_deleted_after_the_rules_that_refer_to_them() -> None:
    actions = [command[2] for command in footprint.removals([], _NETAVARKS)]

    assert actions == ["-D"] * 5 + ["-F"] * 3 + ["-X"] * 3
    chains = [command[3] for command in footprint.removals([], _NETAVARKS) if command[2] == "-X"]
    assert chains == ["NETAVARK_FORWARD", "NETAVARK-62F930FC96F2B", "NETAVARK-HOSTPORT-DNAT"]


def test_rules_that_were_there_before_stay_netavarks_too_and_so_do_foreign_ones_made_since() -> None:
    assert footprint.removals(_NETAVARKS, [*_NETAVARKS, *_USERS]) == []


@pytest.fixture
def own(machine: Machine) -> Engine:
    """Return an own Podman without containers, and what it left behind."""
    for real in (engine.RUNTIME, footprint._MODULES, footprint._CGROUPS, footprint._NAMESPACES):
        assert real.is_relative_to(machine.root), "conftest.py must keep this test from the real machine"
    assert not footprint.SYSCTLS
    machine.file(f"run/{engine.runtime().name}/lock")
    machine.file("cgroup/cpu/tasks")
    asked = '"network ls --quiet") printf "kind\\npodman\\n" ;; "network inspect"*) echo podman7 ;;'
    machine.program("podman", f'case "$*" in {asked} esac')
    machine.program("umount", "exit 99")
    machine.program("ip")
    machine.file("rules.filter", "-P INPUT ACCEPT\n-N MINE\n-N NETAVARK_OLD\n")
    machine.program("iptables", '[ "$3" != -S ] || cat "$ROOT/rules.$2"')
    return Engine(command="podman", own=True, why="")


def _record() -> Path:
    return engine.runtime() / "before.json"


@pytest.mark.usefixtures("own")
def test_what_was_there_is_written_down_once(machine: Machine) -> None:
    footprint.record()
    machine.file("rules.filter", "-N NETAVARK_FORWARD\n")
    footprint.record()

    known = json.loads(_record().read_text())
    assert known["rules"]["iptables"] == ["filter -N MINE", "filter -N NETAVARK_OLD"]
    assert known["rules"]["ip6tables"] == []
    assert known["modules"] is False
    assert (machine.root / "modules").is_dir()


def test_erasing_leaves_the_machine_as_it_was_written_down(own: Engine, machine: Machine) -> None:
    footprint.record()
    machine.file("rules.filter", "-N MINE\n-N NETAVARK_OLD\n-N NETAVARK_FORWARD\n-N NEWER\n")
    (machine.root / "cgroup" / "cpu" / "libpod_parent" / "conmon").mkdir(parents=True)

    footprint.erase(own)

    changes = [call for call in machine.calls("iptables") if not call.endswith("-S")]
    assert changes == ["-t filter -F NETAVARK_FORWARD", "-t filter -X NETAVARK_FORWARD"]
    assert machine.called("podman", "network rm") == ["network rm --force kind"]
    assert machine.calls("ip") == ["link delete podman7 type bridge"]
    assert not (machine.root / "modules").exists()
    assert not (machine.root / "run").exists()
    assert not (machine.root / "cgroup" / "cpu" / "libpod_parent").exists()
    assert not _record().exists()
    assert machine.calls("umount") == [str(machine.root / "netns")]


def test_what_another_podmans_containers_live_by_stays(own: Engine, machine: Machine) -> None:
    footprint.record()
    machine.file("rules.filter", "-N NETAVARK_FORWARD\n")
    machine.file("interfaces/podman1/bridge")
    footprint.erase(own)

    assert [call for call in machine.calls("iptables") if not call.endswith("-S")] == []


def test_a_module_folder_that_was_there_stays(own: Engine, machine: Machine) -> None:
    (machine.root / "modules").mkdir()
    footprint.record()
    footprint.erase(own)

    assert (machine.root / "modules").is_dir()


def test_the_folder_of_network_namespaces_stays_mounted_while_one_is_in_it(
    own: Engine, machine: Machine
) -> None:
    footprint.record()
    machine.file("netns/theirs")
    footprint.erase(own)

    assert machine.calls("umount") == []


@pytest.mark.parametrize("known", [True, False])
def test_the_folder_of_network_namespaces_is_deleted_if_it_was_not_there(
    own: Engine, machine: Machine, *, known: bool
) -> None:
    folder = machine.root / "netns"
    if known:
        folder.mkdir()
    footprint.record()
    folder.mkdir(exist_ok=True)
    footprint.erase(own)

    assert folder.exists() == known


def test_what_was_not_recorded_is_left_as_it_is(own: Engine, machine: Machine) -> None:
    (machine.root / "modules").mkdir()
    _record().write_text('{"rules": {"ipta')
    machine.file("rules.filter", "-N NETAVARK_FORWARD\n")
    footprint.erase(own)

    assert (machine.root / "modules").is_dir()
    assert machine.calls("umount") == []
    assert machine.calls("iptables") == []
