"""Deployment without `make`: a clone, pip, Pulumi, and a cluster of the user's, as the pages say."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..documented import documented
from ..harness import own
from ..harness.figures import Figures
from ..harness.kube import Object
from ..harness.own import Types
from ..harness.product import Product
from ..harness.running import CommandError, Ran
from ..harness.site import Site
from ..harness.waiting import until

_NAMESPACE = "feastflow-alone"


@pytest.fixture(scope="module")
def user(product: Product, deployed: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Product:
    """Return the user's clone, whose dev stack has a namespace of its own, and a state in files."""
    room = tmp_path_factory.mktemp("alone")
    settings: Object = {
        "namespace": _NAMESPACE,
        "edge": {"host": "of.dev.localhost", "port": product.port},
        # Next to dev and prod, the processors of three nodes are all taken in one zone or another.
        "cluster": {"zones": 1},
    }
    return own.with_state(own.clone(product, room / "clone", deployed["database"], **settings), room)


@pytest.fixture(scope="module")
def types(user: Product) -> Types:
    """Return the user at a shell of the clone, with Pulumi on PATH."""
    return own.at_a_shell(user)


@pytest.fixture(scope="module")
def up(types: Types, product: Product, deployed: dict[str, str]) -> Iterator[Ran]:
    """Yield the README's lines, one after the other; what they made is deleted afterwards."""
    yield own.deploy(types, f"kind-{product.cluster}", deployed, f"{_NAMESPACE}.localhost")
    types("pulumi destroy")
    types(documented("pulumi stack rm --force --preserve-config dev"))


def test_the_site_is_served(up: Ran, types: Types, product: Product, figures: Figures) -> None:
    site = Site(url=f"http://{_NAMESPACE}.localhost:{product.port}")
    until(site.answers, what="the site", within=60)
    assert json.loads(types("pulumi stack output --json").out)["url"] == site.url
    figures.seconds("pulumi up of dev by hand, in an environment of pip's", up.seconds)


def test_the_policies_are_run_by_pulumi_itself(up: Ran, types: Types) -> None:
    assert up.code == 0
    types(".venv/bin/" + documented("pip install pulumi-policy==1.21.0"))
    ran = types(documented("pulumi preview --policy-pack policies"))
    assert "feastflow-policies" in ran.out or "Policies:" in ran.out, ran
    assert "unchanged" in ran.out


def test_settings_are_changed_by_pulumis_own_command(up: Ran, types: Types, product: Product) -> None:
    assert up.code == 0
    context = f"kind-{product.cluster}"
    types(documented("pulumi config set --path feastflow:backend.image registry.example.com/shop/api:1.4.2"))
    types(documented("pulumi config set --path feastflow:backend.autoscaling.maxReplicas 12"))
    types(documented("pulumi config set feastflow:rotation 2"))
    types(documented("pulumi config set kubernetes:context my-cluster", {"my-cluster": context}))
    said = types("pulumi preview --diff").out
    assert "registry.example.com/shop/api:1.4.2" in said
    assert "12" in said
    assert "feastflow-secret" in said


def test_a_lock_whose_holder_has_ended_is_deleted(up: Ran, types: Types, user: Product) -> None:
    assert up.code == 0
    room = Path(user.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    left = room / ".pulumi/locks/organization/feastflow/dev/left-behind.json"
    left.parent.mkdir(parents=True, exist_ok=True)
    owner = {"pid": 1, "username": "ann", "hostname": "elsewhere", "timestamp": "2026-11-23T09:00:00Z"}
    left.write_text(json.dumps(owner), encoding="utf-8")
    with pytest.raises(CommandError, match="currently locked"):
        types("pulumi refresh")
    types(documented("pulumi cancel --stack prod", {"prod": "dev"}))
    assert not left.exists()
