"""Backups of the database: the settings that are refused, and what each engine is told."""

import datetime as dt
import itertools
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.guards import continuity
from components.settings import deviations
from components.settings.model.backup import Credentials
from components.settings.values import cron, images, stores
from components.settings.values.stores import StoreError
from policies.configuration import Configuration, Exemption
from policies.rule import Level
from policies.rules.secrets import READ_AS

from ..documented import documented
from .recorder import Recording, record_stack
from .test_network import rules
from .test_settings import MINIMAL, parse, refusal

SECRET = {"secretName": "backup-store"}
BACKUP: dict[str, Any] = {"destination": "s3://my-backups/feastflow/prod", "credentials": SECRET}
REPLICATED = {"engine": "replicated", "instances": 3}
ROLE = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/backups"}
INSIDE = {"endpoint": "http://store.backups.svc:9000", "allowHttp": True}


def replicated(**backup: Any) -> dict[str, Any]:
    return {**REPLICATED, "backup": {**BACKUP, **backup}}


def standalone(**backup: Any) -> dict[str, Any]:
    return {"backup": {**BACKUP, **backup}}


def recorded(database: dict[str, Any]) -> Recording:
    return record_stack({**MINIMAL, "feastflow:database": database})


def refused(**backup: Any) -> str:
    return refusal(database=replicated(**backup))


@pytest.mark.parametrize(
    "text",
    ["s3://abc/d", "s3://my.bucket-1/a/b_c.d", f"s3://{'a' * 63}/feastflow"],
)
def test_a_bucket_and_a_path_are_a_destination(text: str) -> None:
    assert stores.destination(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("my-backups/feastflow", "s3://bucket/path"),
        ("https://s3.example.com/b/p", "s3://bucket/path"),
        ("gs://my-backups/feastflow", "s3://bucket/path"),
        ("s3://my-backups", "without a path"),
        ("s3://my-backups/", "without a path"),
        ("s3://My-Backups/a", "a bucket's name"),
        ("s3://ab/a", "a bucket's name"),
        ("s3://a..b/a", "a bucket's name"),
        ("s3://abc-/a", "a bucket's name"),
        ("s3://abc./a", "a bucket's name"),
        ("s3://10.0.0.1/a", "a bucket's name"),
        ("s3://xn--abc/a", "a bucket's name"),
        ("s3://abc-s3alias/a", "a bucket's name"),
        (f"s3://{'a' * 64}/a", "a bucket's name"),
        ("s3://abc/a/", "single slashes"),
        ("s3://abc//a", "single slashes"),
        ("s3://abc/../a", "single slashes"),
        ("s3://abc/a b", "single slashes"),
        ("s3://abc/a;id", "single slashes"),
        ("s3://abc/$(id)", "single slashes"),
    ],
)
def test_another_destination_is_refused_with_what_it_lacks(text: str, why: str) -> None:
    said = refused(destination=text)
    assert "\n\nfeastflow:database.backup.destination" in said
    assert why in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3.example.com", "spoken to by https"),
        ("ftp://s3.example.com", "spoken to by https"),
        ("https://s3.example.com/bucket", "stand in `destination`"),
        ("https://s3.example.com?x=1", "stand in `destination`"),
        ("https://10.0.0.1:9000", "addresses in cidrs"),
        ("https://[::1]:9000", "addresses in cidrs"),
        ("https://S3.example.com", "lower case"),
        ("https://s3.example.com:0", "lower case"),
        ("https://s3.example.com:99999", "no URL"),
        ("https://s3_store", "lower case"),
    ],
)
def test_another_endpoint_than_a_servers_address_is_refused(text: str, why: str) -> None:
    said = refused(endpoint=text)
    assert "\n\nfeastflow:database.backup.endpoint" in said
    assert why in said


def test_credentials_in_the_endpoint_are_refused_and_never_shown() -> None:
    said = refused(endpoint="https://AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMIK7MDENG@s3.example.com")
    assert "never in a URL" in said
    assert "wJalr" not in said


def test_credentials_as_settings_are_refused_and_never_shown() -> None:
    said = refused(credentials={"accessKeyId": "AKIAIOSFODNN7EXAMPLE", "secretAccessKey": "wJalrXUtnFEMI"})
    assert "feastflow:database.backup.credentials.secretAccessKey" in said
    assert "a key that does not exist" in said
    assert "wJalr" not in said


def test_http_is_refused_until_it_is_said_to_be_meant() -> None:
    said = refused(endpoint="http://store.backups.svc:9000")
    assert "http has no encryption" in said
    assert "feastflow:database.backup.allowHttp true" in said
    parse(database=replicated(**INSIDE))
    assert "AWS is spoken to by https" in refused(allowHttp=True)


@pytest.mark.parametrize(
    ("credentials", "why"),
    [
        ({}, "one identity"),
        ({**SECRET, "workloadIdentity": ROLE}, "one identity"),
        ({"workloadIdentity": {}}, "no annotation"),
        ({"workloadIdentity": {"eks.amazonaws.com/role-arn": "backups"}}, "no name of a role"),
        ({"workloadIdentity": ROLE, "idKey": "id"}, "secretName names one"),
    ],
)
def test_credentials_are_a_secret_or_a_role_and_never_both_or_none(
    credentials: dict[str, Any], why: str
) -> None:
    assert why in refused(credentials=credentials)


def test_an_annotation_of_the_role_that_looks_like_a_secret_is_refused_and_not_shown() -> None:
    key = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYxx"
    said = refused(credentials={"workloadIdentity": {"example.com/secret": key}})
    assert "workloadIdentity" in said
    assert "an annotation that looks like a secret" in said
    assert key not in said


def test_a_role_is_for_the_clouds_own_store() -> None:
    said = refused(credentials={"workloadIdentity": ROLE}, endpoint="https://s3.example.com")
    assert "a cloud gives roles for its own store" in said


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("30 2 * * *", 1),
        ("*/5 * * * *", 1),
        ("@hourly", 1),
        ("0 0 * * 0", 7),
        ("0 0 * * 1-5", 3),
        ("0 0 1 * *", 31),
        ("0 0 1 * 1", 7),
        ("0 0 31 * *", 61),
        ("0 0 1 1 *", 366),
        ("@weekly", 7),
        ("@yearly", 366),
    ],
)
def test_a_retention_shorter_than_the_schedule_is_refused(schedule: str, days: int) -> None:
    cron.check(schedule)
    assert stores.days_between(schedule) == days
    parse(database=replicated(schedule=schedule, retention=f"{days}d"))
    if days > 1:
        said = refused(schedule=schedule, retention=f"{days - 1}d")
        assert f"up to {days} days between two backups" in said
        assert f"feastflow:database.backup.retention {days}d" in said


@pytest.mark.parametrize("text", ["0d", "14", "14 d", "2y", "-1d", "1.5w", "d", "14D"])
def test_another_retention_than_a_number_of_days_weeks_or_months_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="14d, 4w or 3m"):
        stores.days_kept(text)


@given(st.dates(dt.date(2024, 1, 1), dt.date(2030, 1, 1)))
def test_a_schedule_of_a_weekday_and_a_day_runs_on_either(day: dt.date) -> None:
    assert cron.days("0 0 * * *")(day)
    assert cron.days("0 0 * * 1")(day) == (day.weekday() == 0)
    assert cron.days("0 0 13 * *")(day) == (day.day == 13)
    assert cron.days("0 0 13 * 5")(day) == (day.day == 13 or day.weekday() == 4)


@pytest.mark.parametrize(
    ("image", "instead"),
    [
        ("ghcr.io/cloudnative-pg/postgresql:15.14-bookworm", ""),
        ("ghcr.io/cloudnative-pg/postgresql:15.14-system-trixie", ""),
        (
            "ghcr.io/cloudnative-pg/postgresql:15.14-minimal-trixie",
            "ghcr.io/cloudnative-pg/postgresql:15.14-system-trixie",
        ),
        (
            "ghcr.io/cloudnative-pg/postgresql:17.2-202511170807-standard-bookworm",
            "ghcr.io/cloudnative-pg/postgresql:17.2-202511170807-system-bookworm",
        ),
        ("postgres:15.14", "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"),
        ("docker.io/library/postgres:15", "ghcr.io/cloudnative-pg/postgresql:15.14-bookworm"),
        ("registry.example.com/postgres:15", ""),
    ],
)
def test_an_image_that_certainly_lacks_the_tool_is_refused_with_one_that_has_it(
    image: str, instead: str
) -> None:
    assert images.without_barman(image) == instead
    if instead:
        said = refusal(database={**replicated(), "image": image})
        assert "lacks barman-cloud" in said
        assert instead in said


def test_the_operator_is_told_the_store_the_credentials_and_how_long() -> None:
    recording = recorded(replicated(endpoint="https://s3.example.com", retention="4w"))
    spec = recording.one("Cluster", "postgres").inputs["spec"]
    how = {"compression": "gzip", "encryption": "AES256"}
    assert spec["backup"] == {
        "retentionPolicy": "4w",
        "barmanObjectStore": {
            "destinationPath": "s3://my-backups/feastflow/prod",
            "endpointURL": "https://s3.example.com",
            "serverName": "postgres",
            "s3Credentials": {
                "accessKeyId": {"name": "backup-store", "key": "ACCESS_KEY_ID"},
                "secretAccessKey": {"name": "backup-store", "key": "ACCESS_SECRET_KEY"},
            },
            "wal": how,
            "data": how,
        },
    }
    assert spec["postgresql"]["parameters"]["archive_timeout"] == "60s"
    assert "serviceAccountTemplate" not in spec
    assert "env" not in spec


def test_what_the_store_does_by_itself_is_not_asked_of_it() -> None:
    spec = recorded(replicated(encryption="bucket", compression="none")).one("Cluster", "postgres").inputs
    assert not {"wal", "data"} & spec["spec"]["backup"]["barmanObjectStore"].keys()


def test_a_role_is_the_annotation_of_the_instances_account() -> None:
    recording = recorded(replicated(credentials={"workloadIdentity": ROLE}, region="eu-central-1"))
    spec = recording.one("Cluster", "postgres").inputs["spec"]
    assert spec["backup"]["barmanObjectStore"]["s3Credentials"] == {"inheritFromIAMRole": True}
    assert spec["serviceAccountTemplate"] == {"metadata": {"annotations": ROLE}}
    assert spec["env"] == [{"name": "AWS_DEFAULT_REGION", "value": "eu-central-1"}]


@pytest.mark.parametrize(
    ("schedule", "told"), [("30 2 * * *", "0 30 2 * * *"), ("@daily", "@daily"), ("0 0 * * 0", "0 0 0 * * 0")]
)
def test_the_operator_copies_by_the_clock_and_once_at_the_beginning(schedule: str, told: str) -> None:
    scheduled = recorded(replicated(schedule=schedule)).one("ScheduledBackup", "postgres").inputs
    # Another destination makes another one of it, which begins with a copy again.
    annotations = scheduled["metadata"]["annotations"]
    assert annotations["feastflow.dev/destination"] == BACKUP["destination"]
    spec = scheduled["spec"]
    assert (spec["schedule"], spec["immediate"], spec["cluster"]) == (told, True, {"name": "postgres"})


def test_without_backups_nothing_of_them_is_there() -> None:
    recording = recorded(REPLICATED)
    assert not recording.all("ScheduledBackup")
    assert "backup" not in recording.one("Cluster", "postgres").inputs["spec"]
    assert "postgres-to-store" not in rules(recording, "egress")


@pytest.mark.parametrize(
    ("backup", "peers", "port"),
    [
        (
            INSIDE,
            [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "backups"}}}],
            9000,
        ),
        ({"endpoint": "https://s3.example.com.", "cidrs": ["192.0.2.0/24"]}, ["192.0.2.0/24"], 443),
        ({"endpoint": "https://s3.my-cloud.com:8443"}, ["0.0.0.0/0", "2000::/3"], 8443),
        ({"region": "eu-central-1"}, ["0.0.0.0/0", "2000::/3"], 443),
    ],
)
def test_the_instances_reach_the_store_and_nothing_else_outside(
    backup: dict[str, Any], peers: list[Any], port: int
) -> None:
    (rule,) = rules(recorded(replicated(**backup)), "egress")["postgres-to-store"]
    found = [peer.get("ipBlock", {}).get("cidr") or peer for peer in rule["to"]]
    assert found == peers
    assert rule["ports"] == [{"port": port, "protocol": "TCP"}]


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("https://store", "the stack's own namespace"),
        ("https://store.shop.svc", "the stack's own namespace"),
        ("https://store.backups.svc.other.domain", "another"),
        ("https://minio.corp", "no public DNS server"),
        ("https://store.backups", "write store.backups.svc"),
    ],
)
def test_a_store_whose_name_opens_nothing_or_goes_with_the_stack_is_refused(endpoint: str, why: str) -> None:
    said = refused(endpoint=endpoint)
    assert "feastflow:database.backup.endpoint" in said
    if why != "another":
        assert why in said


def test_a_range_that_is_a_whole_network_is_refused_before_the_rules_refuse_it() -> None:
    said = refused(endpoint="https://store.lan:9000", cidrs=["10.0.0.0/8"])
    assert "feastflow:database.backup.cidrs[0]\n  found: 10.0.0.0/8\n" in said
    assert "NetworkPolicy/postgres-to-store" in said
    assert "NetworkPolicy/feastflow-backups-to-store" not in said
    parse(database=replicated(endpoint="https://store.lan:9000", cidrs=["10.1.0.0/16"]))
    own = refusal(database=standalone(endpoint="https://store.lan:9000", cidrs=["10.0.0.0/8"]))
    assert "NetworkPolicy/postgres-to-store" in own
    assert "NetworkPolicy/feastflow-backups-to-store" in own


def test_the_documented_secret_is_what_the_settings_read_by_default() -> None:
    made = documented(
        "kubectl create secret generic backup-store --namespace feastflow-prod "
        "--from-file ACCESS_KEY_ID=id --from-file ACCESS_SECRET_KEY=secret --dry-run=client --output json | "
        "kubectl label --local --filename - --dry-run=client --output json "
        "kubernetes-namespace.policies/read-as=files | kubectl create --filename -"
    ).split()
    keys = {word.partition("=")[0] for before, word in itertools.pairwise(made) if before == "--from-file"}
    settings = Credentials(secret_name=made[4])
    assert keys == {settings.id_key, settings.secret_key}
    assert made[4] == SECRET["secretName"]
    assert f"{READ_AS}=files" in made


def variables(container: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a container's variables, or where they are kept."""
    return {
        each["name"]: each["value"] if "value" in each else each["valueFrom"]["secretKeyRef"]["key"]
        for each in container["env"]
    }


@pytest.fixture(scope="module")
def single() -> Recording:
    return recorded(standalone(endpoint="https://s3.example.com", encryption="aws:kms", retention="2w"))


def copying(recording: Recording) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the pods of the first copy and of those by the clock."""
    pods = recording.pods()
    (first,) = [pod for name, pod in pods.items() if name.startswith("Job/feastflow-backups-first-")]
    return first, pods["CronJob/feastflow-backups"]


def test_the_server_sends_its_log_after_a_minute_at_the_latest(single: Recording) -> None:
    pod = single.pods()["StatefulSet/postgres"]
    options = pod["containers"][0]["command"]
    for option in (
        "archive_mode=on",
        "archive_command=sh /etc/feastflow/scripts/backup.sh archive %p",
        "archive_timeout=60s",
    ):
        assert options[options.index(option) - 1] == "-c"
    told = variables(pod["containers"][0])
    assert told["STORE_DESTINATION"] == "s3://my-backups/feastflow/prod"
    assert told["STORE_HOW"] == "--endpoint-url https://s3.example.com"
    assert told["STORE_SENT"] == "--gzip --encryption aws:kms"


def test_no_process_is_given_the_stores_credentials_as_an_argument_or_a_variable(single: Recording) -> None:
    for pod in (single.pods()["StatefulSet/postgres"], *copying(single)):
        (mounted,) = [volume for volume in pod["volumes"] if volume["name"] == "store"]
        assert mounted["secret"] == {
            "secretName": "backup-store",
            "defaultMode": 0o440,
            "items": [
                {"key": "ACCESS_KEY_ID", "path": "id"},
                {"key": "ACCESS_SECRET_KEY", "path": "secret"},
            ],
        }
        for container in pod["containers"]:
            told = variables(container)
            assert told["STORE_FILES"] == "/etc/feastflow/store"
            assert not any(name.startswith("AWS_") for name in told)


def test_a_copy_runs_on_the_servers_node_and_cannot_write_what_it_reads(single: Recording) -> None:
    for pod in copying(single):
        (term,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        server = single.one("StatefulSet", "postgres").inputs["spec"]["selector"]
        assert term == {"labelSelector": server, "topologyKey": "kubernetes.io/hostname"}
        (data,) = [volume for volume in pod["volumes"] if volume["name"] == "data"]
        assert data["persistentVolumeClaim"]["readOnly"] is True
        for container in (*pod["containers"], *pod["initContainers"]):
            (mount,) = [each for each in container["volumeMounts"] if each["name"] == "data"]
            assert mount["readOnly"] is True
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["securityContext"]["runAsUser"] == 26


def test_a_copy_logs_in_as_its_own_role_whose_password_the_administrator_sets(single: Recording) -> None:
    for pod in copying(single):
        (opening,) = pod["initContainers"]
        copy = variables(pod["containers"][0])
        assert (variables(opening)["PGUSER"], copy["PGUSER"]) == ("feastflow_admin", "feastflow_backup")
        assert variables(opening)["BACKUP_VERIFIER"] == "verifier"
        assert copy["PGPASSWORD"] == "password"
        assert copy["PGSSLMODE"] == "verify-full"
        assert copy["RETENTION"] == "RECOVERY WINDOW OF 14 DAYS"


def test_the_first_copy_is_awaited_and_recreated_for_another_destination() -> None:
    def first(**backup: Any) -> str:
        recording = recorded(standalone(**backup))
        (job,) = [each for each in recording.all("Job") if "backups-first" in each.name]
        assert variables(copying(recording)[0]["containers"][0])["COPIED"] == "--immediate-checkpoint"
        assert variables(copying(recording)[1]["containers"][0])["COPIED"] == ""
        assert "pulumi.com/skipAwait" not in job.inputs["metadata"].get("annotations", {})
        return job.name

    assert first() == first()
    assert first() != first(destination="s3://my-backups/feastflow/other")


def test_copies_are_made_by_the_clock_in_utc_and_never_two_at_once() -> None:
    spec = recorded(standalone(schedule="0 4 * * 1")).one("CronJob", "feastflow-backups").inputs["spec"]
    assert (spec["schedule"], spec["timeZone"], spec["concurrencyPolicy"]) == (
        "0 4 * * 1",
        "Etc/UTC",
        "Forbid",
    )


def test_server_and_copies_reach_the_store_and_copies_the_server() -> None:
    recording = recorded(standalone(**INSIDE))
    out, inward = rules(recording, "egress"), rules(recording, "ingress")
    for name in ("postgres-to-store", "feastflow-backups-to-store"):
        (rule,) = out[name]
        assert rule["ports"] == [{"port": 9000, "protocol": "TCP"}]
    assert out["feastflow-backups-to-postgres"][0]["ports"] == [{"port": 5432, "protocol": "TCP"}]
    assert inward["postgres-from-backups"][0]["ports"] == [{"port": 5432, "protocol": "TCP"}]


def test_a_role_of_the_cloud_is_that_of_the_servers_account_and_of_the_copies() -> None:
    recording = recorded(standalone(credentials={"workloadIdentity": ROLE}, region="eu-central-1"))
    for name in ("postgres", "feastflow-backups"):
        account = recording.one("ServiceAccount", name).inputs
        assert account["metadata"]["annotations"] == ROLE
        assert account["automountServiceAccountToken"] is False
    pod = recording.pods()["StatefulSet/postgres"]
    assert "store" not in [volume["name"] for volume in pod["volumes"]]
    assert variables(pod["containers"][0])["AWS_DEFAULT_REGION"] == "eu-central-1"


def test_a_single_server_without_backups_has_nothing_of_them(dev: Recording) -> None:
    texts = dev.one("ConfigMap", "postgres-scripts").inputs["data"]
    assert "backup.sh" not in texts
    assert "backup" not in texts["roles.sql"]
    assert not [each for each in dev.resources if "backup" in each.name or "store" in each.name]
    assert not any(
        "archive" in word for word in dev.pods()["StatefulSet/postgres"]["containers"][0]["command"]
    )


@pytest.mark.parametrize("database", [standalone(), replicated()], ids=["standalone", "replicated"])
def test_a_proof_sees_nothing_of_the_database_but_its_backup(database: dict[str, Any]) -> None:
    recording = recorded(database)
    clock = recording.one("CronJob", "feastflow-proofs").inputs["spec"]
    pod = clock["jobTemplate"]["spec"]["template"]["spec"]
    assert (clock["schedule"], clock["timeZone"]) == ("30 4 * * *", "Etc/UTC")
    assert pod["automountServiceAccountToken"] is False
    assert not any("persistentVolumeClaim" in volume for volume in pod["volumes"])
    (container,) = pod["containers"]
    told = variables(container)
    assert told["RESTORE_FROM"] == BACKUP["destination"]
    assert not any("PASSWORD" in name or "VERIFIER" in name for name in told)
    assert told["COPY_HOURS"] == "48"
    (data,) = [each for each in pod["volumes"] if each.get("emptyDir", {}).get("sizeLimit") == "2Gi"]
    assert data["name"].startswith("writable-")
    out, inward = rules(recording, "egress"), rules(recording, "ingress")
    assert [name for name in out if "proofs" in name] == ["feastflow-proofs-to-store"]
    assert not [name for name in inward if "proofs" in name]


def test_a_change_of_the_proofs_scripts_restarts_no_server() -> None:
    scripts = recorded(standalone()).one("ConfigMap", "postgres-scripts").inputs["data"]
    assert "proof.sh" not in scripts
    assert "restore.sh" not in scripts


def test_proofs_may_be_left_out() -> None:
    off = recorded(standalone(proof={"enabled": False}))
    assert not [each for each in off.resources if "proof" in each.name]


def test_a_proof_that_is_too_old_before_the_next_one_is_refused() -> None:
    said = refused(proof={"schedule": "@weekly", "maxAgeDays": 3})
    assert "feastflow:database.backup.proof.maxAgeDays" in said
    assert "up to 7 days between two proofs" in said


AGAIN = "s3://my-backups/feastflow/again"
BEFORE = "s3://my-backups/feastflow/prod"


def beginning(at: str | None = None, **database: Any) -> dict[str, Any]:
    source = {"from": BEFORE, **({"at": at} if at else {})}
    return {**database, "backup": {**BACKUP, "destination": AGAIN}, "restore": source}


@pytest.mark.parametrize(
    ("at", "why"),
    [
        ("yesterday", "no moment"),
        ("2026-11-28 20:15:00", "no time zone"),
        ("2026-11-28T20:15", "no time zone"),
        ("2026-13-28 20:15:00+00:00", "no moment"),
        ("20261128", "no time zone"),
        ("2026-11-28 20:15:00 +0000 UTC", "Pulumi has read it as a moment"),
    ],
)
def test_another_point_than_a_moment_a_copy_or_the_latest_is_refused(at: str, why: str) -> None:
    said = refusal(database=beginning(at))
    assert "feastflow:database.restore.at" in said
    assert why in said


def test_a_restored_database_is_backed_up_elsewhere() -> None:
    said = refusal(database={"restore": {"from": BEFORE}})
    assert "feastflow:database.backup\n  found: null" in said
    for other in (BEFORE, f"{BEFORE}/again", "s3://my-backups/feastflow"):
        database = {**beginning(), "backup": {**BACKUP, "destination": other}}
        assert "would write its log among that of the one before" in refusal(database=database)
    parse(database={**beginning(), "backup": {**BACKUP, "destination": f"{BEFORE}-2"}})


@pytest.mark.parametrize(
    ("at", "target"),
    [
        (None, None),
        ("latest", None),
        ("2026-11-28 20:15:00+00", {"targetTime": "2026-11-28 20:15:00+00:00"}),
        ("2026-11-28T21:15:00.5+01:00", {"targetTime": "2026-11-28 20:15:00.500000+00:00"}),
        ("20261128T030000", {"backupID": "20261128T030000", "targetImmediate": True}),
    ],
)
def test_a_cluster_begins_from_the_backup_of_another(at: str | None, target: dict[str, Any] | None) -> None:
    spec = recorded(beginning(at, **REPLICATED)).one("Cluster", "postgres").inputs["spec"]
    recovery = spec["bootstrap"]["recovery"]
    assert "initdb" not in spec["bootstrap"]
    assert (recovery["database"], recovery["owner"]) == ("feastflow", "feastflow")
    assert recovery.get("recoveryTarget") == target
    (origin,) = spec["externalClusters"]
    assert origin["name"] == recovery["source"]
    assert origin["barmanObjectStore"]["destinationPath"] == BEFORE
    assert (
        origin["barmanObjectStore"]["s3Credentials"] == spec["backup"]["barmanObjectStore"]["s3Credentials"]
    )
    assert spec["backup"]["barmanObjectStore"]["destinationPath"] == AGAIN


def test_a_single_server_begins_from_a_backup_before_anything_else() -> None:
    recording = recorded(beginning("2026-11-28T21:15:00+01:00"))
    pod = recording.pods()["StatefulSet/postgres"]
    first, second = pod["initContainers"]
    assert (first["name"], second["name"]) == ("restore", "prepare")
    assert first["command"][:2] == ["sh", "/etc/feastflow/scripts/restore.sh"]
    assert first["command"][2:] == pod["containers"][0]["command"][3:]
    told = variables(first)
    assert (told["RESTORE_FROM"], told["RESTORE_AT"]) == (BEFORE, "2026-11-28 20:15:00+00:00")
    assert "restore.sh" in recording.one("ConfigMap", "postgres-scripts").inputs["data"]


@pytest.mark.parametrize("engine", [{}, REPLICATED], ids=["standalone", "replicated"])
def test_the_login_that_is_not_in_use_is_locked_after_a_restore(engine: dict[str, Any]) -> None:
    job = recorded(beginning(**engine)).one("Job", "feastflow-roles-retire")
    assert variables(job.inputs["spec"]["template"]["spec"]["containers"][0])["DB_LOGIN"] == "feastflow_b"


def test_a_restore_into_data_that_is_there_is_refused() -> None:
    now = continuity.facts(parse(database=beginning()))
    before = continuity.facts(parse())
    with pytest.raises(pulumi.RunError, match="so nothing would be restored"):
        continuity.check(before, now)
    with pytest.raises(pulumi.RunError, match="so nothing would be restored"):
        continuity.check(now, continuity.facts(parse(database=beginning("20261128T030000"))))
    continuity.check(now, now)
    continuity.check(now, before)
    continuity.check({}, now)


def test_a_database_whose_volume_is_gone_begins_from_its_backup_and_never_empty_or_as_long_ago() -> None:
    backed_up = continuity.facts(parse(database={"backup": {**BACKUP, "destination": BEFORE}}))
    restored = continuity.facts(parse(database=beginning()))
    continuity.check(backed_up, restored, lost=True)
    continuity.check(continuity.facts(parse()), continuity.facts(parse()), lost=True)
    said = r'set database.restore to \{"from": "s3://'
    with pytest.raises(pulumi.RunError, match=f"it would begin empty(.|\n)*{said}"):
        continuity.check(backed_up, backed_up, lost=True)
    with pytest.raises(pulumi.RunError, match=f"it would begin as then(.|\n)*{said}"):
        continuity.check(restored, restored, lost=True)


def missing(environment: str, database: dict[str, Any], **rules: Any) -> list[str]:
    """Return what is said of a stack without backups; it is parsed as dev, since it would be refused."""
    stack = parse(database=database).model_copy(update={"environment": environment})
    found = deviations.problems(stack, Configuration(**rules), dt.date(2026, 11, 30))
    return [problem for problem in found if "feastflow:database.backup" in problem]


@pytest.mark.parametrize(
    ("database", "named"), [({}, "StatefulSet/postgres"), (REPLICATED, "Cluster/postgres")]
)
@pytest.mark.parametrize("environment", ["prod", "production", "live"])
def test_production_without_a_backup_is_refused_unless_it_says_why_and_until_when(
    environment: str, database: dict[str, Any], named: str
) -> None:
    (said,) = missing(environment, database, levels={"postgres-backup": Level.DISABLED})
    assert "set destination and credentials (docs/backups.md)" in said
    assert f'"rule": "postgres-backup", "resource": "{named}"' in said
    waived = Exemption(rule="postgres-backup", resource=named, reason="a copy", expires=dt.date(2027, 1, 1))
    assert missing(environment, database, exemptions=(waived,)) == []
    assert missing(environment, {**database, "backup": BACKUP}) == []


def test_a_stack_to_develop_with_needs_no_backup() -> None:
    assert missing("dev", {}) == missing("staging", REPLICATED) == []
