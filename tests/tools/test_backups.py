"""`make backups`: what can be restored, from the answers of both engines."""

import datetime as dt
from typing import Any

import pytest

from tools.data import backups
from tools.data.backups import Copy, Log

_NOW = dt.datetime(2026, 11, 30, 3, 0, tzinfo=dt.UTC)


def copy(number: int, state: str = "DONE") -> Copy:
    return Copy(
        id=f"2026112{number}T023000",
        ended=dt.datetime(2026, 11, 20 + number, 2, 31, tzinfo=dt.UTC),
        size=25 * 2**20,
        state=state,
    )


def log(**given: Any) -> Log:
    sent = _NOW - dt.timedelta(seconds=42)
    return Log(**{"name": "0000000100000000000000A1", "sent": sent, "failing": False, **given})


def test_the_copies_are_in_order_and_the_range_goes_from_the_first_whole_one_to_the_newest_file() -> None:
    said = backups.table([copy(9), copy(8), copy(7, "FAILED")], log(), _NOW).splitlines()
    assert [line.split()[0] for line in said[:4]] == [
        "copy",
        "20261127T023000",
        "20261128T023000",
        "20261129T023000",
    ]
    assert said[3].split(None, 1)[1] == "2026-11-29 02:31:00+00:00  25.0 MiB  1 d 0 h  DONE"
    assert "any moment from 2026-11-28 02:31:00+00:00 to 2026-11-30 02:59:18+00:00 can be restored" in said
    assert said[-1] == "the newest file of the log, 0000000100000000000000A1, was sent 42 s ago"


@pytest.mark.parametrize(
    ("copies", "state"), [([], log()), ([copy(9, "FAILED")], log()), ([copy(9)], log(sent=None, name="-"))]
)
def test_without_a_whole_copy_and_the_log_after_it_nothing_is_promised(
    copies: list[Copy], state: Log
) -> None:
    said = backups.table(copies, state, _NOW)
    assert "nothing can be restored yet" in said
    assert "can be restored\n" not in said


def test_a_copy_that_ended_after_the_newest_file_is_the_newest_moment() -> None:
    sent = copy(9).ended
    assert sent
    said = backups.table([copy(9)], log(sent=sent - dt.timedelta(seconds=24)), _NOW)
    assert "any moment from 2026-11-29 02:31:00+00:00 to 2026-11-29 02:31:00+00:00 can be restored" in said


def test_a_log_that_cannot_be_sent_is_said() -> None:
    assert "the next one could not be sent" in backups.table([copy(9)], log(failing=True), _NOW)
    assert "could not be sent" not in backups.table([copy(9)], log(), _NOW)


def test_the_list_of_barman_is_read() -> None:
    entry = {
        "backup_id": "20261129T023000",
        "end_time": "Sun Nov 29 02:31:00 2026",
        "end_time_iso": "2026-11-29T03:31:00+01:00",
        "size": 26214400,
        "status": "DONE",
    }
    assert backups.by_server({"backups_list": [entry]}) == [copy(9)]
    running = {"backup_id": "20261130T023000", "status": "STARTED", "end_time": None, "size": None}
    assert backups.by_server({"backups_list": [running]})[0].ended is None


def test_the_objects_of_the_operator_are_read() -> None:
    done = {"backupId": "20261129T023000", "stoppedAt": "2026-11-29T02:31:00Z", "phase": "completed"}
    found = backups.by_operator({"items": [{"status": done}, {}, {"status": {"phase": "failed"}}]})
    assert [(each.id, each.state) for each in found] == [
        ("20261129T023000", "DONE"),
        ("-", "new"),
        ("-", "failed"),
    ]
    assert found[0].ended == copy(9).ended


def test_the_servers_own_statistics_are_read() -> None:
    said = {"name": "0000000100000000000000A1", "at": "2026-11-30T02:59:18+00:00", "failing": True}
    assert backups.sent(said) == log(failing=True)
    assert backups.sent({"name": None, "at": None, "failing": False}) == log(name="-", sent=None)
