"""The steps of images.yml, run as they are: podman and the registry are real, Sigstore is not.

`syft`, `grype` and `cosign` are programs that record their arguments: their databases and Sigstore are on
networks that no test reaches.
"""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import registries, repository
from .registries import Served
from .repository import ROOT, Ran

_COMMIT = "c" * 40
_PLAYED = """#!/bin/sh
echo "$(basename "$0") $*" >> "$PLAYED/told"
[ ! -e "$PLAYED/$(basename "$0").fails" ] || { echo "CVE-2026-0001 fixed in 2.0"; exit 2; }
case "$0 $*" in
  *syft*) for word; do out=$word; done; echo '{"spdxVersion": "SPDX-2.3"}' > "${out#spdx-json=}" ;;
  *cosign*) cp "$DOCKER_CONFIG/config.json" "$PLAYED/login"; echo "$DOCKER_CONFIG" > "$PLAYED/folder" ;;
esac
"""


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A runner of GitHub's with a checkout of the project."""

    folder: Path
    registry: Served
    run: Callable[[str], Ran]

    @property
    def told(self) -> list[str]:
        """Return the fake programs' calls, without the folders of this test."""
        text = (self.folder / "played" / "told").read_text().replace(f"{self.checkout}/", "")
        return text.splitlines()

    @property
    def checkout(self) -> Path:
        """The checkout."""
        return self.folder / "checkout"

    def fails(self, program: str) -> None:
        """Have a played program fail from now on."""
        (self.folder / "played" / f"{program}.fails").touch()


@pytest.fixture
def runner(tmp_path: Path, registry: Served, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Return a runner whose images are kept in a folder of this test."""
    if shutil.which("podman") is None:
        pytest.skip("there is no podman here; GitHub's runners have it")
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for room in ("tools/toolchain", "tools/delivery", "components/settings/values"):
        shutil.copytree(
            ROOT / room,
            checkout / room,
            ignore=shutil.ignore_patterns("__pycache__", "go"),
        )
    registries.application(checkout / "shop")
    for program in ("syft", "grype", "cosign"):
        path = tmp_path / "played" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(_PLAYED)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    storage = tmp_path / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n'
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'played'}{os.pathsep}{os.environ['PATH']}")
    environment = {
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(storage),
        "GITHUB_ENV": str(tmp_path / "env"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_SHA": _COMMIT,
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "IMAGES_FOLDER": "shop",
        "IMAGES_REPOSITORY": f"{registry.host}/{tmp_path.name.replace('_', '-')}",
        "IMAGES_SEVERITY": "high",
        "IMAGES_TEST": "test -f shop/backend/word && echo tested",
        "PLAYED": str(tmp_path / "played"),
        "RUNNER_TEMP": str(tmp_path / "temp"),
    }
    known = {"github.actor": "me", "github.token": "of-the-run"}
    steps = {each["name"]: each for each in repository.steps("images.yml", "images")}

    def run(name: str) -> Ran:
        return repository.run(steps[name], checkout, known, environment)

    return Runner(folder=tmp_path, registry=registry, run=run)


def _through(runner: Runner, *names: str) -> None:
    for name in names:
        ran = runner.run(name)
        assert ran.code == 0, ran.out


def test_images_are_built_described_pushed_signed_and_handed_on_by_their_digests(runner: Runner) -> None:
    _through(runner, "Build", "Test", "Describe and scan", "Push", "Sign", "Hand on")

    outputs = dict(
        line.split("=", 1) for line in (runner.folder / "output").read_text().splitlines() if "=" in line
    )
    sboms = json.loads((runner.checkout / "build/images/sboms.json").read_text())
    for tier, image in outputs.items():
        by_tag, digest = image.split("@")
        assert by_tag.endswith(f"/{tier}:{_COMMIT}")
        assert runner.registry.asked("digest", by_tag) == digest
        manifest = json.loads(runner.registry.asked("manifest", image))
        config = json.loads(
            runner.registry.asked("blob", f"{by_tag.rpartition(':')[0]}@{manifest['config']['digest']}")
        )
        assert config["config"]["User"] == "1000:1000"
        sbom = json.loads(runner.registry.asked("manifest", sboms[tier]))
        assert sbom["subject"]["digest"] == digest
        bare = by_tag.rpartition(":")[0]
        assert f"cosign sign --yes {bare}@{digest}" in runner.told
        assert f"cosign sign --yes {bare}@{sboms[tier].partition('@')[2]}" in runner.told
        assert f"| {tier} | `{image}` |" in (runner.folder / "summary").read_text()
    assert sorted(outputs) == ["backend", "frontend"]
    assert outputs["backend"].partition("@")[2] != outputs["frontend"].partition("@")[2]


def test_what_was_scanned_is_what_is_pushed_and_a_weakness_stops_it(runner: Runner) -> None:
    _through(runner, "Build", "Describe and scan")
    assert (
        "syft scan oci-dir:build/images/backend --output spdx-json=build/images/backend.spdx.json"
        in runner.told
    )
    assert "grype sbom:build/images/frontend.spdx.json --only-fixed --fail-on high" in runner.told

    runner.fails("grype")
    ran = runner.run("Describe and scan")

    assert ran.code == 1
    assert "CVE-2026-0001 fixed in 2.0" in ran.out
    assert "grype sbom:" in ran.out


def test_the_login_for_signing_is_the_runs_and_is_deleted_with_the_step(runner: Runner) -> None:
    _through(runner, "Build", "Describe and scan", "Push", "Sign")

    folder = Path((runner.folder / "played" / "folder").read_text().strip())
    assert '"ghcr.io": {"auth"' in (runner.folder / "played" / "login").read_text()
    assert not folder.exists()


def test_a_folder_without_a_dockerfile_for_each_tier_is_refused_with_its_variable(runner: Runner) -> None:
    (runner.checkout / "shop" / "frontend" / "Dockerfile").unlink()
    ran = runner.run("Build")

    assert ran.code == 1
    assert "shop/frontend/Dockerfile" in ran.out
    assert "IMAGES_FOLDER" in ran.out


def test_the_tools_are_asked_for_by_exact_versions_and_checked_against_gos_log() -> None:
    text = (ROOT / "tools" / "delivery" / "tools.sh").read_text()
    words = [word.rstrip(";") for word in text.split() if "@" in word]

    assert [word.partition("@")[0].rpartition("/")[2] for word in words] == ["syft", "grype", "cosign"]
    assert all(word.rpartition("@v")[2].replace(".", "").isdigit() for word in words)
    assert "GONOSUMDB=" in text
    assert "GOFLAGS=" in text


_GH = """#!/bin/sh
echo "gh $*" >> "$CALLED"
case "$1" in
  api) [ ! -e "$CALLED.down" ] || exit 1; printf 'images-dev\\nimages-prod-old\\n' ;;
  run) mkdir -p "$9" && echo '{}' > "$9/images.json" ;;
esac
"""


@pytest.mark.parametrize(
    ("attempt", "name", "found"),
    [("1", "images-dev", "false"), ("2", "images-dev", "true"), ("2", "images-prod", "false")],
)
def test_the_images_of_an_earlier_attempt_are_fetched_where_it_recorded_some(
    tmp_path: Path, attempt: str, name: str, found: str
) -> None:
    ran = _recall(tmp_path, name, attempt)

    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "output").read_text() == f"found={found}\n"
    assert (tmp_path / "images" / "images.json").exists() == (found == "true")


def test_a_run_that_cannot_ask_for_its_earlier_images_deploys_no_others(tmp_path: Path) -> None:
    (tmp_path / "called.down").touch()

    assert _recall(tmp_path, "images-dev", "2").returncode != 0
    assert not (tmp_path / "output").exists()


def _recall(folder: Path, name: str, attempt: str) -> subprocess.CompletedProcess[str]:
    gh = folder / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(_GH)
    gh.chmod(0o755)
    environment = {
        "CALLED": str(folder / "called"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_RUN_ATTEMPT": attempt,
        "GITHUB_RUN_ID": "17",
        "PATH": f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(  # noqa: S603 - the project's own script
        ["/bin/sh", str(ROOT / "tools" / "delivery" / "recall.sh"), name, str(folder / "images")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
