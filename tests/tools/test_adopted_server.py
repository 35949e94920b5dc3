"""Comparison of a running server with the one that would replace it: mismatches and near matches."""

from dataclasses import replace
from typing import Any

import pytest

from components.settings.values import majors
from tools.cli import adoption
from tools.cli.adopted_server import Seen
from tools.toolchain.errors import UserError

from .adoptable import SEEN, Change, adopting, check, container, live, pod, thing

_UNSEEN = Seen(unseen="no pod of postgres is ready")
_MOVED = "exec postgres-0 --container postgres -- pg_dump --username=postgres --no-owner --no-privileges"


def _mounted(**mount: str) -> Change:
    return lambda there: container(there)["volumeMounts"][1].update(mount)


def _pgdata(value: str) -> Change:
    return lambda there: container(there).update(env=[{"name": "PGDATA", "value": value}])


def _env(**values: str) -> Change:
    env = [{"name": name, "value": value} for name, value in values.items()]
    return lambda there: container(there)["env"].extend(env)


def _all(*changes: Change) -> Change:
    return lambda there: [change(there) for change in changes]


def _volume(path: str, **source: Any) -> Change:
    def change(there: dict[str, Any]) -> None:
        pod(there)["volumes"].append({"name": "more", **source})
        container(there)["volumeMounts"].append({"name": "more", "mountPath": path})

    return change


def _sidecar(**content: Any) -> Change:
    mounts = [{"name": "data", "mountPath": "/backup"}]
    return lambda there: pod(there)["containers"].insert(0, {"name": "b", "volumeMounts": mounts, **content})


@pytest.mark.parametrize(
    "change",
    [
        _all(_mounted(subPath="pgdata"), _pgdata("/data")),
        _all(_mounted(mountPath="/var/lib/pg/"), _pgdata("/var/lib/pg/./pgdata/")),
        _all(_mounted(subPath="pgdata/"), _pgdata("/data/")),
        _env(PGDATA="/data/pgdata"),
        _env(POSTGRES_DB="orders", POSTGRES_USER="cook"),
        _sidecar(),
        lambda there: pod(there)["containers"].insert(0, {"name": "exporter"}),
        _volume("/data/pgdata/postgresql.conf", configMap={"name": "c"}),
        _volume("/data/pgdata-of-another", emptyDir={}),
        lambda there: container(there).update(image="registry.example.com:5000/postgres:15-alpine"),
        lambda there: (
            pod(there)["securityContext"].clear(),
            container(there).update(securityContext={"runAsUser": 26}),
        ),
    ],
)
def test_the_same_data_in_other_words_is_adopted_from_the_manifest_alone(change: Change) -> None:
    check(change, _UNSEEN)


@pytest.mark.parametrize(
    ("change", "reason", "way_out"),
    [
        (_mounted(subPath="pg"), 'on the claim is "pg/pgdata" and would be "pgdata"', _MOVED),
        (_mounted(mountPath="/"), 'on the claim is "data/pgdata" and would be "pgdata"', _MOVED),
        (_pgdata("/data"), 'on the claim is "." and would be "pgdata"', _MOVED),
        (_mounted(subPathExpr="$(POD)"), 'mounted by subPathExpr "$(POD)"', _MOVED),
        (_pgdata("/var/lib/postgresql/data"), "which is not on the claim postgres-data", _MOVED),
        (_volume("/data/pgdata", emptyDir={}), "which is not on the claim postgres-data", _MOVED),
        (_volume("/data/pgdata/pg_wal", emptyDir={}), "on another volume, at /data/pgdata/pg_wal", _MOVED),
        (lambda there: container(there).pop("env"), "PGDATA has no literal value", _MOVED),
        (_pgdata("$(BASE)/pgdata"), "PGDATA has no literal value", _MOVED),
        (
            lambda there: container(there).update(env=[{"name": "PGDATA", "valueFrom": {}}]),
            "PGDATA has no literal value",
            _MOVED,
        ),
        (
            _volume("/more", persistentVolumeClaim={"claimName": "wal"}),
            'the volume\'s claim is ["postgres-data", "wal"] and would be ["postgres-data"]',
            _MOVED,
        ),
        (lambda there: pod(there).pop("volumes"), "the volume's claim is [] and would be", _MOVED),
        (
            lambda there: there["StatefulSet"]["spec"].update(volumeClaimTemplates=[{}]),
            "its volumes come from spec.volumeClaimTemplates",
            _MOVED,
        ),
        (_sidecar(env=[{"name": "PGDATA", "value": "/x"}]), "more than one with a PGDATA", "pg_dump"),
        (
            lambda there: pod(there)["securityContext"].update(runAsUser=999),
            "the server's user is 999 and would be 26",
            "set feastflow:database.uid to 999 in Pulumi.dev.yaml",
        ),
        (
            lambda there: container(there).update(securityContext={"runAsUser": 999}),
            "the server's user is 999 and would be 26",
            "set feastflow:database.uid to 999 in Pulumi.dev.yaml",
        ),
        (
            lambda there: pod(there)["securityContext"].clear(),
            "the server's user is null and would be 26",
            "kubectl --context c --namespace shop exec postgres-0 --container postgres -- id -u",
        ),
        (
            lambda there: container(there).update(image="postgres:16"),
            "the version of its image postgres:16 is 16 and PostgreSQL would be 15",
            "set feastflow:database.image to an image of PostgreSQL 16 in Pulumi.dev.yaml",
        ),
        (
            lambda there: container(there).update(image="postgres:latest"),
            "no pod of postgres is ready, and the tag of its image postgres:latest names no version",
            "kubectl --context c --namespace shop rollout status statefulset/postgres",
        ),
        (
            lambda there: (
                container(there).update(image="registry.example.com/shop@sha256:16"),
                there["StatefulSet"]["spec"].update(replicas=0),
            ),
            "names no version of PostgreSQL",
            "kubectl --context c --namespace shop scale --replicas=1 statefulset/postgres",
        ),
        (
            _env(POSTGRES_DB="shop", POSTGRES_USER="cook"),
            'its databases are ["shop"] and would be ["orders"]',
            "set feastflow:database.name to shop in Pulumi.dev.yaml",
        ),
        (
            _env(POSTGRES_USER="shop"),
            'its databases are ["shop"] and would be ["orders"]',
            "set feastflow:database.name to shop in Pulumi.dev.yaml",
        ),
        (
            _env(POSTGRES_DB="orders", POSTGRES_USER="chef"),
            "the owner of the database orders is chef and would be cook",
            "set feastflow:database.user to chef in Pulumi.dev.yaml",
        ),
        (
            _env(POSTGRES_DB="orders"),
            "the owner of the database orders is postgres and would be cook",
            "--dbname=orders > orders.sql",
        ),
    ],
)
def test_a_server_that_does_not_run_is_judged_by_its_manifest(
    change: Change, reason: str, way_out: str
) -> None:
    with pytest.raises(UserError) as caught:
        check(change, _UNSEEN)

    assert reason in caught.value.found
    assert way_out in caught.value.fix
    assert "nothing was changed" in caught.value.why


@pytest.mark.parametrize(
    ("seen", "reason", "way_out"),
    [
        (
            {"major": 16},
            "PG_VERSION on the volume is 16 and PostgreSQL would be 15",
            "an image of PostgreSQL 16",
        ),
        ({"major": 9}, "PG_VERSION on the volume is 9 and PostgreSQL would be 15", "upgrade it first"),
        ({"major": None}, "no PG_VERSION can be read in /data/pgdata", "-- ls -la /data/pgdata"),
        ({"directory": "/data/main"}, 'is "main" and would be "pgdata"', _MOVED),
        ({"directory": "/srv"}, 'PGDATA is "/srv", which is not on the claim', _MOVED),
        ({"links": ("/data/pgdata/pg_wal",)}, "behind symbolic links, /data/pgdata/pg_wal", _MOVED),
        ({"uid": 999}, "the server's user is 999 and would be 26", "set feastflow:database.uid to 999"),
        (
            {"databases": {"shop": "cook", "postgres": "postgres"}},
            'its databases are ["shop"] and would be ["orders"]',
            "set feastflow:database.name to shop",
        ),
        (
            {"databases": {"postgres": "postgres"}},
            'its databases are [] and would be ["orders"]',
            "--dbname=orders > orders.sql",
        ),
        (
            {"databases": {"orders": "chef"}},
            "the owner of the database orders is chef and would be cook",
            "set feastflow:database.user to chef",
        ),
        (
            {"databases": {"orders": "chef"}, "superusers": ("chef", "postgres")},
            "the owner of the database orders is chef and would be cook",
            _MOVED,
        ),
        ({"superusers": ("postgres", "cook")}, "the role cook is a superuser", _MOVED),
        (
            {"superusers": ("admin",)},
            'its superusers are ["admin"], without postgres',
            "-- psql --username=admin --dbname=postgres --command='CREATE ROLE postgres SUPERUSER LOGIN'",
        ),
    ],
)
def test_what_the_running_server_says_counts_before_its_manifest(
    seen: dict[str, Any], reason: str, way_out: str
) -> None:
    with pytest.raises(UserError) as caught:
        check(seen=replace(SEEN, **seen))

    assert reason in caught.value.found
    assert way_out in caught.value.fix


@pytest.mark.parametrize(
    "change",
    [
        lambda there: container(there).update(image="postgres:latest"),
        lambda there: container(there).update(image="registry.example.com/shop-postgres:16.0.1"),
        lambda there: container(there).pop("env"),
        _env(POSTGRES_DB="shop"),
        lambda there: pod(there).pop("securityContext"),
    ],
)
def test_a_manifest_that_says_less_or_something_else_is_no_reason_where_the_server_answers(
    change: Change,
) -> None:
    check(change)


def test_a_pod_that_is_older_than_its_statefulset_shows_where_the_data_is() -> None:
    """The `subPath` was removed from the manifest, and no pod has been started since."""
    old = live(_mounted(subPath="pg"))["StatefulSet", "postgres"]["spec"]["template"]["spec"]

    check(seen=replace(SEEN, pod=pod({"StatefulSet": live()["StatefulSet", "postgres"]})))
    with pytest.raises(UserError, match='on the claim is "pg/pgdata" and would be "pgdata"'):
        check(seen=replace(SEEN, pod=old))
    with pytest.raises(UserError, match='on the claim is "pg/pgdata" and would be "pgdata"'):
        check(seen=replace(_UNSEEN, pod=old))
    # A server that answers has the data, whatever would be started next.
    check(_mounted(subPath="pg"), replace(SEEN, pod=pod({"StatefulSet": live()["StatefulSet", "postgres"]})))
    with pytest.raises(UserError) as caught:
        check(_mounted(subPath="pg"), replace(_UNSEEN, pod=old))
    assert caught.value.found.count("pg/pgdata") == 1


@pytest.mark.parametrize(
    ("owner", "way_out"),
    [
        ({"kind": "ReplicaSet", "name": "pg-7f9c"}, "scale deployment/pg --replicas=0"),
        ({"kind": "StatefulSet", "name": "pg"}, "scale statefulset/pg --replicas=0"),
        ({"kind": "Job", "name": "backup"}, "delete job/backup"),
        (None, "delete pod/other"),
    ],
)
def test_another_pod_on_the_claim_is_to_end_first(owner: dict[str, str] | None, way_out: str) -> None:
    other = thing("Pod", "other")
    other["metadata"]["ownerReferences"] = [owner] if owner else []

    with pytest.raises(UserError) as caught:
        check(seen=replace(SEEN, others=[other]))

    assert "Pod other: it uses the claim postgres-data too" in caught.value.found
    assert caught.value.fix == f"end it first: kubectl --context c --namespace shop {way_out}"


def test_a_name_that_the_server_says_is_no_command_of_a_way_out() -> None:
    with pytest.raises(UserError) as caught:
        check(seen=replace(SEEN, directory="/data/main", databases={"$(reboot)": "cook"}))

    assert "--dbname='$(reboot)' > '$(reboot).sql'" in caught.value.fix


def test_every_reason_and_every_way_out_is_told_at_once() -> None:
    with pytest.raises(UserError) as caught:
        check(_mounted(subPath="pg"), replace(SEEN, major=16, uid=999, databases={"shop": "cook"}))

    assert len(caught.value.found.splitlines()) == 5
    for way_out in ("pg_dump", "database.uid to 999", "PostgreSQL 16", "database.name to shop"):
        assert way_out in caught.value.fix


def test_the_setting_of_the_version_counts_where_the_tag_tells_none() -> None:
    wanted = list(adopting().wanted)
    container({"StatefulSet": wanted[2]})["image"] = "registry.example.com/ours:stable"
    config = {"feastflow:database": {"version": 16}}

    check(adopted=adopting(wanted=wanted, config=config), seen=replace(SEEN, major=16))
    with pytest.raises(UserError, match="is 15 and PostgreSQL would be 16"):
        check(adopted=adopting(wanted=wanted, config=config))


def test_what_was_not_compared_with_the_data_is_told() -> None:
    asked = adoption.told(adopting(), live(), SEEN)
    unasked = adoption.told(adopting(), live(), _UNSEEN)

    assert "not known" not in asked
    assert "the volume was not read, since no pod of postgres is ready; PostgreSQL 15 is what" in unasked
    assert "databases were not compared; where orders of cook is missing, it is created empty" in unasked


def test_no_tag_is_taken_for_a_version_before_the_oldest() -> None:
    with pytest.raises(UserError, match=r"names no version of PostgreSQL"):
        check(lambda there: container(there).update(image=f"postgres:{majors.OLDEST - 1}"), _UNSEEN)
