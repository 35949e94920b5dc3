"""`make destroy`: the stack is deleted, the cluster and the other stack stay."""

import json

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, name_of
from ..harness.prod import wait_until_whole
from ..harness.product import Product
from ..harness.site import Site
from ..harness.waiting import until

_DISK = "/var/local-path-provisioner"


def test_destroy_leaves_nothing_of_the_stack_in_the_cluster(
    product: Product, kube: Kube, figures: Figures
) -> None:
    assert any(kube.namespace in text for text in _cluster_scoped(kube).values())
    ran = product.typed(documented("make destroy"))
    figures.seconds("destroy", ran.seconds)
    assert kube.ask("get", "namespace", kube.namespace).code != 0
    claims = [volume["spec"]["claimRef"]["namespace"] for volume in kube.all("persistentvolumes")]
    assert kube.namespace not in claims
    left = [name for name, text in _cluster_scoped(kube).items() if kube.namespace in text]
    assert left == []


def test_destroy_leaves_no_data_on_the_nodes(product: Product, kube: Kube) -> None:
    assert kube.all("nodes")

    def disks() -> str:
        look = ("sh", "-c", f"ls -d {_DISK}/*_{kube.namespace}_* 2>&-; true")
        return "".join(product.engine("exec", node, *look) for node in product.nodes())

    until(lambda: not disks(), what="the database's folder to be removed", within=60)


def test_destroy_leaves_no_stack_in_the_state(product: Product, kube: Kube) -> None:
    assert kube.all("nodes")
    known = {stack["name"] for stack in json.loads(product.shell("pulumi stack ls --json").out)}
    assert "dev" not in known


def test_nothing_answers_at_the_address_any_more(kube: Kube, site: Site) -> None:
    assert kube.all("nodes")
    until(lambda: site.ask("/").status == 404, what="the edge to forget the site", within=30)


def test_the_other_stack_is_untouched_by_it_and_its_killed_primary_is_a_standby_now(
    there: Kube, shop: Site
) -> None:
    wait_until_whole(there)
    assert shop.answers()


def test_destroy_of_nothing_says_so(product: Product, kube: Kube) -> None:
    assert kube.all("nodes")
    assert "there is no stack dev" in product.done("destroy").out


def _cluster_scoped(kube: Kube) -> dict[str, str]:
    """Return every object that belongs to no namespace, by kind and name, as text."""
    found = {}
    for kind in kube.kinds(namespaced=False):
        if "metrics.k8s.io" not in kind:
            found.update({f"{kind} {name_of(thing)}": json.dumps(thing) for thing in kube.all(kind)})
    return found
