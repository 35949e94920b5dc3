"""Proofs of a stack's backups: the last one, what it found, whether it is too old; and one that is begun now.

The CronJob's status says when one succeeded, the pod of the newest what it found. The database is not asked.
"""

import datetime as dt
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.settings.model.proof import Proof as Settings
from components.settings.values import names
from tools.data import restored
from tools.stacks import scope, workspace
from tools.stacks.options import Options, suffix
from tools.toolchain import process
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_SECONDS = 60.0
_POLL_SECONDS = 2.0
# A restore by hand runs in a pod like theirs, and is no proof.
_SELECTOR = f"app.kubernetes.io/name={names.PROOFS},batch.kubernetes.io/job-name!={restored.NAME}"
_DAY = 86400
_NAMED = "%Y%m%d%H%M%S"


@dataclass(frozen=True, kw_only=True)
class Proved:
    """The knowledge of the proofs: when the last one succeeded, and what the pods of the newest said.

    `since` is when there began to be any. `found` is what a proof that succeeded found, `failure` the last
    words of a newer one that did not.
    """

    since: dt.datetime
    at: dt.datetime | None
    found: Mapping[str, Any] | None = None
    failure: str | None = None


def settings(config: workspace.Config) -> Settings | None:
    """Return when the backups are proved, None where they are not."""
    backup = workspace.section(config, "database").get("backup")
    if not backup:
        return None
    found = Settings.model_validate(backup.get("proof") or {}, by_alias=True)
    return found if found.enabled else None


def refuse_another(options: Options, config: workspace.Config) -> None:
    """Refuse where the database is a server that the stack does not run.

    Raises:
        UserError: of the external engine.
    """
    if workspace.section(config, "database").get("engine") == "external":
        raise UserError(
            f"the database of the stack {options.stack} is a server that it does not run (engine: external)",
            "its backups are made, restored and proved where it runs, and nothing of them is known here",
            "look there: at the managed service's console, or at the server's own backups",
        )


def look(client: Kubectl) -> Proved | None:
    """Return what is known of the proofs in the client's namespace; None where there is no CronJob of them.

    Raises:
        process.CommandError: where the cluster does not say.
    """
    words = ("get", "cronjob", names.PROOFS, "--output", "json", "--ignore-not-found")
    text = client.output(*words, timeout=_SECONDS)
    if not text.strip():
        return None
    pods = client.output("get", "pods", "--selector", _SELECTOR, "--output", "json", timeout=_SECONDS)
    return read(json.loads(text), json.loads(pods)["items"])


def read(clock: Mapping[str, Any], pods: list[Mapping[str, Any]]) -> Proved:
    """Return what the CronJob and the pods of its Jobs say."""
    at = _moment((clock.get("status") or {}).get("lastSuccessfulTime"))
    ended = sorted((each for pod in pods if (each := _ended(pod))), key=lambda each: each[0])
    found = [said for _, code, said in ended if code == 0]
    return Proved(
        since=_required(clock["metadata"]["creationTimestamp"]),
        at=at,
        found=_json(found[-1]) if found else None,
        failure=ended[-1][2] if ended and ended[-1][1] != 0 else None,
    )


def told(proved: Proved | None, wanted: Settings, now: dt.datetime) -> list[str]:
    """Return the lines of `make backups` about the proofs."""
    if proved is None:
        return ["no restore is proved yet: the next update of the stack begins to"]
    lines = []
    if proved.at is None:
        lines.append(
            f"no restore is proved yet: the first is due at {wanted.schedule} (UTC); at once: make proof"
        )
    else:
        lines.append(
            f"a restore was proved at {proved.at:%Y-%m-%d %H:%M:%S+00:00}, {_days(proved.at, now)} ago"
        )
    if proved.found:
        lines.append(_found(proved.found))
    if proved.failure:
        lines += [
            "the newest attempt failed:",
            *(f"  {line}" for line in proved.failure.strip().splitlines()),
        ]
    return lines


def warning(proved: Proved | None, wanted: Settings, now: dt.datetime) -> str | None:
    """Return what a command says of a proof that is too old, None where it is not."""
    if proved is None or (now - (proved.at or proved.since)).days < wanted.max_age_days:
        return None
    return (
        f"warning: no restore of the backups was proved for {(now - (proved.at or proved.since)).days} days "
        f"({wanted.max_age_days} are the most); make backups says why, make proof tries it now"
    )


def warn(client: Kubectl, config: workspace.Config) -> None:
    """Print the warning where there is one; a cluster that does not say is no reason to fail."""
    wanted = settings(config)
    if wanted is None:
        return
    try:
        proved = look(client.within(str(config["feastflow:namespace"])))
    except (process.CommandError, LookupError, ValueError):
        say("\nwhether a restore of the backups was proved is not known: the cluster does not say")
        return
    if line := warning(proved, wanted, dt.datetime.now(tz=dt.UTC)):
        say(f"\n{line}")


def prove(options: Options) -> None:
    """Prove a restore now, or wait for the one that is under way; print what it found.

    Raises:
        UserError: where backups or their proofs are not set, the server is another's, or it fails.
    """
    config = workspace.settings(options.stack)
    refuse_another(options, config)
    client = scope.present(options).client.within(str(config["feastflow:namespace"]))
    if settings(config) is None or look(client) is None:
        raise UserError(
            f"the stack {options.stack} proves no restores: they are not set, or not deployed yet",
            "there is nothing that would prove one",
            f"set feastflow:database.backup (docs/backups.md), then: make up{suffix(options)}",
        )
    with Step("proof", "the newest backup, restored into a server of its own") as step:
        name = _under_way(client) or _begun(client)
        while (failed := _end(client, name)) is None:
            time.sleep(_POLL_SECONDS)
        proved = look(client)
        if failed or proved is None:
            raise UserError(
                f"the newest backup could not be restored: {proved.failure if proved else name}".strip(),
                "a backup that cannot be restored is none",
                f"the lines above say what to do; all of its log: kubectl logs job/{name}",
            )
        step.result("the newest backup is restored and checked")
    # Longer than the line of a step.
    say(f"\n{_found(proved.found or {})}")


def _under_way(client: Kubectl) -> str | None:
    words = ("get", "jobs", "--selector", _SELECTOR, "--output", "json")
    for job in json.loads(client.output(*words, timeout=_SECONDS))["items"]:
        if not _condition(job):
            return str(job["metadata"]["name"])
    return None


def _begun(client: Kubectl) -> str:
    name = f"{names.PROOFS}-{dt.datetime.now(tz=dt.UTC):{_NAMED}}"
    client.output("create", "job", name, f"--from=cronjob/{names.PROOFS}", timeout=_SECONDS)
    return name


def _end(client: Kubectl, name: str) -> str | None:
    """Return how the Job ended, empty for well; None while it runs."""
    job = json.loads(client.output("get", "job", name, "--output", "json", timeout=_SECONDS))
    return {"": None, "Complete": "", "Failed": "failed"}[_condition(job)]


def _condition(job: Mapping[str, Any]) -> str:
    conditions = (job.get("status") or {}).get("conditions") or []
    return next(
        (
            str(each["type"])
            for each in conditions
            if each["type"] in ("Complete", "Failed") and each["status"] == "True"
        ),
        "",
    )


def _ended(pod: Mapping[str, Any]) -> tuple[dt.datetime, int, str] | None:
    for each in (pod.get("status") or {}).get("containerStatuses") or []:
        if state := (each.get("state") or {}).get("terminated"):
            return _required(state["finishedAt"]), int(state["exitCode"]), str(state.get("message") or "")
    return None


def _found(found: Mapping[str, Any]) -> str:
    return (
        f"restored in {found.get('seconds')} s from the copy of {found.get('copy')}: "
        f"{found.get('rows')} rows in {found.get('tables')} tables, "
        f"the newest transaction of {found.get('newest')}; "
        f"checked: {found.get('checked') or 'nothing, the server has neither checksums nor amcheck'}"
    )


def _json(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


def _days(moment: dt.datetime, now: dt.datetime) -> str:
    seconds = max(0, round((now - moment).total_seconds()))
    return f"{seconds // _DAY} d {seconds % _DAY // 3600} h"


def _required(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def _moment(text: str | None) -> dt.datetime | None:
    return _required(text) if text else None
