"""A runner that deploys: requirements.txt alone is enough to resolve the images and to preview."""

import json
import os
import subprocess
import sys

import pytest

from tools.toolchain import environment

from . import repository
from .repository import ROOT, Repository

_IMAGE = "registry.example.com/{}:1@sha256:" + "a" * 64
_OF_TESTS = ("pytest", "boto3", "moto", "mypy", "selenium", "hypothesis")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a checkout on a machine that has made the small environment, by the workflow's own step."""
    folder = tmp_path_factory.mktemp("runner")
    made = repository.made(folder / "clone", ("dev", "prod"))
    (step,) = [each for each in repository.steps("stack.yml", "stack") if each["name"] == "Settle the images"]
    known = {
        **{
            f"inputs.{tier}-image || vars.{tier.upper()}_IMAGE": _IMAGE.format(tier)
            for tier in ("backend", "frontend")
        },
        "github.actor": "me",
        "github.token": "of-the-run",
    }
    ran = repository.run(
        step,
        made.folder,
        known,
        {
            "GITHUB_ENV": str(folder / "env"),
            "PYTHON": sys.executable,
            "REQUIREMENTS": "requirements.txt",
            "RUNNER_TEMP": str(folder),
            "STACK": "prod",
        },
    )
    assert ran.code == 0, ran.out
    return made


def test_the_images_are_recorded_for_this_run_and_named_for_its_next_steps(clone: Repository) -> None:
    folder = clone.folder.parent

    assert json.loads((folder / "images" / "images.json").read_text()) == {
        tier: _IMAGE.format(tier) for tier in ("backend", "frontend")
    }
    assert (folder / "env").read_text().splitlines() == [
        f"BACKEND_IMAGE={_IMAGE.format('backend')}",
        f"FRONTEND_IMAGE={_IMAGE.format('frontend')}",
    ]


def test_nothing_that_only_tests_need_is_there(clone: Repository) -> None:
    assert (clone.folder / ".venv").resolve() == environment.of(ROOT / "requirements.txt")
    program = f"import importlib.util as u; print([n for n in {_OF_TESTS} if u.find_spec(n)])"
    done = subprocess.run(  # noqa: S603 - the environment's own
        [clone.folder / ".venv" / "bin" / "python", "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


def test_it_previews_with_the_policy_pack_and_the_images_by_digest(clone: Repository) -> None:
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PULUMI_", "KUBE", "AWS_", "MAKE"))
    }
    own = {
        "BACKEND_IMAGE": _IMAGE.format("backend"),
        "CLUSTER": "there-is-none",
        "FRONTEND_IMAGE": _IMAGE.format("frontend"),
        "PYTHON": sys.executable,
        "REQUIREMENTS": "requirements.txt",
        "XDG_STATE_HOME": str(clone.folder.parent / "state"),
    }
    done = subprocess.run(
        ["make", "--no-print-directory", "preview", "STACK=dev"],  # noqa: S607 - the machine's make
        cwd=clone.folder,
        env={**environ, **own},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert _IMAGE.format("backend") in done.stdout
    assert "feastflow" in done.stdout
    assert (clone.folder / ".venv").resolve() == environment.of(ROOT / "requirements.txt")
