"""A plain cluster: one node in no zone, where dev is deployed by the README's lines alone.

The stack's file is the repository's own, to which `make up` would add what the local cluster needs. What the
demo needs of a stack is in demo/settings.yaml.
"""

import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.settings.values.merging import merged

from ..harness import own, suite
from ..harness.kube import Kube
from ..harness.own import Types
from ..harness.product import ROOT, Product, free_port
from ..harness.running import Ran
from ..harness.site import Site
from ..harness.waiting import until

_CLUSTER, _STACK = "feastflow-plain", "Pulumi.dev.yaml"
_ZONE = "topology.kubernetes.io/zone"


@pytest.fixture(scope="module")
def plain(request: pytest.FixtureRequest, product: Product, deployed: dict[str, str]) -> Iterator[Product]:
    """Yield a user whose cluster has one node, in no zone, with the images that they deploy."""
    room = Path(tempfile.mkdtemp(prefix="feastflow-plain-"))
    here = Product(cluster=_CLUSTER, port=free_port(), state=room).cloned(room / "clone")
    shutil.copy(ROOT / _STACK, here.root / _STACK)
    _one_node(here.root / "tools" / "cluster")
    user = own.with_state(here.with_variables(KUBECONFIG=str(here.kubeconfig)), room)
    cluster = shlex.join([sys.executable, "-m", "tools.cluster", "--name", _CLUSTER])
    with suite.prepared(request, user):
        try:
            suite.brought_up(user, f"{cluster} up --port {user.port}", within=900)
            own.carry(deployed.values(), product, user, room)
            yield user
        finally:
            if not suite.left(request):
                user.typed(f"{cluster} down")
                shutil.rmtree(room)


def _one_node(cluster: Path) -> None:
    """Have the cluster's folder describe one node, and add-ons that do not want two."""
    file = cluster / "kind.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    (node, *_) = document["nodes"]
    del node["labels"][_ZONE]
    # kind itself takes the taint from a control plane that is alone, and fails where there is none.
    node["kubeadmConfigPatches"] = []
    document["nodes"] = [node]
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    for name in ("coredns/spread.yaml", "metrics-server/kustomization.yaml"):
        addon = cluster / "addons" / name
        wanted = yaml.safe_load(addon.read_text(encoding="utf-8"))
        wanted.pop("components", None)
        if "spec" in wanted:
            wanted["spec"] = {"replicas": 1}
        addon.write_text(yaml.safe_dump(wanted), encoding="utf-8")


@pytest.fixture(scope="module")
def types(plain: Product) -> Types:
    """Return the user at a shell of the checkout, with Pulumi on PATH."""
    return own.at_a_shell(plain)


@pytest.fixture(scope="module")
def up(plain: Product, types: Types, deployed: dict[str, str]) -> Ran:
    """Deploy dev by the README's lines; of this machine are its port and its database image."""
    path = plain.root / _STACK
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    demo = yaml.safe_load((ROOT / "demo" / "settings.yaml").read_text(encoding="utf-8"))
    here = {"feastflow:database": {"image": deployed["database"]}, "feastflow:edge": {"port": plain.port}}
    document["config"] = merged(merged(document["config"], demo), here)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return own.deploy(types, f"kind-{_CLUSTER}", deployed, "feastflow-dev.localhost")


def test_dev_is_deployed_to_one_node_without_a_zone(up: Ran, plain: Product) -> None:
    assert up.code == 0
    kube = Kube(kubectl=plain.kubectl, kubeconfig=plain.kubeconfig, namespace="feastflow-dev")
    (node,) = kube.all("nodes")
    assert _ZONE not in node["metadata"]["labels"]
    pending = [each["metadata"]["name"] for each in kube.all("pods") if each["status"]["phase"] == "Pending"]
    assert pending == []


def test_the_page_is_served_there(up: Ran, types: Types, plain: Product) -> None:
    assert up.code == 0
    site = Site(url=f"http://feastflow-dev.localhost:{plain.port}")
    until(lambda: site.ask("/").status == 200, what="the page", within=60)
    assert json.loads(types("pulumi stack output --json").out)["url"] == site.url


def test_a_stack_that_wants_three_zones_is_refused_there(up: Ran, types: Types) -> None:
    assert up.code == 0
    types("pulumi config set --path feastflow:cluster.zones 3")
    ran = types("! pulumi preview")
    assert "feastflow:cluster.zones" in ran.text, ran
    types("pulumi config rm --path feastflow:cluster.zones")
