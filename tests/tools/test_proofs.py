"""Proofs of backups as the commands tell them: the last one, a failure since, and one that is too old."""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from components.settings.model.proof import Proof
from tools.data import backups, proofs
from tools.stacks import workspace
from tools.stacks.options import Options
from tools.toolchain.errors import UserError

_NOW = dt.datetime(2026, 11, 30, 7, 0, tzinfo=dt.UTC)
_SAID = {"copy": "2026-11-30T02:30:09Z", "newest": "2026-11-30T04:29:40Z", "seconds": 12}
_SAID |= {"checked": "checksums amcheck", "tables": 3, "rows": 1204}


def clock(successful: str | None) -> dict[str, Any]:
    status = {"lastSuccessfulTime": successful} if successful else {}
    return {"metadata": {"creationTimestamp": "2026-11-01T00:00:00Z"}, "status": status}


def pod(at: str, code: int, said: str) -> dict[str, Any]:
    ended = {"finishedAt": at, "exitCode": code, "message": said}
    return {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}


GOOD = pod("2026-11-30T04:30:20Z", 0, json.dumps(_SAID))
BAD = pod("2026-11-30T06:00:00Z", 1, "error:     the log has a hole\n  matters: much")


def test_the_last_proof_is_told_with_what_was_found() -> None:
    proved = proofs.read(clock("2026-11-30T04:30:22Z"), [GOOD, {"status": {}}])
    said = "\n".join(proofs.told(proved, Proof(), _NOW))
    assert "a restore was proved at 2026-11-30 04:30:22+00:00, 0 d 2 h ago" in said
    assert "1204 rows in 3 tables" in said
    assert "the newest transaction of 2026-11-30T04:29:40Z" in said
    assert "failed" not in said


def test_a_newer_attempt_that_failed_is_told_and_an_older_one_is_not() -> None:
    told = proofs.told(proofs.read(clock("2026-11-30T04:30:22Z"), [BAD, GOOD]), Proof(), _NOW)
    assert "  error:     the log has a hole" in told
    older = pod("2026-11-29T06:00:00Z", 1, "error: gone")
    assert proofs.read(clock("2026-11-30T04:30:22Z"), [older, GOOD]).failure is None


def test_before_the_first_proof_it_is_said_when_it_is_due() -> None:
    (said,) = proofs.told(proofs.read(clock(None), []), Proof(), _NOW)
    assert said == "no restore is proved yet: the first is due at 30 4 * * * (UTC); at once: make proof"


@pytest.mark.parametrize(
    ("successful", "days"),
    [("2026-11-23T07:00:01Z", None), ("2026-11-23T07:00:00Z", 7), (None, 29)],
)
def test_a_last_proof_of_a_week_ago_or_never_one_is_a_warning(
    successful: str | None, days: int | None
) -> None:
    said = proofs.warning(proofs.read(clock(successful), []), Proof(), _NOW)
    assert (said is None) if days is None else (said is not None and f"for {days} days" in said)


def test_backups_that_are_not_proved_by_choice_are_no_warning() -> None:
    backup = {"destination": "s3://my-backups/shop", "credentials": {"secretName": "backup-store"}}

    def wanted(**more: Any) -> Proof | None:
        return proofs.settings({"feastflow:database": {"backup": {**backup, **more}}})

    assert wanted(proof={"enabled": False}) is None
    assert proofs.settings({"feastflow:database": {}}) is None
    assert wanted(proof={"maxAgeDays": 9}) == Proof(max_age_days=9)


@pytest.mark.parametrize("command", [backups.show, proofs.prove])
def test_of_a_server_that_the_stack_does_not_run_nothing_is_told_or_proved(
    command: Callable[[Options], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {"feastflow:namespace": "shop", "feastflow:database": {"engine": "external"}}
    monkeypatch.setattr(workspace, "settings", lambda _: config)
    with pytest.raises(UserError, match="a server that it does not run"):
        command(Options(stack="shop", context=None, cluster="x", port=8080))
