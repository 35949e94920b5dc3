"""The state of a running stack, moved to a bucket and back, as the pages say; moto replaces AWS."""

import json
import re
import shlex
from collections.abc import Iterator

import pytest

from ..documented import documented
from ..harness.figures import Figures
from ..harness.product import Product
from ..harness.running import Ran
from ..state import cloud
from ..state.cloud import Cloud

_BUCKET = "my-company-pulumi-state"
_VERSION = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Yield a fake AWS on a port of loopback."""
    with cloud.running(tmp_path_factory.mktemp("aws") / "moto.log") as running:
        yield running


@pytest.fixture(scope="module")
def team(product: Product, first_up: Ran, aws: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Return a member of the team, with keys for that AWS alone, in a clone of the project."""
    assert first_up.code == 0
    assert aws.port
    nothing = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    keys = dict.fromkeys(_KEYS, "of-tests")
    clone = product.cloned(tmp_path_factory.mktemp("clone") / "clone")
    return clone.with_variables(AWS_EC2_METADATA_DISABLED="true", **nothing, **keys)


@pytest.fixture(scope="module")
def moved(team: Product, aws: Cloud) -> Iterator[str]:
    """Move the state to the bucket, yield the output of `make backend`, and move the state back."""
    there = shlex.quote(aws.address(_BUCKET).url)
    ran = team.typed(
        documented("make backend BACKEND=s3://my-company-pulumi-state", {f"s3://{_BUCKET}": there})
    )
    yield ran.out
    back = team.typed(documented("make backend BACKEND=local"))
    assert "The state of dev is in file://" in back.out, back
    assert "unchanged" in team.done("up").out


def test_a_stack_that_runs_is_moved_and_the_next_up_finds_all_of_it(
    team: Product, moved: str, aws: Cloud, figures: Figures
) -> None:
    assert aws.address(_BUCKET).url in moved
    ran = team.done("up")
    assert "unchanged" in ran.out, ran
    assert ran.changes == []
    figures.seconds("up when all is up, its state on S3 (moto)", ran.seconds)


def test_the_policy_for_a_deployer_names_the_bucket_and_the_key(team: Product, moved: str) -> None:
    assert moved
    team.typed(documented("make -s backend-policy > policy.json"))
    policy = json.loads((team.root / "policy.json").read_text(encoding="utf-8"))
    assert f"arn:aws:s3:::{_BUCKET}" in str(policy)
    assert "arn:aws:kms:" in str(policy)


def test_an_older_state_is_listed_and_brought_back(team: Product, moved: str) -> None:
    assert moved
    refused = team.local("backend-restore")
    assert "whole; its versions, newest first" in refused.text, refused
    versions = _VERSION.findall(refused.text)
    assert len(versions) > 1
    ran = team.typed(documented("make backend-restore VERSION=…", {"…": versions[0]}))
    assert "resources, as of" in ran.out
    assert "unchanged" in team.done("up").out


def test_the_shell_is_connected_to_the_bucket(team: Product, moved: str) -> None:
    assert moved
    assert f"s3://{_BUCKET}" in team.shell("pulumi whoami --verbose").out
