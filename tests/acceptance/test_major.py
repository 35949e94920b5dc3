"""A newer PostgreSQL while customers order: upgraded, undone, and nothing lost that was acknowledged."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.site import Site, Writes, ordering
from ..harness.waiting import until
from . import major

_ORDERS = "SELECT count(*) FROM orders WHERE number = ANY (string_to_array(:'numbers', ','))"
_VOLUME = "/var/lib/postgresql/data"


@dataclass(frozen=True, kw_only=True)
class Upgraded:
    """The updates, the customers' view during the upgrade, and what was found after each."""

    refused: Ran
    ran: Ran
    writes: Writes
    there: list[list[str]]
    version: list[list[str]]
    left: str
    undone: Ran
    back: list[list[str]]
    since: list[list[str]]


def _told(clone: Product, database: dict[str, Any]) -> None:
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"].setdefault("feastflow:database", {}).update(database)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def _counted(kube: Kube, writes: Writes) -> list[list[str]]:
    return kube.sql(_ORDERS, numbers=",".join(writes.numbers))


@pytest.fixture(scope="module")
def upgraded(
    product: Product, kube: Kube, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgraded]:
    image = major.image(product)
    (pod,) = kube.pods("database")
    before = pod["spec"]["containers"][0]["image"]
    clone = product.cloned(tmp_path_factory.mktemp("major") / "clone")
    _told(clone, {"image": image})
    refused = clone.local("up")
    _told(clone, {"upgradeFrom": before})
    with ordering(site, customer="before and after") as writes:
        until(lambda: writes.numbers, what="an order before the upgrade", within=60)
        first = len(writes.numbers)
        ran = clone.done("up")
        until(lambda: len(writes.numbers) > first, what="an order after the upgrade", within=120)
    there = _counted(kube, writes)
    version = kube.sql("SHOW server_version_num")
    left = kube.run("exec", "postgres-0", "--container", "postgres", "--", "ls", _VOLUME)
    with ordering(site, customer="since the upgrade") as since:
        until(lambda: since.numbers, what="an order since the upgrade", within=60)
    clone = product.cloned(tmp_path_factory.mktemp("undone") / "clone")
    _told(clone, {"undoUpgrade": True})
    undone = clone.done("up")
    early = Writes(numbers=writes.numbers[:first])
    yield Upgraded(
        refused=refused,
        ran=ran,
        writes=writes,
        there=there,
        version=version,
        left=left,
        undone=undone,
        back=_counted(kube, early),
        since=_counted(kube, since),
    )
    product.done("up")
    line = documented(
        "kubectl exec postgres-0 --namespace feastflow-dev -c postgres -- "
        "rm -rf /var/lib/postgresql/data/pgdata-15",
        {"feastflow-dev": kube.namespace, "pgdata-15": f"pgdata-{major.MAJOR}"},
    )
    product.shell(line)
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)


def test_without_the_image_of_before_nothing_is_changed(upgraded: Upgraded) -> None:
    assert upgraded.refused.code != 0
    assert "feastflow:database.upgradeFrom localhost/" in upgraded.refused.out + upgraded.refused.err


def test_every_acknowledged_order_is_served_by_the_new_major(upgraded: Upgraded, figures: Figures) -> None:
    figures.seconds("an upgrade from PostgreSQL 15 to 17, `make up`", upgraded.ran.seconds)
    figures.seconds("the longest time without an order meanwhile", upgraded.writes.longest_silence)
    figures.text("orders lost of those acknowledged", f"0 of {len(upgraded.writes.numbers)}")
    assert upgraded.there == [[str(len(upgraded.writes.numbers))]]
    assert upgraded.version[0][0].startswith(str(major.MAJOR))
    assert "pgdata-15" in upgraded.left.split()


def test_the_way_back_has_every_order_of_before_and_none_since(upgraded: Upgraded, figures: Figures) -> None:
    figures.seconds("an upgrade undone, `make up`", upgraded.undone.seconds)
    assert upgraded.back != [["0"]]
    assert upgraded.since == [["0"]]
