"""The same stack by a context of the user's own kubeconfig, its images named, as the README says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..documented import documented
from ..harness import own
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.site import Site


@pytest.fixture
def ours(product: Product, kube: Kube) -> Iterator[Product]:
    """The product; afterwards the stack has what `make up` adds on the project's own cluster again."""
    assert kube.complete()
    yield product
    product.done("up")


def test_the_stack_is_deployed_to_the_context_that_is_named_with_the_images_that_are_named(
    ours: Product, kube: Kube, site: Site, deployed: dict[str, str], tmp_path: Path
) -> None:
    user = own.clone(ours, tmp_path / "clone", deployed["database"])
    mine = {
        "my-context": f"kind-{ours.cluster}",
        "registry.example.com/api:1.4.2": deployed["backend"],
        "registry.example.com/page:1.4.2": deployed["frontend"],
    }
    command = documented(
        "make up CONTEXT=my-context BACKEND_IMAGE=registry.example.com/api:1.4.2"
        " FRONTEND_IMAGE=registry.example.com/page:1.4.2",
        mine,
    )
    ran = user.typed(command)
    assert {"pulumi up", "smoke check"} <= ran.steps.keys()
    assert not {"engine", "cluster", "images"} & ran.steps.keys()
    assert site.answers()
    assert own.images(kube) == deployed
