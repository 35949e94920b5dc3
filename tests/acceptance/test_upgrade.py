"""An upgrade: both stacks of an earlier version of this project are taken over by `make up` of this one.

On a cluster that the earlier version made too, with its Kubernetes and its operator; the application's images
stay.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ..documented import documented
from ..harness import own, suite
from ..harness.figures import Figures
from ..harness.kube import Kube, Object
from ..harness.prod import NAMESPACE, primary
from ..harness.product import FROM_NOTHING, ROOT, Product, free_port
from ..harness.running import Ran
from ..harness.site import Site, Watch, Writes, ordering, watched

NEEDS_THE_STACK = False
# The first version of this project that was used; the file of its Makefile knows the same commands.
_BEFORE = "2a13c66"
_CLUSTER = "feastflow-upgrade"
_STACKS = {"dev": "feastflow-dev", "prod": NAMESPACE}
_FIRST_UP = documented("make up")
# What holds data or a name that others know: each must be the same object afterwards.
_KEPT = ("namespaces", "persistentvolumeclaims", "services", "clusters.postgresql.cnpg.io", "statefulsets")


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What the earlier version left: its user, and each stack's objects, site and orders."""

    user: Product
    uids: dict[str, dict[str, str]]
    sites: dict[str, Site]
    numbers: dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """What `make up` of this version said of a stack, and what its customers saw meanwhile."""

    ran: Ran
    watch: Watch
    writes: Writes


@pytest.fixture(scope="module")
def user(request: pytest.FixtureRequest) -> Iterator[Product]:
    """Yield a user of the earlier version, with a state folder and a cluster of their own."""
    room = Path(tempfile.mkdtemp(prefix="feastflow-upgrade-"))
    before = room / "before"
    found = Product(cluster=_CLUSTER, port=free_port(), state=room / "state")
    _git("clone", "--quiet", "--no-checkout", str(ROOT), str(before))
    if _git("-C", str(before), "cat-file", "-e", _BEFORE, check=False):
        shutil.rmtree(room)
        pytest.skip(f"a shallow clone: it has no {_BEFORE} to upgrade from")
    _git("-C", str(before), "checkout", "--quiet", _BEFORE)
    with suite.prepared(request, found):
        try:
            yield replace(found, root=before)
        finally:
            if not suite.left(request):
                found.local("down")
                shutil.rmtree(room)


@pytest.fixture(scope="module")
def earlier(user: Product) -> Earlier:
    """Bring both stacks up as the earlier version does, and place orders."""
    ran = {stack: suite.brought_up(user, f"make up STACK={stack}", within=FROM_NOTHING) for stack in _STACKS}
    sites = {
        "dev": Site(url=f"http://feastflow-dev.localhost:{user.port}"),
        "prod": Site(url=f"https://{NAMESPACE}.localhost:{user.encrypted_port}"),
    }
    numbers = {}
    for stack, site in sites.items():
        assert site.url in ran[stack].out, ran[stack]
        with ordering(site, customer="Early") as writes:
            while len(writes.numbers) < 5:
                site.ask("/")
        numbers[stack] = writes.numbers
    uids = {stack: _uids(user, namespace) for stack, namespace in _STACKS.items()}
    return Earlier(user=user, uids=uids, sites=sites, numbers=numbers)


@pytest.fixture(scope="module", params=_STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Return a stack's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def upgraded(stack: str, earlier: Earlier) -> Upgraded:
    """Run this version's `make up` of a stack, with the images that run, under orders and requests."""
    here = _kube(earlier.user, _STACKS[stack])
    images = own.images(here)
    present = replace(earlier.user, root=ROOT).with_variables(
        STACK=stack, BACKEND_IMAGE=images["backend"], FRONTEND_IMAGE=images["frontend"]
    )
    site = earlier.sites[stack]
    with watched(site) as watch, ordering(site, customer="Meanwhile") as writes:
        ran = suite.brought_up(present, _FIRST_UP, within=FROM_NOTHING)
    return Upgraded(ran=ran, watch=watch, writes=writes)


def test_a_cluster_that_is_older_is_said_to_be(upgraded: Upgraded, earlier: Earlier) -> None:
    kube = _kube(earlier.user, "default")
    made = {node["status"]["nodeInfo"]["kubeletVersion"].removeprefix("v") for node in kube.all("nodes")}

    for version in made:
        assert (f"made with Kubernetes {version} and keeps it" in upgraded.ran.text) == (
            "keeps it" in upgraded.ran.text
        )


def test_no_object_that_holds_data_or_a_name_is_replaced(
    stack: str, upgraded: Upgraded, earlier: Earlier
) -> None:
    assert upgraded.ran.code == 0
    after = _uids(earlier.user, _STACKS[stack])

    assert {name: after.get(name) for name in earlier.uids[stack]} == earlier.uids[stack]


def test_no_order_is_lost(stack: str, upgraded: Upgraded, earlier: Earlier) -> None:
    kube = _kube(earlier.user, _STACKS[stack])
    pod = {} if stack == "dev" else {"pod": primary(kube)}
    rows = {row[0] for row in kube.sql("SELECT number FROM orders", **pod)}

    assert {*earlier.numbers[stack], *upgraded.writes.numbers} <= rows


def test_customers_hardly_notice(stack: str, upgraded: Upgraded, figures: Figures) -> None:
    figures.text(f"upgrade of {stack} from {_BEFORE}", str(upgraded.watch), "0 failed")

    assert upgraded.watch.kept_answering


def test_an_up_after_the_upgrade_changes_nothing(stack: str, upgraded: Upgraded, earlier: Earlier) -> None:
    assert upgraded.ran.code == 0
    images = own.images(_kube(earlier.user, _STACKS[stack]))
    present = replace(earlier.user, root=ROOT).with_variables(
        STACK=stack, BACKEND_IMAGE=images["backend"], FRONTEND_IMAGE=images["frontend"]
    )

    assert "unchanged" in present.done("up").text


def _kube(user: Product, namespace: str) -> Kube:
    return Kube(kubectl=user.kubectl, kubeconfig=user.kubeconfig, namespace=namespace)


def _uids(user: Product, namespace: str) -> dict[str, str]:
    kube = _kube(user, namespace)
    found: dict[str, str] = {}
    for kind in _KEPT:
        objects: list[Object] = [kube.get(kind, namespace)] if kind == "namespaces" else kube.all(kind)
        found |= {f"{kind}/{each['metadata']['name']}": each["metadata"]["uid"] for each in objects}
    return found


def _git(*arguments: str, check: bool = True) -> int:
    return subprocess.run(["git", *arguments], check=check, capture_output=True).returncode  # noqa: S603, S607
