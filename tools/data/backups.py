"""The backups of a stack's database: which copies there are, to which moment they lead, and how old that is.

The server is asked, by `kubectl exec`: it has the store's credentials. Nothing is changed.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.settings.values import names
from tools.data import proofs
from tools.stacks import scope, workspace
from tools.stacks.options import Options
from tools.toolchain import process
from tools.toolchain.console import elapsed, say
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_SECONDS = 60.0
_LIST = ("sh", "/etc/feastflow/scripts/backup.sh", "list")
# When the newest file of the log was sent; and whether the last try failed.
_SENT = (
    "SELECT json_build_object('name', last_archived_wal, 'at', last_archived_time, 'failing', "
    "coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false)) FROM pg_stat_archiver"
)
PSQL = ("psql", "--no-psqlrc", "--no-align", "--tuples-only", "--username=postgres")
_MEBIBYTE = 2**20
_HOUR, _DAY = 3600, 86400


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of the whole: its id and, where it is whole, its end and its size in bytes, as far as known."""

    id: str
    ended: dt.datetime | None
    size: int | None
    state: str


@dataclass(frozen=True, kw_only=True)
class Log:
    """The newest file of the log in the store, when it was sent, and whether the next one cannot be."""

    name: str
    sent: dt.datetime | None
    failing: bool


def show(options: Options) -> None:
    """Print what can be restored of the stack's database.

    Raises:
        UserError: where backups are not set, or the server is another's or cannot be asked.
    """
    settings = workspace.settings(options.stack)
    database = workspace.section(settings, "database")
    proofs.refuse_another(options, settings)
    configured(database, options.stack)
    namespace = str(settings["feastflow:namespace"])
    client = scope.present(options).client.within(namespace)
    try:
        replicated = database.get("engine") == "replicated"
        copies = by_operator(_asked(client)) if replicated else by_server(_listed(client))
        log = sent(_said(client, replicated=replicated))
        proving = proofs.settings(settings)
        proved = proofs.look(client) if proving else None
    except (process.CommandError, LookupError, ValueError) as failure:
        raise UserError(
            f"the database in {namespace} could not be asked for its backups: {process.last_words(failure)}",
            "what can be restored is not known",
            "look whether it runs: make status",
        ) from failure
    now = dt.datetime.now(tz=dt.UTC)
    say(table(copies, log, now))
    lines = proofs.told(proved, proving, now) if proving else ["no restore is proved by the clock"]
    say("\n".join(["", *lines]))


def configured(database: Mapping[str, Any], stack: str) -> Mapping[str, Any]:
    """Return the settings of a database's backups.

    Raises:
        UserError: where there are none.
    """
    backup = database.get("backup")
    if not isinstance(backup, Mapping) or not backup:
        raise UserError(
            f"the stack {stack} has no backups: its file does not set feastflow:database.backup",
            "what is deleted is lost",
            "docs/backups.md says what to set",
        )
    return backup


def by_server(listed: Mapping[str, Any]) -> list[Copy]:
    """Return the copies from barman-cloud's own list."""
    return [
        Copy(
            id=str(entry["backup_id"]),
            ended=_moment(entry.get("end_time_iso")),
            size=entry.get("size"),
            state=str(entry["status"]),
        )
        for entry in listed["backups_list"]
    ]


def by_operator(listed: Mapping[str, Any]) -> list[Copy]:
    """Return the copies from CloudNativePG's Backup objects."""
    found = [entry.get("status") or {} for entry in listed["items"]]
    return [
        Copy(
            id=str(status.get("backupId") or "-"),
            ended=_moment(status.get("stoppedAt")),
            size=None,
            state="DONE" if status.get("phase") == "completed" else str(status.get("phase") or "new"),
        )
        for status in found
    ]


def sent(said: Mapping[str, Any]) -> Log:
    """Return how far the log is in the store, from the server's own statistics."""
    return Log(name=str(said.get("name") or "-"), sent=_moment(said.get("at")), failing=bool(said["failing"]))


def table(copies: Sequence[Copy], log: Log, now: dt.datetime) -> str:
    """Return what a restore is chosen by: each copy, the newest last, and the newest moment of the log."""
    ordered = sorted(copies, key=lambda copy: copy.id)
    rows = [("copy", "ended", "size", "age", "state")]
    rows += [
        (copy.id, _text(copy.ended), _size(copy.size), _age(copy.ended, now), copy.state) for copy in ordered
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in rows]
    whole = [copy.ended for copy in ordered if copy.state == "DONE" and copy.ended]
    if whole and log.sent:
        # A copy is whole when the log to its end has been sent.
        newest = max(log.sent, *whole)
        lines.append(f"\nany moment from {_text(min(whole))} to {_text(newest)} can be restored")
    else:
        lines.append("\nnothing can be restored yet: a whole copy, or the log after it, is missing")
    lines.append(f"the newest file of the log, {log.name}, was sent {_age(log.sent, now)} ago")
    if log.failing:
        lines.append("the next one could not be sent: the server's log says why, and keeps it until it can")
    return "\n".join(line.rstrip() for line in lines)


def _listed(client: Kubectl) -> Mapping[str, Any]:
    return _json(
        client.output("exec", "postgres-0", "--container", "postgres", "--", *_LIST, timeout=_SECONDS)
    )


def _asked(client: Kubectl) -> Mapping[str, Any]:
    return _json(client.output("get", "backups.postgresql.cnpg.io", "--output", "json", timeout=_SECONDS))


def _said(client: Kubectl, *, replicated: bool) -> Mapping[str, Any]:
    pod = leader(client, replicated=replicated)
    command = (*PSQL, "--dbname=postgres", f"--command={_SENT}")
    return _json(client.output("exec", pod, "--container", "postgres", "--", *command, timeout=_SECONDS))


def leader(client: Kubectl, *, replicated: bool) -> str:
    """Return the pod of the server that takes writes.

    Raises:
        LookupError: where there is none.
    """
    if not replicated:
        return "postgres-0"
    name = client.output("get", "pods", "--selector", names.DATABASE_PRIMARY, "--output", "name").split()
    if not name:
        raise LookupError("no instance leads")
    return name[0]


def _json(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(text)
    return found


def _moment(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC) if text else None


def _text(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S+00:00}" if moment else "-"


def _age(moment: dt.datetime | None, now: dt.datetime) -> str:
    if moment is None:
        return "-"
    seconds = max(0.0, (now - moment).total_seconds())
    days, rest = divmod(round(seconds), _DAY)
    if not days and rest < _HOUR:
        return elapsed(rest)
    return (f"{days} d " if days else "") + f"{rest // _HOUR} h"


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size / _MEBIBYTE:.1f} MiB"
