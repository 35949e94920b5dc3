"""Releases: the target of a rollback, and what a rollback leaves as it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.cli import commands
from tools.stacks import smoke, workspace
from tools.stacks.releases import Releases
from tools.toolchain import cache
from tools.toolchain.errors import UserError

from .fakes import Machine
from .test_commands import THEIRS

pytestmark = pytest.mark.usefixtures("checkout")

_PULUMI = """
case "$*" in
  version) echo v3.200.0 ;;
  *" ls "*) echo '[{"name": "dev"}]' ;;
  *" export "*) echo '{}' ;;
  *" output "*)
    told=$(cat "$ROOT/digest" 2>/dev/null || :)
    echo '{"url": "http://x", "configuration": "'"$told"'", "commands":
      {"pods": "", "backendLogs": "", "psql": ""}}' ;;
  *" up "*) [ ! -e "$ROOT/error" ] || exit 1 ;;
esac
"""


@pytest.fixture
def releases(machine: Machine) -> Releases:
    """Return a stack's releases, none yet."""
    return Releases(folder=machine.root / "releases")


def _image(tag: str, **more: Any) -> dict[str, Any]:
    return {"feastflow:backend": {"image": f"api:{tag}"}, **more}


def _released(releases: Releases, *configs: dict[str, Any]) -> None:
    for config in configs:
        releases.begin(config)
        releases.finished({})
        releases.worked()


def test_a_release_that_failed_is_gone_back_from_to_the_last_that_worked(releases: Releases) -> None:
    _released(releases, _image("1"), _image("2"))
    releases.begin(_image("3"))

    assert releases.settings(releases.earlier()) == _image("2")


def test_a_release_that_worked_is_gone_back_from_to_the_one_before(releases: Releases) -> None:
    _released(releases, _image("1"), _image("2"), _image("2"))

    assert releases.earlier().config == _image("1")


def test_a_switch_back_to_the_other_colour_runs_with_its_migrations_as_before(releases: Releases) -> None:
    def coloured(active: str, green: str) -> dict[str, Any]:
        release = {"strategy": "blue-green", "active": active, "green": {"image": f"api:{green}"}}
        return {"feastflow:backend": {"image": "api:1", "release": release}}

    _released(releases, coloured("blue", "2"), coloured("green", "2"))
    assert releases.settings(releases.earlier()) == coloured("blue", "2")
    _released(releases, coloured("green", "3"))
    after = releases.settings(releases.earlier())["feastflow:backend"]
    assert after["migrations"] == {"mode": "none"}, "api:3 has migrated the schema"


def test_a_second_rollback_does_not_meet_what_was_withdrawn(releases: Releases) -> None:
    _released(releases, _image("1"), _image("2"), _image("3"))
    for expected in ("2", "1"):
        release = releases.earlier()
        assert release.config == _image(expected)
        releases.went_back(release, releases.settings(release), {})

    with pytest.raises(UserError, match="no earlier release"):
        releases.earlier()


def test_a_way_back_that_was_cut_off_leads_to_the_same_release_again(releases: Releases) -> None:
    _released(releases, _image("1"), _image("2"))
    first = releases.earlier()
    releases.settings(first)

    assert releases.earlier() == first


@pytest.mark.parametrize("known", [[], [_image("1")]])
def test_without_another_release_there_is_no_way_back(
    releases: Releases, known: list[dict[str, Any]]
) -> None:
    _released(releases, *known)

    with pytest.raises(UserError, match=r"no earlier release(.|\n)*make up"):
        releases.earlier()


def test_the_last_ten_are_kept(releases: Releases) -> None:
    _released(releases, *(_image(str(number)) for number in range(15)))

    assert [release.number for release in releases._all()] == list(range(6, 16))
    assert releases.earlier().config == _image("13")


@pytest.mark.parametrize(
    ("image", "rotation", "last"), [("api:2", 1, True), ("api:3", 1, False), ("api:2", 2, False)]
)
def test_what_another_machine_has_deployed_since_is_not_undone(
    releases: Releases, image: str, rotation: int, *, last: bool
) -> None:
    _released(releases, _image("1"), _image("2"))
    images = {"backend": image, "frontend": "page:of-the-default"}
    outputs = {"images": images, "dataDependsOn": {"rotation": rotation}}

    if last:
        releases.must_be_last(outputs)
    else:
        with pytest.raises(UserError, match="deployed from another machine since"):
            releases.must_be_last(outputs)


@pytest.mark.parametrize("step", ["up", "rollback"])
def test_any_setting_that_another_machine_has_deployed_since_is_known_by_the_configurations_digest(
    releases: Releases, step: str
) -> None:
    ours, theirs = {"configuration": "digest of ours"}, {"configuration": "digest of theirs"}
    _released(releases, _image("1"), _image("2"))
    if step == "up":
        releases.begin(_image("3"))
        releases.finished(ours)
    else:
        release = releases.earlier()
        releases.went_back(release, releases.settings(release), ours)
    releases.begin(_image("4"))

    releases.must_be_last(ours)
    with pytest.raises(UserError, match="deployed from another machine since"):
        releases.must_be_last({**theirs, "images": {}, "dataDependsOn": {"rotation": 1}})


def test_what_only_goes_forward_is_not_taken_back(releases: Releases) -> None:
    before = {"feastflow:rotation": 1, "feastflow:database": {"storage": "2Gi", "uid": 26}}
    now = {"feastflow:rotation": 2, "feastflow:database": {"storage": "4Gi", "uid": 27}}
    _released(releases, _image("1", **before), _image("1", **now))

    assert releases.settings(releases.earlier()) == _image(
        "1", **{"feastflow:rotation": 2, "feastflow:database": {"uid": 26, "storage": "4Gi"}}
    )


def test_what_was_never_deployed_is_not_kept(releases: Releases) -> None:
    before = {"feastflow:rotation": 1, "feastflow:database": {"storage": "2Gi"}}
    _released(releases, _image("1", **before))
    releases.begin(_image("1", **{"feastflow:rotation": 2, "feastflow:database": {"storage": "plenty"}}))

    assert releases.settings(releases.earlier()) == _image("1", **before)


def test_what_only_goes_forward_is_remembered_over_several_ways_back(releases: Releases) -> None:
    _released(releases, _image("1"), _image("2"), _image("2", **{"feastflow:rotation": 2}))
    for _ in range(2):
        release = releases.earlier()
        deployed = releases.settings(release)
        assert deployed["feastflow:rotation"] == 2
        releases.went_back(release, deployed, {})


def test_older_migrations_are_not_run_against_a_newer_schema(releases: Releases) -> None:
    backend = {"image": "api:1", "migrations": {"command": ["migrate"]}}
    newer = {"feastflow:backend": {**backend, "image": "api:2"}}
    _released(releases, {"feastflow:backend": backend}, newer)

    assert releases.settings(releases.earlier()) == {
        "feastflow:backend": {"image": "api:1", "migrations": {"command": ["migrate"], "mode": "none"}}
    }


def test_migrations_that_are_still_there_stay(releases: Releases) -> None:
    backend = {"image": "api:1", "migrations": {"command": ["migrate"]}}
    _released(releases, {"feastflow:backend": backend})
    releases.begin({"feastflow:backend": {**backend, "image": "api:2"}})

    assert releases.settings(releases.earlier()) == {"feastflow:backend": backend}


def test_other_settings_of_the_same_version_leave_its_migrations_alone(releases: Releases) -> None:
    backend = {"image": "api:1", "migrations": {"command": ["migrate"]}}
    _released(releases, {"feastflow:backend": backend}, {"feastflow:backend": {**backend, "env": {"A": "b"}}})

    assert releases.settings(releases.earlier()) == {"feastflow:backend": backend}


@pytest.fixture
def deployed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine whose `make up` has deployed two releases to the user's own cluster."""
    machine.program("pulumi", _PULUMI)
    monkeypatch.setattr(smoke, "check", lambda *_, **__: "the page")
    for tag in ("1", "2"):
        monkeypatch.setenv("BACKEND_IMAGE", f"api:{tag}")
        commands.up(THEIRS)
    machine.file("pulumi.calls")
    return machine


def _deployed_settings() -> str:
    return (cache.state_home() / "workspaces" / "uid-1" / "Pulumi.dev.yaml").read_text()


def test_rollback_deploys_the_release_before_and_says_what_stays(
    deployed: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "image: api:2" in _deployed_settings()
    commands.rollback(THEIRS)

    assert "image: api:1" in _deployed_settings()
    (call,) = deployed.called("pulumi", " up ")
    assert "--skip-preview" in call
    assert "--policy-pack" not in call
    assert "the data and its schema stay as they are" in capsys.readouterr().out


def test_an_up_that_failed_is_gone_back_from(deployed: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = deployed.file("error")
    monkeypatch.setenv("BACKEND_IMAGE", "api:3")
    with pytest.raises(UserError):
        commands.up(THEIRS)
    broken.unlink()
    commands.rollback(THEIRS)

    assert "image: api:2" in _deployed_settings()


def test_a_rollback_that_failed_is_tried_again(deployed: Machine) -> None:
    broken = deployed.file("error")
    with pytest.raises(UserError):
        commands.rollback(THEIRS)
    broken.unlink()
    commands.rollback(THEIRS)

    assert "image: api:1" in _deployed_settings()


def test_a_preview_is_no_release(deployed: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployed.root.exists()
    monkeypatch.setenv("BACKEND_IMAGE", "api:9")
    commands.preview(THEIRS)
    commands.rollback(THEIRS)

    assert "image: api:1" in _deployed_settings()


def test_of_a_shared_state_every_command_that_deploys_notes_what_the_stack_tells(
    deployed: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = workspace.of
    monkeypatch.setattr(workspace, "of", lambda *asked: replace(own(*asked), shared=True))
    deployed.file("digest", "third")
    monkeypatch.setenv("BACKEND_IMAGE", "api:3")
    commands.up(THEIRS)
    deployed.file("digest", "theirs")
    with pytest.raises(UserError, match="deployed from another machine since"):
        commands.rollback(THEIRS)
    assert "image: api:3" in _deployed_settings()
    deployed.file("digest", "third")
    commands.rollback(THEIRS)
    assert "image: api:2" in _deployed_settings()
    commands.rollback(THEIRS)
    assert "image: api:1" in _deployed_settings()


def test_a_stack_that_was_destroyed_has_no_releases(deployed: Machine) -> None:
    assert deployed.root.exists()
    commands.destroy(THEIRS)

    with pytest.raises(UserError, match="no earlier release"):
        commands.rollback(THEIRS)
    assert list(Path(cache.state_home()).rglob("releases/dev/*")) == []
