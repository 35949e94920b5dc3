"""The dev stack on a context of the user's own kubeconfig, its images named, as the README says."""

import json
from pathlib import Path

import pytest

from ...documented import documented
from ...harness import own
from ...harness.kube import Kube
from ...harness.refusals import assert_refused
from ...harness.running import Ran
from ..server import Server
from ..teams import IMAGES, Team


def test_the_stack_is_deployed_to_the_context_that_is_named_with_the_images_that_are_named(
    dev: Team, deployed: Ran, kube: Kube
) -> None:
    assert {"pulumi up", "smoke check"} <= deployed.steps.keys()
    assert not {"engine", "cluster", "images"} & deployed.steps.keys()
    assert f"http://{kube.namespace}.localhost" in deployed.out
    running = own.images(kube)
    assert (running["backend"], running["frontend"]) == tuple(IMAGES.values())
    assert f"make destroy CONTEXT={dev.product.variables['CONTEXT']}" in deployed.out or (
        f"make down CONTEXT={dev.product.variables['CONTEXT']}" in deployed.out
    )


def test_the_users_kubeconfig_is_only_read(server: Server, deployed: Ran) -> None:
    assert deployed.code == 0
    text = server.kubeconfig.read_text(encoding="utf-8")
    assert text.count("server:") == 1
    assert server.url in text


def test_the_stack_is_found_again_by_the_context_alone(dev: Team, deployed: Ran) -> None:
    assert deployed.code == 0
    ran = dev.product.typed(documented("make status"))
    assert "node-a" in ran.out
    assert "pod/postgres-0" in ran.out


def test_a_job_that_had_succeeded_before_its_patch_was_seen_is_not_patched_once_more(
    dev: Team, deployed: Ran, tmp_path: Path
) -> None:
    assert deployed.code == 0
    stack = f"--stack {dev.stack}"
    exported = dev.product.shell(f"pulumi stack export {stack}").out
    # What a busy API server's cache makes the provider record.
    state = json.loads(exported)
    (patched,) = [
        each for each in state["deployment"]["resources"] if each["type"] == "kubernetes:batch/v1:JobPatch"
    ]
    del patched["outputs"]["metadata"]["annotations"]["pulumi.com/timeoutSeconds"]
    before, stale = tmp_path / "before.json", tmp_path / "stale.json"
    before.write_text(exported, encoding="utf-8")
    stale.write_text(json.dumps(state), encoding="utf-8")
    dev.product.shell(f"pulumi stack import {stack} --file {stale}")

    dev.product.shell(f"pulumi preview {stack} --non-interactive --expect-no-changes")

    dev.product.shell(f"pulumi stack import {stack} --file {before}")


@pytest.mark.parametrize("tier", ["backend", "frontend"])
def test_no_image_is_guessed_for_a_cluster_of_the_users(dev: Team, kube: Kube, tier: str) -> None:
    ran = dev.product.with_variables(**{f"{tier.upper()}_IMAGE": ""}).local("up")
    assert_refused(ran, found=f"no image is named for the {tier}", fix=f"{tier.upper()}_IMAGE=")
    assert own.images(kube)[tier] == IMAGES[f"{tier.upper()}_IMAGE"]
