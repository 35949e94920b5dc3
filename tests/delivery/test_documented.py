"""The pages' commands for previews and renderings, run in a clone; no cluster, no keys."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from ..documented import documented
from . import repository
from .repository import Ran, Repository

_OWN = ("PULUMI_", "KUBE", "AWS_", "MAKE")
Types = Callable[[str], Ran]


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    """Return a clone whose branch `main` is what it departed from, with both stacks."""
    made = repository.made(tmp_path / "clone", ("dev", "prod"))
    made.git("update-ref", "refs/remotes/origin/main", "HEAD")
    return made


@pytest.fixture
def types(clone: Repository, tmp_path: Path) -> Types:
    """Return a developer at a shell of the clone."""
    known = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    own = {"XDG_STATE_HOME": str(tmp_path / "state"), "CLUSTER": "there-is-none", "PYTHON": sys.executable}

    def typed(line: str) -> Ran:
        done = subprocess.run(  # noqa: S603 - a developer's own commands
            ["/bin/bash", "-e", "-o", "pipefail", "-c", line],
            cwd=clone.folder,
            env={**known, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        return Ran(code=done.returncode, out=done.stdout)

    return typed


@pytest.mark.slow
def test_a_checkout_is_compared_with_where_it_departed_or_with_what_is_committed(
    clone: Repository, types: Types
) -> None:
    (clone.folder / "Pulumi.prod.yaml").unlink()
    clone.configure("dev", feastflow__rotation=2)
    ran = types(documented("make pull-request-preview BASE=HEAD"))

    assert ran.code == 0, ran.out
    assert "feastflow-secret" in ran.out
    clone.commit()
    ran = types(documented("make pull-request-preview"))
    assert ran.code == 0, ran.out
    assert "feastflow-secret" in ran.out
    clone.git("update-ref", "refs/remotes/origin/main", "HEAD")
    ran = types(documented("make pull-request-preview REPORT=report.json"))
    assert ran.code == 0, ran.out
    assert "feastflow-secret" not in ran.out
    assert json.loads((clone.folder / "report.json").read_text())


def test_a_stack_is_rendered_where_it_is_asked_for_with_the_store_that_is_named(
    clone: Repository, types: Types
) -> None:
    ran = types(documented("make render STACK=prod"))

    assert ran.code == 0, ran.out
    assert (clone.folder / "build" / "manifests" / "prod" / "00-namespace.yaml").exists()
    assert clone.git("status", "--porcelain") == ""
    ran = types(
        documented(
            "make render STACK=prod OUT=deploy/prod SECRET_STORE=SecretStore/vault"
            " SECRET_PATH=teams/feastflow/prod"
        )
    )
    assert ran.code == 0, ran.out
    (reference, *_) = yaml.safe_load_all((clone.folder / "deploy/prod/02-secrets.yaml").read_text())
    assert reference["spec"]["secretStoreRef"] == {"kind": "SecretStore", "name": "vault"}
    assert "teams/feastflow/prod/" in str(reference)


def test_the_values_of_a_rendering_go_to_whatever_writes_to_the_store(
    types: Types, clone: Repository
) -> None:
    ran = types(
        documented(
            ".venv/bin/python -m tools.render --stack prod --values | your-tool-that-writes-to-the-store",
            {"your-tool-that-writes-to-the-store": "cat > ../written.json"},
        )
    )

    assert ran.code == 0, ran.out
    assert "feastflow-secret-backend" in str(
        json.loads((clone.folder.parent / "written.json").read_text()).keys()
    )
