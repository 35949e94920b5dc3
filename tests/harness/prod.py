"""The prod stack along with dev: its start, its database's primary, and the condition that it is whole."""

from dataclasses import replace

import pytest

from ..documented import documented
from .figures import Figures
from .kube import Kube, Object, condition, name_of
from .product import Product
from .running import Ran
from .site import Site, Writes
from .suite import brought_up
from .waiting import until

NAMESPACE = "feastflow-prod"
_CLUSTER = ("clusters.postgresql.cnpg.io", "postgres")
_INSTANCES = 3
_FIRST_UP_SECONDS = 15 * 60.0


@pytest.fixture(scope="session")
def prod(product: Product, first_up: Ran) -> Product:
    """Return `make up STACK=prod` and its siblings, on the cluster where dev runs."""
    assert first_up.code == 0
    return product.with_variables(STACK="prod")


@pytest.fixture(scope="session")
def prod_up(product: Product, first_up: Ran) -> Ran:
    """Run the session's first `make up STACK=prod`."""
    assert first_up.code == 0
    return brought_up(product, documented("make up STACK=prod"), within=_FIRST_UP_SECONDS)


@pytest.fixture(scope="session")
def there(kube: Kube, prod_up: Ran) -> Kube:
    """Return the cluster, seen from prod's namespace."""
    assert prod_up.code == 0
    return replace(kube, namespace=NAMESPACE)


@pytest.fixture(scope="session")
def shop(product: Product, prod_up: Ran) -> Site:
    """Return prod's site, at the address that `make up` printed."""
    site = Site(url=f"https://{NAMESPACE}.localhost:{product.encrypted_port}")
    assert site.url in prod_up.out, prod_up
    return site


def sql(there: Kube, statement: str, **values: str) -> list[list[str]]:
    """Return the primary's answer to a statement; see `Kube.sql`."""
    return there.sql(statement, pod=primary(there), **values)


def primary(there: Kube) -> str:
    """Return the name of the pod that leads."""
    return str(there.get(*_CLUSTER)["status"]["currentPrimary"])


def healthy(there: Kube) -> bool:
    """Return whether every instance of the database is ready."""
    cluster = there.get(*_CLUSTER)
    return condition(cluster, "Ready") == "True" and cluster["status"]["readyInstances"] == _INSTANCES


def settled(there: Kube) -> bool:
    """Return whether every Deployment has as many pods as its autoscaler wants."""
    deployments: list[Object] = there.all("deployments")
    return bool(deployments) and all(
        each["status"].get("availableReplicas") == each["spec"]["replicas"] for each in deployments
    )


def wait_until_whole(there: Kube, *, within: float = 240) -> None:
    """Wait for every pod of every tier, the database's included."""
    until(lambda: healthy(there) and settled(there), what="all of prod", within=within)


def zones(there: Kube) -> list[str]:
    """Return the zone of each instance of the database."""
    nodes = {name_of(node): node for node in there.all("nodes")}
    pods = there.all("pods", "--selector", "cnpg.io/cluster=postgres")
    return [
        nodes[pod["spec"]["nodeName"]]["metadata"]["labels"]["topology.kubernetes.io/zone"] for pod in pods
    ]


def assert_none_lost(there: Kube, writes: Writes, figures: Figures) -> None:
    """Assert that every order that was acknowledged is stored."""
    stored = {number for (number,) in sql(there, "SELECT number FROM orders")}
    lost = [number for number in writes.numbers if number not in stored]
    figures.text("  acknowledged orders lost", f"{len(lost)} of {len(writes.numbers)}", "0")
    assert lost == []
