"""Backups of the database: the settings that are refused, and what each engine is told."""

import datetime as dt
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings.model.backup import Credentials
from components.settings.values import cron, images, stores
from components.settings.values.stores import StoreError

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
    spec = recorded(replicated(schedule=schedule)).one("ScheduledBackup", "postgres").inputs["spec"]
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
    parse(database=replicated(endpoint="https://store.lan:9000", cidrs=["10.1.0.0/16"]))


def test_the_documented_secret_is_what_the_settings_read_by_default() -> None:
    made = documented(
        "kubectl create secret generic backup-store --namespace feastflow-prod "
        "--from-file ACCESS_KEY_ID=id --from-file ACCESS_SECRET_KEY=secret"
    ).split()
    keys = {word.partition("=")[0] for before, word in itertools.pairwise(made) if before == "--from-file"}
    settings = Credentials(secret_name=made[4])
    assert keys == {settings.id_key, settings.secret_key}
    assert made[4] == SECRET["secretName"]
