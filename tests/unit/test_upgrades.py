"""Upgrades of PostgreSQL: the settings that are refused, what is told before, and the pod that does it."""

import json
from typing import Any

import pulumi
import pytest

from components.guards import continuity, upgrading
from components.postgres import roles
from components.settings.values import images

from .recorder import Recording, record_stack
from .test_backups import BACKUP, variables
from .test_settings import MINIMAL, parse, refusal

OLD = "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"
NEW = "ghcr.io/cloudnative-pg/postgresql:17.6-bookworm"
REPLICATED = {"engine": "replicated", "instances": 3}
UPGRADE = {"image": NEW, "upgradeFrom": OLD}
NEXT = {**BACKUP, "destination": f"{BACKUP['destination']}-17"}


def recorded(**database: Any) -> Recording:
    return record_stack({**MINIMAL, "feastflow:database": database})


def facts(**database: Any) -> dict[str, Any]:
    return continuity.facts(parse(database=database))


@pytest.mark.parametrize(
    ("database", "at", "why"),
    [
        ({"image": NEW, "upgradeFrom": NEW}, "upgradeFrom", "it is PostgreSQL 17, and database.image is"),
        ({"upgradeFrom": NEW}, "upgradeFrom", "data is upgraded to a newer major version alone"),
        ({"image": NEW, "upgradeFrom": "shop/db:prod"}, "upgradeFrom", "does not begin with a version"),
        ({**UPGRADE, "undoUpgrade": True}, "upgradeFrom", "begun or undone"),
        (
            {**UPGRADE, "backup": NEXT, "restore": {"from": BACKUP["destination"]}},
            "upgradeFrom",
            "a backup is read by an image of its own",
        ),
        ({**REPLICATED, "undoUpgrade": True}, "undoUpgrade", "keeps nothing of before"),
        (
            {**REPLICATED, **UPGRADE, "image": NEW.replace("bookworm", "trixie")},
            "image",
            "those of bookworm do not run in trixie",
        ),
    ],
)
def test_what_could_not_be_upgraded_is_refused_by_the_settings(
    database: dict[str, Any], at: str, why: str
) -> None:
    said = refusal(database=database)
    assert f"feastflow:database.{at}" in said
    assert why in said


def test_a_standalone_server_may_be_upgraded_to_another_release_of_debian() -> None:
    parse(database={**UPGRADE, "image": NEW.replace("bookworm", "trixie")})


@pytest.mark.parametrize(
    ("reference", "release"),
    [(OLD, "bookworm"), ("postgres:17.6-trixie@sha256:" + "0" * 64, "trixie"), ("postgres:17", None)],
)
def test_the_release_of_debian_is_read_from_the_tag(reference: str, release: str | None) -> None:
    assert images.debian(reference) == release


@pytest.mark.parametrize("engine", [{}, REPLICATED], ids=["standalone", "replicated"])
def test_a_newer_major_needs_the_image_of_before_and_another_place_for_backups(
    engine: dict[str, Any],
) -> None:
    before = facts(**engine, backup=BACKUP)
    with pytest.raises(pulumi.RunError) as error:
        continuity.check(before, facts(**engine, backup=BACKUP, image=NEW))
    said = str(error.value)
    assert "feastflow:database.version\n  found: 17 (was 15)" in said
    assert f"pulumi config set --path feastflow:database.upgradeFrom {OLD}" in said
    assert "feastflow:database.backup.destination s3://my-backups/feastflow/prod-17" in said
    upgraded = facts(**engine, **UPGRADE, backup=NEXT)
    continuity.check(before, upgraded)
    # From then on the setting says nothing more, and may go.
    continuity.check(upgraded, upgraded)
    continuity.check(upgraded, facts(**engine, image=NEW, backup=NEXT))
    # An update that failed has recorded nothing: both are let through, on and back.
    continuity.check(before, before)


def test_data_is_read_by_an_image_of_its_own_major_alone() -> None:
    with pytest.raises(pulumi.RunError, match="an image of PostgreSQL 16, and the data is PostgreSQL 15's"):
        continuity.check(facts(), facts(image=NEW, upgradeFrom="postgres:16.1"))


def test_an_upgrade_is_undone_by_consent_and_only_where_something_is_kept() -> None:
    upgraded = facts(**UPGRADE)
    with pytest.raises(pulumi.RunError, match=r"feastflow:database\.undoUpgrade true"):
        continuity.check(upgraded, facts())
    continuity.check(upgraded, facts(undoUpgrade=True))
    with pytest.raises(pulumi.RunError, match="the way back from an upgrade is a restore"):
        continuity.check(facts(**REPLICATED, **UPGRADE), facts(**REPLICATED))


def test_an_upgrade_is_told_before_it_begins_and_the_setting_when_it_has_done_its_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", told.append)
    before, upgraded, undone = facts(), facts(**UPGRADE), facts(undoUpgrade=True)
    changes = ((before, upgraded), (upgraded, upgraded), (upgraded, undone), (undone, undone))
    for last, now in (*changes, ({}, upgraded), (before, before)):
        upgrading.tell(last, now)
    assert [text.partition(":")[0] for text in told] == [
        "the data of PostgreSQL 15 becomes PostgreSQL 17's",
        "feastflow",
        "the data of before the upgrade to PostgreSQL 17 is served again, without what was written since",
        "feastflow",
    ]
    assert "pulumi config rm --path feastflow:database.upgradeFrom" in told[1]
    assert "pulumi config rm --path feastflow:database.undoUpgrade" in told[3]


def test_the_pod_upgrades_before_anything_else_with_the_image_of_each_major() -> None:
    recording = recorded(**UPGRADE, backup=NEXT)
    pod = recording.pods()["StatefulSet/postgres"]
    *upgrade, prepare = pod["initContainers"]
    assert [(each["name"], each["image"]) for each in upgrade] == [
        ("upgrade-offer", NEW),
        ("upgrade-dump", OLD),
        ("upgrade-load", NEW),
    ]
    assert (prepare["name"], prepare["image"]) == ("prepare", NEW)
    for each in upgrade:
        verb = each["name"].removeprefix("upgrade-")
        assert each["command"][:3] == ["sh", "/etc/feastflow/scripts/upgrade.sh", verb]
        assert each["command"][3:] == pod["containers"][0]["command"][3:]
        assert each["resources"] == prepare["resources"]
        assert variables(each)["STORE_DESTINATION"] == NEXT["destination"]
        assert variables(each).get("DUMP_MAJOR") == ("15" if verb == "dump" else None)
    told = recording.one("ConfigMap", "postgres-scripts").inputs["data"]
    assert {each.name for each in roles.UPGRADE.iterdir()} < set(told)
    assert "/usr/lib/postgresql/17/bin" in told["upgrade.sh"]


def test_a_server_that_is_not_upgraded_knows_nothing_of_it() -> None:
    recording = recorded()
    (only,) = recording.pods()["StatefulSet/postgres"]["initContainers"]
    assert only["name"] == "prepare"
    assert "upgrade.sh" not in recording.one("ConfigMap", "postgres-scripts").inputs["data"]


def test_the_consent_to_undo_reaches_the_server_alone() -> None:
    pod = recorded(undoUpgrade=True).pods()["StatefulSet/postgres"]
    (prepare,) = pod["initContainers"]
    assert variables(prepare)["UNDO_UPGRADE"] == variables(pod["containers"][0])["UNDO_UPGRADE"] == "yes"


def test_what_waits_for_the_server_waits_as_long_as_an_upgrade_may_take() -> None:
    for database, seconds in (({}, 600), (UPGRADE, 7200)):
        grant = recorded(**database).one("Job", "feastflow-roles-grant")
        assert grant.inputs["spec"]["activeDeadlineSeconds"] == seconds


def test_the_operator_upgrades_a_cluster_by_its_image_and_a_new_place_for_its_log() -> None:
    cluster = recorded(**REPLICATED, **UPGRADE, backup=NEXT).one("Cluster", "postgres").inputs
    # A cluster of before is ready, too.
    awaited = json.loads(cluster["metadata"]["annotations"]["pulumi.com/waitFor"])
    assert awaited == ["jsonpath={.status.pgDataImageInfo.majorVersion}=17", "condition=Ready"]
    spec = cluster["spec"]
    assert spec["imageName"] == NEW
    assert spec["backup"]["barmanObjectStore"]["destinationPath"] == NEXT["destination"]
