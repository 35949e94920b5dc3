"""An upgrade: both stacks of an earlier version of this project, taken over by `make up` of this one.

The cluster is a user's own, with the operator on it; the application's images stay as they are.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from components.settings.values.merging import merged

from ..harness import localstack, own, suite
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.prod import NAMESPACE, primary
from ..harness.product import ROOT, Product, free_port
from ..harness.running import Ran
from ..harness.site import Site, Watch, Writes, ordering, watched

# The first version of this project that was used. Its commands have the same names.
_BEFORE = "2a13c66"
_CLUSTER = "feastflow-upgrade"
_STACKS = {"dev": "feastflow-dev", "prod": NAMESPACE}
_MINUTES = 60.0
# What holds data or a name that others know: each must be the same object afterwards.
_KEPT = ("persistentvolumeclaims", "services", "statefulsets", "clusters.postgresql.cnpg.io")
_FEW = 5
_NEWEST_ROLES = r"jsonpath={.items[-1:].data.roles\.sql}"
_STEP = "psql --dbname=postgres --single-transaction"


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The earlier version's traces of each stack: its objects, its site and its orders."""

    uids: dict[str, dict[str, str]]
    sites: dict[str, Site]
    numbers: dict[str, list[str]]


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """The output of this version's `make up` of a stack, and its customers' view meanwhile."""

    ran: Ran
    watch: Watch
    writes: Writes


@pytest.fixture(scope="module")
def user(request: pytest.FixtureRequest, product: Product, deployed: dict[str, str]) -> Iterator[Product]:
    """Yield a user of the earlier version, whose cluster holds the images."""
    room = Path(tempfile.mkdtemp(prefix="feastflow-upgrade-"))
    before = room / "before"
    _git("clone", "--quiet", "--no-checkout", str(ROOT), str(before))
    if _git("-C", str(before), "cat-file", "-e", _BEFORE, check=False):
        shutil.rmtree(room)
        pytest.skip(f"a shallow clone: it has no {_BEFORE} to upgrade from")
    _git("-C", str(before), "checkout", "--quiet", _BEFORE)
    found = Product(cluster=_CLUSTER, port=free_port(), state=room / "state", root=before)
    cluster = shlex.join([sys.executable, "-m", "tools.cluster", "--name", _CLUSTER])
    here = replace(found, root=ROOT)
    with suite.prepared(request, found):
        try:
            suite.brought_up(here, f"{cluster} up --port {found.port}", within=15 * _MINUTES)
            own.carry(deployed.values(), product, found, room)
            yield found.with_variables(
                KUBECONFIG=str(found.kubeconfig),
                CONTEXT=f"kind-{_CLUSTER}",
                BACKEND_IMAGE=deployed["backend"],
                FRONTEND_IMAGE=deployed["frontend"],
            )
        finally:
            if not suite.left(request):
                here.typed(f"{cluster} down")
                shutil.rmtree(room)


@pytest.fixture(scope="module")
def present(user: Product, deployed: dict[str, str]) -> Product:
    """Return the user with a checkout of this version, whose stacks' files say the same."""
    shown = user.root.with_name("present")
    here = replace(user, root=ROOT).cloned(shown)
    for stack in _STACKS:
        shutil.copy(ROOT / f"Pulumi.{stack}.yaml", shown / f"Pulumi.{stack}.yaml")
    localstack.settle(shown)
    _told(here, deployed)
    return here


@pytest.fixture(scope="module")
def earlier(user: Product, deployed: dict[str, str]) -> Earlier:
    """Deploy both stacks as the earlier version does, and place orders."""
    _told(user, deployed)
    sites = {
        "dev": Site(url=f"http://feastflow-dev.localhost:{user.port}"),
        "prod": Site(url=f"https://{NAMESPACE}.localhost:{user.encrypted_port}"),
    }
    numbers = {}
    for stack, site in sites.items():
        suite.brought_up(user, f"{_pulumi()} && make up STACK={stack}", within=15 * _MINUTES)
        with ordering(site, customer="Early") as writes:
            for _ in range(1000):
                if len(writes.numbers) >= _FEW:
                    break
                site.ask("/")
        numbers[stack] = writes.numbers
    uids = {stack: _uids(user, namespace) for stack, namespace in _STACKS.items()}
    return Earlier(uids=uids, sites=sites, numbers=numbers)


@pytest.fixture(scope="module", params=_STACKS)
def stack(request: pytest.FixtureRequest) -> str:
    """Return a stack's name."""
    return str(request.param)


@pytest.fixture(scope="module")
def upgraded(stack: str, earlier: Earlier, present: Product) -> Upgraded:
    """Run this version's `make up` of a stack under orders and requests, and what it says is to be typed."""
    site = earlier.sites[stack]
    line = f"{_pulumi()} && make up STACK={stack}"
    with watched(site) as watch, ordering(site, customer="Meanwhile") as writes:
        if stack == "prod":
            _take_the_superusers_step(
                present.typed(f"{{ ! {{ {line}; }} }} 2>&1", within=15 * _MINUTES), present
            )
        ran = suite.brought_up(present, line, within=15 * _MINUTES)
    return Upgraded(ran=ran, watch=watch, writes=writes)


def test_no_object_that_holds_data_or_a_name_is_replaced(
    stack: str, upgraded: Upgraded, earlier: Earlier, user: Product
) -> None:
    assert upgraded.ran.code == 0
    after = _uids(user, _STACKS[stack])

    assert {name: after.get(name) for name in earlier.uids[stack]} == earlier.uids[stack]


def test_no_order_is_lost(stack: str, upgraded: Upgraded, earlier: Earlier, user: Product) -> None:
    kube = _kube(user, _STACKS[stack])
    pod = {} if stack == "dev" else {"pod": primary(kube)}
    rows = {row[0] for row in kube.sql("SELECT number FROM orders", **pod)}

    assert {*earlier.numbers[stack], *upgraded.writes.numbers} <= rows


def test_customers_hardly_notice(stack: str, upgraded: Upgraded, figures: Figures) -> None:
    figures.text(f"upgrade of {stack} from {_BEFORE}", str(upgraded.watch), "0 failed")

    assert upgraded.watch.kept_answering


def test_an_up_after_the_upgrade_changes_nothing(stack: str, upgraded: Upgraded, present: Product) -> None:
    assert upgraded.ran.code == 0

    assert "unchanged" in present.typed(f"{_pulumi()} && make up STACK={stack}").text


def _take_the_superusers_step(refused: Ran, user: Product) -> None:
    """Type what the update printed: only CloudNativePG's superuser can add the functions for the logins."""
    assert _STEP in refused.text, refused
    kube = _kube(user, NAMESPACE)
    script = kube.run("get", "configmap", "-l", "component=roles", "-o", _NEWEST_ROLES)
    leading = ("exec", "--stdin", primary(kube), "--container", "postgres", "--")
    kube.run(*leading, "psql", "--dbname=postgres", "--single-transaction", stdin=script)


def _pulumi() -> str:
    """Return the words that put the Pulumi of this version on PATH, as an official one would be."""
    tools = shlex.join([sys.executable, "-m", "tools.toolchain"])
    return f'eval "$(cd {shlex.quote(str(ROOT))} && {tools})"'


def _told(user: Product, images: Mapping[str, str]) -> None:
    """Have both stacks' files name the database's image and the ports that this machine has."""
    for stack, port in {"dev": user.port, "prod": user.encrypted_port}.items():
        path = user.root / f"Pulumi.{stack}.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        here = {"feastflow:database": {"image": images["database"]}, "feastflow:edge": {"port": port}}
        document["config"] = merged(document["config"], here)
        path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def _kube(user: Product, namespace: str) -> Kube:
    return Kube(kubectl=user.kubectl, kubeconfig=user.kubeconfig, namespace=namespace)


def _uids(user: Product, namespace: str) -> dict[str, str]:
    kube = _kube(user, namespace)
    objects = [kube.get("namespace", namespace), *(each for kind in _KEPT for each in kube.all(kind))]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["uid"] for each in objects}


def _git(*arguments: str, check: bool = True) -> int:
    return subprocess.run(["git", *arguments], check=check, capture_output=True).returncode  # noqa: S603, S607
