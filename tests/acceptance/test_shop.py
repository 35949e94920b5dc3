"""An application that is not the demo: carried, deployed by configuration alone, scaled by load, built."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube, condition
from ..harness.product import Product
from ..harness.refusals import assert_refused
from ..harness.running import Ran, UnderWay
from ..harness.site import Site
from ..harness.waiting import meanwhile, until

_HERE = Path(__file__).parent / "shop"
_IMAGE = "localhost/shop/shop:3.1.0"
_NAMESPACE = "shop-test"
_STACK = "shop"
_SIGTERM = 143


@pytest.fixture(scope="module")
def image(product: Product, kube: Kube) -> Iterator[str]:
    """The shop's image, in the engine that carries the nodes and nowhere else."""
    (backend, *_) = kube.pods("backend")
    base = backend["spec"]["containers"][0]["image"]
    flags = ("--isolation", "chroot", "--pull=never") if product.carrier == "podman" else ()
    product.engine("build", *flags, "--build-arg", f"BASE_IMAGE={base}", "--tag", _IMAGE, str(_HERE))
    yield _IMAGE
    product.engine("image", "rm", "--force", _IMAGE)


@pytest.fixture(scope="module")
def owner(product: Product, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The shop's team, with a stack file of its own."""
    (node,) = kube.all("nodes", "--selector", "node-role.kubernetes.io/control-plane")
    addresses = (each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    owner = product.cloned(tmp_path_factory.mktemp("clone") / "clone").with_variables(STACK=_STACK)
    config = _config(next(addresses), kube.run("config", "view", "--raw", "--output", "json"))
    (owner.root / f"Pulumi.{_STACK}.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    yield owner
    ran = owner.local("destroy")
    assert ran.code == 0, ran


@pytest.fixture(scope="module")
def ups(owner: Product, image: str) -> Callable[[], Ran]:
    """`make up` of the shop with its image, which is carried to the nodes."""
    command = documented(
        "make up BACKEND_IMAGE=my-api:1.4.2 FRONTEND_IMAGE=my-page:1.4.2",
        {"my-api:1.4.2": image, "my-page:1.4.2": image},
    )
    return lambda: owner.typed(command)


@pytest.fixture(scope="module")
def opened(ups: Callable[[], Ran]) -> Ran:
    """The shop's first `make up`."""
    return ups()


@pytest.fixture(scope="module")
def there(kube: Kube, opened: Ran) -> Kube:
    """Return the cluster, seen from the shop's namespace."""
    assert opened.code == 0
    return Kube(kubectl=kube.kubectl, kubeconfig=kube.kubeconfig, namespace=_NAMESPACE)


@pytest.fixture(scope="module")
def shop(product: Product, opened: Ran) -> Site:
    """Return the shop at the address that `make up` printed."""
    site = Site(url=f"http://shop.localhost:{product.port}")
    assert site.url in opened.out, opened
    return site


def test_another_application_is_deployed_by_its_stack_file_alone(
    shop: Site, opened: Ran, figures: Figures
) -> None:
    assert "<title>Shop</title>" in shop.ask("/").text
    first, second = (int(shop.ask("/api/visits").text) for _ in range(2))
    assert second == first + 1
    figures.seconds("up of an application that is not the demo", opened.seconds)


def test_its_routes_are_a_gateways(there: Kube) -> None:
    (gateway,) = there.all("gateways.gateway.networking.k8s.io")
    (route,) = there.all("httproutes.gateway.networking.k8s.io")
    assert condition(gateway, "Programmed") == "True"
    (parent,) = route["status"]["parents"]
    assert {each["type"]: each["status"] for each in parent["conditions"]}["Accepted"] == "True"
    assert there.all("ingresses") == []


def test_it_gets_its_ids_its_names_its_paths_its_authority_and_its_way_out(shop: Site) -> None:
    found = shop.ask("/api/manners").json
    assert found == {
        "ids": [4242, 4242, True],
        "note": "kept",
        "partner": 200,
        "authorities": 1,
        "renamed": True,
    }


def test_a_process_that_as_the_first_ignores_sigterm_ends_by_it_all_the_same(
    product: Product, there: Kube
) -> None:
    (name, *_) = there.ready("backend")
    shown = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}{'\\n'}"
    reach = ["--kubeconfig", str(there.kubeconfig), "--namespace", there.namespace]
    command = [there.kubectl, *reach, "get", "pod", name, "--watch", "--output", shown]
    with UnderWay(command, product.environment, None) as watching:
        there.run("delete", "pod", name, timeout=120)
        assert str(_SIGTERM) in watching.interrupt().out.split()


def test_load_adds_pods_an_up_leaves_them_and_rest_takes_them_away(
    ups: Callable[[], Ran], there: Kube, shop: Site, figures: Figures
) -> None:
    until(lambda: len(there.ready("backend")) == 1, what="one pod at rest", within=180)
    with _load(shop):
        until(lambda: len(there.ready("backend")) >= 2, what="a second pod", within=180)
        before = _replicas(there)
        ran = ups()
        assert ran.changes == []
        assert _replicas(there) >= before
    figures.text("autoscaler", f"1 pod at rest, {_replicas(there)} under load")
    until(lambda: len(there.ready("backend")) == 1, what="one pod at rest again", within=240)


def test_what_a_folder_builds_is_carried_and_served(
    owner: Product, image: str, shop: Site, tmp_path: Path
) -> None:
    (tmp_path / "frontend").mkdir()
    dockerfile = f"FROM {image}\nENV SHOP_TITLE='From a folder'\n"
    (tmp_path / "frontend" / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    # The shop's migration cannot run twice, and another image of the backend would be another version.
    user = owner.with_variables(BACKEND_IMAGE=image)
    user.typed(documented("make up APP=../my-application", {"../my-application": str(tmp_path)}))

    until(lambda: "From a folder" in shop.ask("/").text, what="the page that was built", within=60)


def test_an_image_that_is_nowhere_is_refused_before_anything_is_deployed(owner: Product, shop: Site) -> None:
    other = owner.with_variables(BACKEND_IMAGE="localhost/shop/shop:none")
    found = "BACKEND_IMAGE is localhost/shop/shop:none, which is not available"
    assert_refused(other.local("up"), found=found, fix="make up APP=")
    assert "From a folder" in shop.ask("/").text


def _replicas(there: Kube) -> int:
    (backend,) = there.all("deployments", "--selector", "component=backend")
    return int(backend["spec"]["replicas"])


@contextmanager
def _load(shop: Site) -> Iterator[None]:
    """Yield four customers who ask for work without a pause, until the block ends."""

    def keep_asking(over: threading.Event) -> None:
        for _ in range(20_000):
            if over.is_set():
                break
            try:
                shop.ask("/api/work")
            except OSError:
                over.wait(0.1)

    with meanwhile(keep_asking, workers=4):
        yield


def _config(api: str, kubeconfig: str) -> dict[str, object]:
    """Everything that the shop has otherwise than the demo."""
    (cluster,) = json.loads(kubeconfig)["clusters"]
    authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
    size = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "128Mi"}}
    common = {"uid": 4242, "gid": 4242, "resources": size}
    return {
        "feastflow:namespace": _NAMESPACE,
        "feastflow:environment": "test",
        "feastflow:cluster": {"zones": 3},
        "feastflow:tenancy": {"priorityClasses": False},
        "feastflow:database": {"name": "shop", "user": "shopkeeper", "storage": "1Gi"},
        "feastflow:backend": {
            **common,
            "command": ["python3", "/shop/shop.py", "serve"],
            "port": 8000,
            "probes": {"liveness": "/live", "readiness": "/ready", "startup": "/live"},
            "writable": [{"path": "/tmp"}, {"path": "/var/cache/shop", "size": "8Mi"}],
            "migrations": {"command": ["python3", "/shop/shop.py", "migrate"]},
            "envNames": {"JWT_SECRET": "SHOP_KEY", "PORT": "SHOP_PORT"},
            "env": {
                "SHOP_DATABASE": "postgresql://$(DB_USER):$(DB_PASSWORD)@$(DB_HOST):$(DB_PORT)/$(DB_NAME)",
                "SHOP_CACHE": "/var/cache/shop",
                "SHOP_PARTNER": f"https://{api}:6443/version",
            },
            "caBundle": {"pem": authority},
            "egress": [{"host": "partner.example.com", "port": 6443, "cidrs": [f"{api}/32"]}],
            "shutdown": {"shareProcessNamespace": True},
            "autoscaling": {
                "minReplicas": 1,
                "maxReplicas": 3,
                "cpuPercent": 60,
                "memoryPercent": None,
                "scaleDownSeconds": 5,
            },
        },
        "feastflow:frontend": {
            **common,
            "command": ["python3", "/shop/shop.py", "page"],
            "port": 8001,
            "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
        },
        # The listener's port is that of Traefik's own entry point, which the node's port 80 leads to.
        "feastflow:edge": {"host": "shop.localhost", "mode": "gateway", "listenerPort": 8000},
    }
