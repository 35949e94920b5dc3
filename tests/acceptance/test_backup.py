"""A database backed up, emptied by mistake, lost with its namespace, and begun from the moment before."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.store import manifests

from ..documented import documented
from ..harness.figures import Figures
from ..harness.kube import Kube
from ..harness.product import Product
from ..harness.running import Ran
from ..harness.site import Site
from ..harness.waiting import until

# It destroys the stack with its volume, and what it leaves is one like it.
NEEDS_THE_STACK = False

_MINUTES = 60
_ROWS = 1000
_COUNT = "SELECT count(*), sum(number) FROM kept"
_EXAMPLE = "2026-11-28 20:14:59+00:00"
# As the application's own tables are: what a superuser made, an import may not replace.
_OWNED = r"""
SELECT format('ALTER TABLE kept OWNER TO %I', tableowner) FROM pg_tables WHERE tablename = 'orders' \gexec
"""
_SENT = "SELECT last_archived_wal >= :'name' FROM pg_stat_archiver"


@dataclass(frozen=True, kw_only=True)
class Restored:
    """The rows at each step, what the commands said, and both updates."""

    before: list[list[str]]
    after: list[list[str]]
    listed: str
    proved: str
    looked: str
    still: list[list[str]]
    back: Ran
    taken_back: list[list[str]]
    backing: Ran
    empty: Ran
    restoring: Ran


def told(clone: Product, database: dict[str, Any]) -> None:
    """Write these settings of the database into the clone's stack."""
    path = clone.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["config"]["feastflow:database"].update(database)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


@pytest.fixture(scope="module")
def restored(
    product: Product, kube: Kube, site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Restored]:
    until(lambda: site.answers() and kube.complete(), what="the whole site", within=180)
    clone = product.cloned(tmp_path_factory.mktemp("backup") / "clone")
    clone.typed(documented("make store"))
    settings = manifests.settings("dev")
    told(clone, settings)
    backing = clone.done("up")
    kube.sql(f"CREATE TABLE kept AS SELECT generate_series(1, {_ROWS}) AS number")
    kube.sql(_OWNED)
    before = kube.sql(_COUNT)
    ((moment,),) = kube.sql("SELECT to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.US+00:00')")
    kube.sql("TRUNCATE kept")
    ((name,),) = kube.sql("SELECT pg_walfile_name(pg_switch_wal() - 1)")
    until(lambda: kube.sql(_SENT, name=name) == [["t"]], what=f"{name} is in the store", within=120)
    proved = clone.typed(documented("make proof")).out
    listed = clone.typed(documented("make backups")).out
    looked = clone.typed(documented("make restore AT='2026-11-28 20:14:59+00:00'", {_EXAMPLE: moment})).out
    still = kube.sql(_COUNT)
    held = re.search(r" REPLACE='(\S+)'", looked)
    assert held, looked
    line = documented(
        "make restore AT='2026-11-28 20:14:59+00:00' REPLACE=public.orders",
        {_EXAMPLE: moment, "public.orders": held[1]},
    )
    back = clone.typed(line)
    taken_back = kube.sql(_COUNT)
    # By another person, or another program.
    kube.run("delete", "namespace", kube.namespace, timeout=300)
    empty = clone.local("up")
    again = settings["backup"] | {"destination": f"{settings['backup']['destination']}-2"}
    told(clone, {"backup": again, "restore": {"from": settings["backup"]["destination"], "at": moment}})
    with clone.begin("up") as under_way:
        until(
            lambda: kube.ask("get", "namespace", kube.namespace).code == 0, what="the namespace", within=600
        )
        clone.typed(documented("make store"))
        restoring = under_way.ended(within=15 * _MINUTES)
    assert restoring.code == 0, restoring
    yield Restored(
        before=before,
        after=kube.sql(_COUNT),
        listed=listed,
        proved=proved,
        looked=looked,
        still=still,
        back=back,
        taken_back=taken_back,
        backing=backing,
        empty=empty,
        restoring=restoring,
    )
    clone.done("destroy")
    product.typed(documented("make unstore"))
    product.done("up")
    until(lambda: site.answers() and kube.complete(), what="the site without backups", within=180)


def test_the_rows_come_back_as_they_were_the_moment_before(restored: Restored, figures: Figures) -> None:
    figures.seconds("an update that turns backups on, with a first copy", restored.backing.seconds)
    figures.seconds("a namespace lost, whole again from its backup", restored.restoring.seconds)
    assert restored.before == restored.after == [[str(_ROWS), str(_ROWS * (_ROWS + 1) // 2)]]


def test_a_lost_database_with_a_backup_is_not_begun_empty(restored: Restored) -> None:
    assert restored.empty.code == 1
    assert "it would begin empty, and its newest data is in s3://" in restored.empty.err


def test_a_mistake_is_shown_and_taken_back_beside_what_runs(restored: Restored, figures: Figures) -> None:
    figures.seconds("make restore of a moment, beside and brought over", restored.back.seconds)
    assert re.search(rf"public\.kept +{_ROWS:,} +0  {_ROWS:,} more then", restored.looked), restored.looked
    assert restored.still == [["0", ""]], "looking changes nothing"
    assert restored.taken_back == restored.before
    assert "comes back by: make restore AT='" in restored.back.out


def test_what_can_be_restored_was_listed(restored: Restored) -> None:
    assert "any moment from " in restored.listed
    assert " DONE" in restored.listed


def test_a_restore_was_proved_with_its_rows_and_is_told(restored: Restored) -> None:
    assert "checked: checksums amcheck" in restored.proved
    assert "a restore was proved at " in restored.listed


@pytest.mark.usefixtures("restored")
def test_the_site_serves_from_the_restored_database(site: Site, kube: Kube) -> None:
    assert site.answers()
    assert kube.complete()


@pytest.mark.usefixtures("restored")
def test_only_pods_of_databases_and_copies_reach_the_store(kube: Kube) -> None:
    address = (f"{manifests.NAME}.{manifests.NAMESPACE}.svc", manifests.PORT)
    connect = f"import socket; socket.create_connection({address}, 3)"
    assert kube.ask("exec", "postgres-0", "--container", "postgres", "--", "python3", "-c", connect).code == 0
    (backend, *_) = kube.ready("backend")
    assert kube.ask("exec", backend, "--container", "backend", "--", "python3", "-c", connect).code != 0


def test_no_credential_is_in_the_servers_arguments_or_environment(restored: Restored, kube: Kube) -> None:
    assert restored
    script = "tr '\\0' '\\n' </proc/1/environ; tr '\\0' ' ' </proc/1/cmdline; cat /etc/feastflow/store/secret"
    text = kube.run("exec", "postgres-0", "--container", "postgres", "--", "sh", "-c", script)
    said, secret = text[:-40], text[-40:]
    assert len(secret) == 40
    assert secret not in said


def test_the_page_shows_these_settings() -> None:
    page = (Path(__file__).parents[2] / "docs" / "backups.md").read_text(encoding="utf-8")
    assert manifests.ENDPOINT in page
