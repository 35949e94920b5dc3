"""`make restore`: what AT means, the pod that restores, and what is told before anything is lost."""

import datetime as dt
import json
from typing import Any

import pytest

from components.settings.values import names
from policies.judgement import judge
from policies.rules import RULES
from tools.data import proofs, restored, restoring
from tools.data.restored import NAME, Past
from tools.toolchain.errors import UserError

from ..documented import documented
from ..unit.recorder import record_stack, stack_file

_BACKUP = {"destination": "s3://my-backups/shop", "credentials": {"secretName": "backup-store"}}
_AT = "2026-11-28 20:15:00+00:00"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("latest", "latest"),
        ("20261128T023000", "20261128T023000"),
        (_AT, _AT),
        ("2026-11-28T21:15:00+01:00", _AT),
        ("2026-11-28 20:15:00.25Z", "2026-11-28 20:15:00.250000+00:00"),
    ],
)
def test_a_state_is_named_by_a_moment_a_copy_or_the_newest(text: str, at: str) -> None:
    assert restoring.moment(text, {"backup": _BACKUP}, "dev") == at


@pytest.mark.parametrize(
    ("text", "database", "found"),
    [
        ("", {"backup": _BACKUP}, "AT says nothing"),
        ("yesterday", {"backup": _BACKUP}, "no moment"),
        ("2026-11-28 20:15:00", {"backup": _BACKUP}, "no time zone"),
        ("2999-01-01 00:00:00+00:00", {"backup": _BACKUP}, "not come yet"),
        ("latest", {}, "no backups"),
        ("latest", {"engine": "external", "host": "db"}, "does not run"),
    ],
)
def test_what_names_no_state_is_refused_with_what_to_type(
    text: str, database: dict[str, Any], found: str
) -> None:
    with pytest.raises(UserError, match=found) as refused:
        restoring.moment(text, database, "dev")
    assert refused.value.fix


@pytest.fixture(scope="module")
def proving() -> dict[str, Any]:
    """Return the CronJob of the proofs."""
    config = stack_file("dev")
    database: dict[str, Any] = {**dict(config["feastflow:database"]), "backup": _BACKUP}  # type: ignore[call-overload]
    recording = record_stack({**config, "feastflow:database": database})
    (found,) = [each for each in recording.all("CronJob") if each.object_name == names.PROOFS]
    return dict(found.inputs)


def test_the_pod_is_a_proofs_but_for_the_moment_and_for_waiting(proving: dict[str, Any]) -> None:
    made = restored.job(proving, _AT)
    (then,) = proving["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    (now,) = made["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each["value"] for each in now["env"]}
    assert (told["RESTORE_AT"], told["HOLD_SECONDS"]) == (_AT, "1800")
    assert len(told) == len(now["env"])
    assert {**now, "env": 0, "name": 0} == {**then, "env": 0, "name": 0}
    labels = proving["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert made["spec"]["template"]["metadata"]["labels"] == labels, "its way to the store is theirs"
    assert restored.at(made) == _AT
    assert then["env"] != now["env"]


def test_the_rules_of_the_namespace_let_it_in(proving: dict[str, Any]) -> None:
    def broken(kind: str, thing: dict[str, Any]) -> set[str]:
        return {rule.id for rule in RULES if kind in rule.judges and judge(rule, {**thing, "kind": kind})}

    assert broken("Job", restored.job(proving, _AT)) <= broken("CronJob", proving)


def test_both_states_are_told_table_by_table() -> None:
    told = {"copy": "2026-11-28T02:30:09Z", "newest": "2026-11-28T20:14:57Z", "seconds": 12}
    past = restored.read(f"{json.dumps(told)}\n{json.dumps({'public.menu': 40, 'public.orders': 1204})}")
    now = {"public.menu": 40, "public.orders": 1371, 'public."Late"': 3}
    assert restored.compared(past, now)[1:] == [
        "table            rows then     rows now",
        'public."Late"            -            3  was not there',
        "public.menu             40           40",
        "public.orders        1,204        1,371  167 fewer then",
    ]
    (gone,) = restored.compared(past, {"public.menu": 40})[-1:]
    assert gone.endswith("-  is not there now")


def test_the_offer_names_every_table_that_would_lose_rows() -> None:
    said = restored.offer(_AT, {"public.orders": 3, "public.empty": 0, "public.menu": 1}, " STACK=prod")
    assert f"make restore AT='{_AT}' REPLACE='public.menu,public.orders' STACK=prod" in said
    assert " REPLACE=none" in restored.offer(_AT, {}, "")


def test_the_way_back_is_told() -> None:
    began = dt.datetime(2026, 11, 28, 20, 30, 1, 5, tzinfo=dt.UTC)
    assert "make restore AT='2026-11-28 20:30:01+00:00'" in restored.done(_AT, began, "")


def test_the_documented_command_names_a_state() -> None:
    line = documented("make restore AT='2026-11-28 20:14:59+00:00'")
    told = line.partition("AT=")[2].strip("'")
    assert restoring.moment(told, {"backup": _BACKUP}, "dev") == told


def test_of_a_pod_that_failed_its_refusal_is_told_or_else_its_last_words() -> None:
    assert restoring.reason("tried\nerror:     no copy\n  matters: much\n") == "no copy"
    assert restoring.reason("killed\nwhile it read\n") == "killed while it read"
    assert "said nothing" in restoring.reason(" ")


def test_a_job_of_another_name_is_no_proof() -> None:
    assert f"job-name!={NAME}" in proofs._SELECTOR
    assert Past(copy="", newest="", seconds=0, rows={}).rows == {}
