"""The API server takes every object whose name follows from settings, at any length of these."""

import json
from collections.abc import Iterator

import pytest

from ..harness.kube import Kube
from ..unit.test_generated_names import EXTREMES, stack
from . import server
from .dev import matrix

# Kinds of other projects, which a bare server does not know.
_FOREIGN = ("external-secrets.io/v1",)


@pytest.fixture(scope="module")
def bare() -> Iterator[server.Server]:
    """Yield a server of this module's own, without controllers."""
    with pytest.MonkeyPatch.context() as patch, server.alone() as made:
        patch.setenv("KUBECONFIG", "/nonexistent")
        yield made


@pytest.mark.parametrize(("namespace", "environment", "job", "paths"), EXTREMES)
def test_the_api_server_takes_every_object_of_a_stack_with_awkward_names(
    bare: server.Server, namespace: str, environment: str, job: str, paths: list[str]
) -> None:
    kube = Kube(kubectl=str(bare.kubectl), kubeconfig=bare.kubeconfig, namespace=namespace)
    recorded = stack(namespace=namespace, environment=environment, job=job, paths=paths).resources
    objects = [
        each.inputs
        for each in recorded
        if each.type.startswith("kubernetes:")
        and not each.is_patch
        and each.kind != "Namespace"
        and each.inputs["apiVersion"] not in _FOREIGN
    ]
    kube.run("create", "namespace", namespace)
    document = json.dumps(matrix.listed(*objects))
    flags = ("--dry-run=server", "--validate=strict", "--filename", "-")
    ran = kube.ask("create", *flags, stdin=document, timeout=120)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == len(objects) > 40
