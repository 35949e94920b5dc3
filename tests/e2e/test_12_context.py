"""The same stack by a context of the user's own kubeconfig, its images named, as the README says."""

from pathlib import Path

from ..documented import documented
from . import own
from .kube import Kube
from .product import Product
from .site import Site


def test_the_stack_is_deployed_to_the_context_that_is_named_with_the_images_that_are_named(
    product: Product, kube: Kube, site: Site, deployed: dict[str, str], tmp_path: Path
) -> None:
    user = own.clone(product, tmp_path / "clone", deployed["database"])
    mine = {
        "my-context": f"kind-{product.cluster}",
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
