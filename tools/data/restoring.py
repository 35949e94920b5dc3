"""`make restore`: the database as it was at a moment, next to the one that runs, and into it by consent.

The pod is one of the proofs': it restores from the store into a server of its own, and nothing of the
running one is touched. What is brought over is brought by an import: in one transaction, or not at all. Not a
goal: a database that does not run any more; that one begins from its backup (`database.restore`).
"""

import datetime as dt
import json
import os
import time
from collections.abc import Mapping

from pydantic import ValidationError

from components.postgres import roles
from components.settings.model.database import Database
from components.settings.model.restore import Restore
from components.settings.values import names
from tools.data import backups, importing, restored
from tools.data.import_source import Pod
from tools.data.restored import NAME, Object, Past
from tools.stacks import scope, workspace
from tools.stacks.options import Options, suffix
from tools.stacks.workspace import Config
from tools.toolchain import process
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_SECONDS, _SENT_SECONDS, _RESTORED_SECONDS = 60.0, 90.0, 86400.0
_POLL_SECONDS = 2.0
_LONGEST = 600
_EXAMPLE = "2026-11-28 20:15:00+00:00"
# A moment can be reached when a transaction after it is in the log, and the log's file in the store.
_SEND = "SELECT txid_current() > 0; SELECT pg_walfile_name(pg_switch_wal() - 1)"
_SENT = "SELECT coalesce(last_archived_wal, '') >= '{name}' FROM pg_stat_archiver"
_TOLD = "cat /tmp/told.json && echo && cat /tmp/rows.json"


def run(options: Options) -> None:
    """Restore the state of AT next to the running database and compare both; bring over what REPLACE names.

    Raises:
        UserError: where it cannot be; the running database is then as it was.
    """
    config = workspace.settings(options.stack)
    at = moment(os.environ.get("AT", ""), workspace.section(config, "database"), options.stack)
    replaced = importing.replaced()
    with scope.alone(options) as chosen:
        client = chosen.client.within(str(config["feastflow:namespace"]))
        try:
            past, now = beside(client, config, at, options)
            say("\n".join(restored.compared(past, now)))
            if not replaced:
                say(restored.offer(at, now, suffix(options)))
                return
            began = dt.datetime.now(tz=dt.UTC)
            over(client, config, replaced, options.stack)
        except (process.CommandError, LookupError) as failure:
            raise UserError(
                f"the restore could not be made: {process.last_words(failure)}",
                "the running database is as it was",
                f"see why: {client} describe job {NAME}",
            ) from failure
    say(restored.done(at, began, suffix(options)))


def moment(text: str, database: Mapping[str, object], stack: str) -> str:
    """Return AT as a restore takes it: `latest`, a copy's id, or a moment in UTC.

    Raises:
        UserError: where it is none of them, has not come yet, or the stack has nothing to restore from.
    """
    if database.get("engine") == "external":
        raise UserError(
            f"the stack {stack} has its database on a server that it does not run",
            "that server's own backups are not known here",
            "restore it there, into a database of its own, and bring it over: make import-data FROM=postgres://…",
        )
    backup = backups.configured(database, stack)
    if not text:
        raise UserError(
            "AT says nothing",
            "a restore has to be told which state is wanted",
            f"make restore AT='{_EXAMPLE}', AT=latest, or a copy's id; make backups lists what there is",
        )
    try:
        wanted = Restore.model_validate({"from": backup.get("destination"), "at": text})
    except ValidationError as error:
        problem = error.errors()[0]
        raise UserError(
            f"AT is {text!r}: {problem['msg'].removeprefix('Value error, ')}",
            "another state than is meant would be restored",
            f"write a moment with its time zone, as AT='{_EXAMPLE}'; or AT=latest, or a copy's id",
        ) from None
    if wanted.moment is None:
        return wanted.at
    if wanted.moment > dt.datetime.now(tz=dt.UTC):
        raise UserError(
            f"AT is {text!r}, which has not come yet",
            "the log does not lead there",
            "take a moment that is over, or AT=latest",
        )
    return wanted.moment.isoformat(sep=" ")


def beside(client: Kubectl, config: Config, at: str, options: Options) -> tuple[Past, dict[str, int]]:
    """Return the state of that moment, and the rows of each table of the running database.

    The server beside is made, unless it is there still. `client` is of the stack's namespace.

    Raises:
        UserError: where that state cannot be restored.
        CommandError: where the cluster does not do what is asked.
        LookupError: where no server takes writes.
    """
    # It may read from the server beside that this would replace.
    importing.none_is_under_way(client)
    database = workspace.section(config, "database")
    server = backups.leader(client, replicated=database.get("engine") == "replicated")
    proving = client.output("get", "cronjob", names.PROOFS, "--output", "json", "--ignore-not-found")
    if not proving.strip():
        raise UserError(
            f"the stack {options.stack} has no proofs of its backups",
            "a restore is made as they are, by a pod with the store's key and files of its own",
            "set feastflow:database.backup.proof.enabled to true (docs/backups.md), "
            f"then: make up{suffix(options)}",
        )
    with Step("restore", f"the database as it was at {at}, beside the one that runs") as step:
        found = _held(client)
        if found is None or restored.at(found) != at:
            step.note("sending the newest of the log to the store")
            _send(client, server)
            client.output("delete", "job", NAME, "--ignore-not-found", "--cascade=foreground", timeout=120)
            made = json.dumps(restored.job(json.loads(proving), at))
            client.output("create", "--filename", "-", stdin=made)
        past = _awaited(client, step)
        step.result(f"restored beside the running database in {past.seconds} s, from the copy of {past.copy}")
    return past, _rows(client, server, _name(config))


def over(client: Kubectl, config: Config, replaced: str, stack: str) -> None:
    """Bring the state beside over, whole or not at all, and end its server."""
    source = Pod(namespace=str(config["feastflow:namespace"]), pod=f"job/{NAME}", database=_name(config))
    importing.bring(client, source, replaced, config, stack)
    client.ended("delete", "job", NAME, "--ignore-not-found", "--wait=false")


def _name(config: Config) -> str:
    return str(workspace.section(config, "database").get("name") or Database().name)


def _held(client: Kubectl) -> Object | None:
    """Return the Job of a restore that is there still, with its server."""
    text = client.output("get", "job", NAME, "--output", "json", "--ignore-not-found")
    found: Object | None = json.loads(text) if text.strip() else None
    return found if found and (found.get("status") or {}).get("ready") else None


def _awaited(client: Kubectl, step: Step) -> Past:
    ends = time.monotonic() + _RESTORED_SECONDS
    while time.monotonic() < ends:
        ended = client.ended("exec", f"job/{NAME}", "--", "sh", "-c", _TOLD, timeout=_SECONDS)
        if ended.code == 0:
            return restored.read(ended.out)
        job = json.loads(client.output("get", "job", NAME, "--output", "json"))
        if (job.get("status") or {}).get("failed"):
            words = client.ended("logs", f"job/{NAME}", "--tail=20", timeout=_SECONDS).out.strip()
            client.ended("delete", "job", NAME, "--ignore-not-found", "--wait=false")
            raise UserError(
                reason(words),
                "nothing was restored, and the running database is as it was",
                "make backups lists what can be",
            )
        step.note("the copy is read, and the log after it")
        time.sleep(_POLL_SECONDS)
    raise UserError(
        "the restore did not end in a day",
        "the running database is as it was",
        f"see how far it is: {client} logs job/{NAME}",
    )


def reason(words: str) -> str:
    """Return what a pod that failed says of it: its refusal, or else its last words, in one line."""
    refusals = [line.removeprefix("error:") for line in words.splitlines() if line.startswith("error:")]
    said = refusals[-1] if refusals else words
    return " ".join(said.split())[-_LONGEST:] or "the restore failed, and its pod said nothing"


def _send(client: Kubectl, pod: str) -> None:
    """Have the log sent that there is, so that every moment until now can be reached."""
    name = _asked(client, pod, "postgres", _SEND).splitlines()[-1]
    ends = time.monotonic() + _SENT_SECONDS
    while _asked(client, pod, "postgres", _SENT.format(name=name)) != "t":
        if time.monotonic() > ends:
            raise UserError(
                f"the newest of the log did not reach the store in {_SENT_SECONDS:.0f} s",
                "moments after what is there cannot be restored",
                f"make backups says how far it is, and {client} logs {pod} why",
            )
        time.sleep(1)


def _rows(client: Kubectl, pod: str, name: str) -> dict[str, int]:
    """Return the rows of each table of the running database."""
    said = _asked(client, pod, name, roles.COUNTED.read_text(encoding="utf-8"))
    return restored.rows(said.rpartition("|")[0].rpartition("|")[0])


def _asked(client: Kubectl, pod: str, database: str, sql: str) -> str:
    psql = (*backups.PSQL, "--quiet", f"--dbname={database}", "--set=ON_ERROR_STOP=1")
    command = ("exec", "--stdin", pod, "--container", "postgres", "--", *psql)
    return client.output(*command, stdin=sql, timeout=_SECONDS * 10).strip()
