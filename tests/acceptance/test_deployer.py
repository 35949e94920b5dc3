"""A deployer with the two roles of `make deployer-role` alone: a stack of its own, served and deleted."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ..harness import deployer, own
from ..harness.kube import Kube, Object
from ..harness.product import Product
from ..harness.site import Site
from ..harness.waiting import until

_NAMESPACE = "feastflow-delivered"
_HOME = "feastflow-delivery"


@pytest.fixture(scope="module")
def delivered(
    product: Product, kube: Kube, deployed: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Yield a clone whose user is the deployer, once an administrator has applied its roles."""
    room = tmp_path_factory.mktemp("deployer")
    settings: Object = {
        "namespace": _NAMESPACE,
        "edge": {"host": f"{_NAMESPACE}.localhost", "port": product.port},
        # Next to the other stacks, the processors of three nodes are all taken in one zone or another.
        "cluster": {"zones": 1},
    }
    clone = own.clone(product, room / "clone", deployed["database"], **settings)
    subject = deployer.account(kube, _HOME, "deployer")
    deployer.allow(clone, kube, "dev", subject)
    yield clone.with_variables(
        BACKEND_IMAGE=deployed["backend"],
        CONTEXT=f"kind-{product.cluster}",
        FRONTEND_IMAGE=deployed["frontend"],
        KUBECONFIG=str(deployer.kubeconfig(kube, subject, room)),
        # A colleague's machine: the state of the stack `dev` on this one is another namespace's.
        XDG_STATE_HOME=str(room / "state"),
    )
    kube.run("delete", "namespace", _HOME, _NAMESPACE, "--ignore-not-found", timeout=300)
    kube.run("delete", "clusterrole,clusterrolebinding", f"{_NAMESPACE}-deployer", "--ignore-not-found")


def test_it_deploys_a_site_that_is_served_and_takes_it_away(delivered: Product, kube: Kube) -> None:
    delivered.done("up")
    site = Site(url=f"http://{_NAMESPACE}.localhost:{delivered.port}")
    until(site.answers, what="the site", within=60)
    again = delivered.done("up")
    assert again.changes == []
    assert delivered.local("drift").code == 0

    delivered.done("destroy")
    assert replace(kube, namespace=_NAMESPACE).ask("get", "namespace", _NAMESPACE).code != 0
