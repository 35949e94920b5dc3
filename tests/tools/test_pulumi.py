"""The Pulumi CLI: the official one if installed, else one compiled here with its plugins."""

import os
from pathlib import Path

import pytest

from tools.toolchain import cache, pins, pulumi, scratch
from tools.toolchain.errors import UserError

from .fakes import Heard, Machine, with_go

VENV = Path("/checkout/.venv")


def _compiles(machine: Machine) -> None:
    with_go(machine)
    for script in pulumi._SCRIPTS:
        machine.file(f"modules/{pulumi._SDK}/{script}", "#!/bin/sh\n")
    for file in pins.PULUMI_BUILD.embeds.values():
        machine.file(f"modules/{file.replace('//', '/')}", "{}")


def test_the_official_cli_on_path_is_preferred_and_keeps_its_own_plugins(
    machine: Machine, step: Heard
) -> None:
    official = machine.program("pulumi", "echo v3.200.0")
    with_go(machine)

    found = pulumi.ensure(VENV, step)

    assert found.executable == official
    assert found.official
    assert found.lasting == {"PATH": f"{VENV}/bin{os.pathsep}{machine.bin}"}
    assert machine.calls("go") == []
    assert "v3.200.0" in step.results[0]


@pytest.mark.parametrize(("said", "shown"), [("v2.25.2", "v2.25.2"), ("v30.0.0", "v30.0.0"), ("", "unknown")])
def test_another_pulumi_than_3_is_refused_by_its_version(
    machine: Machine, step: Heard, said: str, shown: str
) -> None:
    machine.program("pulumi", f"echo '{said}'")

    with pytest.raises(UserError) as caught:
        pulumi.ensure(VENV, step)

    assert shown in caught.value.found
    assert str(machine.bin / "pulumi") in caught.value.found
    assert "take `pulumi` off PATH" in caught.value.fix


def test_without_the_official_cli_and_without_go_there_is_none(step: Heard) -> None:
    with pytest.raises(UserError, match="there is no `go` on PATH"):
        pulumi.ensure(VENV, step)


def test_the_compiled_cli_has_its_language_host_next_to_it(machine: Machine, step: Heard) -> None:
    _compiles(machine)

    made = pulumi.ensure(VENV, step)

    commands = made.executable.parent
    assert not made.official
    assert made.executable.name == "pulumi"
    assert {path.name for path in commands.iterdir()} == {
        "pulumi",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-analyzer-policy-python",
        "pulumi-resource-pulumi-python",
    }
    assert os.access(commands / "pulumi-language-python-exec", os.X_OK)
    assert made.environment["PATH"].split(os.pathsep)[:2] == [f"{VENV}/bin", str(commands)]


def test_plugins_are_where_the_engine_looks_by_links_to_the_cache_and_not_on_path(
    machine: Machine, step: Heard
) -> None:
    _compiles(machine)

    made = pulumi.ensure(VENV, step)

    plugins = Path(made.environment["PULUMI_HOME"]) / "plugins"
    for name, version in (("kubernetes", pins.PULUMI_KUBERNETES), ("random", pins.PULUMI_RANDOM)):
        link = plugins / f"resource-{name}-v{version}" / f"pulumi-resource-{name}"
        assert link.readlink().is_relative_to(cache.home())
        assert link.read_text() == f"compiled ./pulumi-resource-{name}\n"
        for folder in made.environment["PATH"].split(os.pathsep):
            assert not (Path(folder) / link.name).exists()


@pytest.mark.parametrize("official", [True, False])
def test_temporary_files_go_where_this_command_removes_them_and_a_shell_keeps_its_own(
    machine: Machine, step: Heard, *, official: bool
) -> None:
    if official:
        machine.program("pulumi", "echo v3.200.0")
    else:
        _compiles(machine)

    made = pulumi.ensure(VENV, step)

    assert made.environment == made.lasting | {"TMPDIR": str(scratch.folder())}
    assert "TMPDIR" not in made.lasting


def test_a_second_time_nothing_is_compiled_and_a_wrong_link_is_repaired(
    machine: Machine, step: Heard
) -> None:
    _compiles(machine)
    made = pulumi.ensure(VENV, step)
    before = machine.calls("go")
    link = next(Path(made.environment["PULUMI_HOME"]).glob("plugins/*random*/*"))
    target = link.readlink()
    link.unlink()
    link.symlink_to("/nonexistent")

    assert pulumi.ensure(VENV, step) == made
    assert machine.calls("go") == before
    assert link.readlink() == target
