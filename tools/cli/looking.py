"""The last hour for `make status`, `make logs` and `make trace`: what the local cluster's stores know."""

import datetime as dt
import os
from collections.abc import Mapping
from contextlib import suppress

from pydantic import ValidationError

from components.settings.model.observability import Observability
from components.settings.values.tiers import OF_APPLICATION, TIERS
from tools.stacks import scope, workspace
from tools.stacks.options import Options, suffix
from tools.stacks.target import Target
from tools.stacks.workspace import Config
from tools.telemetry import lasthour, loglines, plain, traces
from tools.telemetry.asking import AbsentError, AwayError, RefusedError, UnknownError
from tools.telemetry.loglines import Search
from tools.telemetry.stores import Stores
from tools.telemetry.traces import Trace
from tools.toolchain.console import say
from tools.toolchain.errors import UserError

_HOUR = dt.timedelta(hours=1)
_AROUND = dt.timedelta(minutes=1)
_DAY = dt.timedelta(days=1)
_LONGEST = 4000
_TRACE_SECONDS = 10.0
_LOGSQL = "https://docs.victoriametrics.com/victorialogs/logsql/"


def hour(chosen: Target, config: Config) -> list[str]:
    """Return the last hour of a stack as lines; one line says so where nothing is known of it."""
    if chosen.local is None:
        return ["the last hour: is told by that cluster's own collectors, see docs/observability.md"]
    stores = Stores(port=chosen.local.port)
    try:
        namespace = str(config.get("feastflow:namespace", ""))
        return lasthour.lines(lasthour.asked(stores.metrics(), namespace, availability(config)), stores.pages)
    except AbsentError:
        return ["the last hour is not known: nothing observes this cluster; begin with: make observe"]
    except (AwayError, RefusedError) as problem:
        words = plain.line(f"the last hour is not known: the store of metrics: {problem}", 80)
        return [f"{words}; make observe"]


def availability(config: Config) -> Mapping[str, float]:
    """Return the promise to each tier's users, in percent; none where the settings cannot be read as one."""
    with suppress(ValidationError):
        settings = Observability.model_validate(dict(workspace.section(config, "observability")))
        return {tier: settings.objective(tier).availability for tier in OF_APPLICATION}
    return {}


def logs(options: Options) -> None:
    """Print the newest lines of the stack's logs that Q finds, of the last hour."""
    query, tier = _query(), _workload()
    stores = _stores(options, "logs")
    namespace = str(workspace.settings(options.stack).get("feastflow:namespace", ""))
    everywhere = os.environ.get("ALL") == "yes"
    if everywhere and tier:
        raise UserError(
            "ALL=yes and TIER are both given",
            "a tier is one of the stack's own namespace",
            "leave one of them out: make logs TIER=backend",
        )
    search = Search(
        query=query,
        filters="" if everywhere else loglines.within(namespace, tier),
        since=dt.datetime.now(tz=dt.UTC) - _HOUR,
    )
    found = _found(stores, search)
    for line in found.shown:
        say(line)
    if not found.shown:
        say("no line was found" + ("" if search.from_its_own_time else " in the last hour"))
    elif found.more:
        say(f"these are the newest {len(found.shown)}; a narrower Q finds others")
    say(f"\n{search.page(stores.pages['logs'])}")


def trace(options: Options) -> None:
    """Print one request from the edge to its SQL: its spans as a tree, and its lines of logs."""
    given = os.environ.get("ID") or ""
    identity = traces.identity(given)
    if identity is None:
        raise UserError(
            f"ID is {plain.line(given, 60)!r}" if given else "ID names no trace",
            "a trace's identity is 32 hexadecimal digits (or 16), and not all of them 0",
            "take one from a line of the logs (its trace_id) or from the page of traces: "
            "make trace ID=4bf92f3577b34da6a3ce929d0e0e4736",
        )
    stores = _stores(options, "trace")
    spans = _spans(stores, identity)
    since = spans.begins - _AROUND if spans else dt.datetime.now(tz=dt.UTC) - _DAY
    lines = _lines_of(stores, Search(query=loglines.of_trace(identity), since=since))
    if not spans and not lines:
        raise UserError(
            f"nothing is known of the trace {identity}",
            "neither a span nor a line of the logs with it was found",
            "see that it was sent, and when: the newest are on the page of traces, "
            f"and the lines of the last hour in: make logs{suffix(options)}",
        )


def _spans(stores: Stores, identity: str) -> Trace | None:
    """Print the spans of a trace as a tree, or why there are none; return what was found."""
    base = stores.pages["traces"]
    try:
        found = traces.asked(stores.traces(_TRACE_SECONDS), identity)
    except UnknownError:
        say(f"the store of traces has no trace {identity}; it keeps the newest ones alone: {base}")
        return None
    except AbsentError as problem:
        raise _absent("traces") from problem
    except (AwayError, RefusedError) as problem:
        say(f"the store of traces gave no trace: {plain.line(str(problem), 200)}; {base}")
        return None
    say(f"trace {identity}, {len(found.spans)} spans, {lasthour.duration(found.seconds)}")
    say(f"{base}traces/{identity}\n")
    for line in traces.lines(found):
        say(line)
    return found


def _lines_of(stores: Stores, search: Search) -> list[str]:
    """Print the lines of logs that belong to a trace, or why they are not known; return them."""
    try:
        found = loglines.asked(stores.logs(loglines.SECONDS), search)
    except (AwayError, RefusedError) as problem:
        say(f"\nits lines are not known: the store of logs: {plain.line(str(problem), 200)}")
        return []
    say(f"\n{len(found.shown)} lines of its logs: {search.page(stores.pages['logs'])}")
    for line in found.shown:
        say(line)
    return found.shown


def _found(stores: Stores, search: Search) -> loglines.Lines:
    try:
        return loglines.asked(stores.logs(loglines.SECONDS), search)
    except RefusedError as problem:
        raise UserError(
            f"the store of logs does not take this query: {problem}",
            "nothing was searched",
            f"write it in LogsQL ({_LOGSQL}): make logs Q='error', make logs Q='level:=error'",
        ) from problem
    except AbsentError as problem:
        raise _absent("logs") from problem
    except AwayError as problem:
        raise UserError(
            f"the store of logs gave no answer: {problem}",
            "nothing was searched",
            "look for less (a narrower Q), or see that it runs: make observe; "
            "the pods' own logs are shown by the commands that make up prints",
        ) from problem


def _absent(what: str) -> UserError:
    return UserError(
        f"nothing keeps {what} on this cluster",
        "they are asked of the store that make observe brings",
        "begin with: make observe; the pods' own logs are shown by the commands that make up prints",
    )


def _query() -> str:
    given = (os.environ.get("Q") or "").strip()
    if len(given) > _LONGEST:
        raise UserError(
            f"Q has {len(given):,} characters",
            f"a query is at most {_LONGEST:,} long",
            "search for less: make logs Q='level:=error'",
        )
    return given or "*"


def _workload() -> str:
    """Return the name with which the pods of TIER begin; empty where none is named."""
    given = os.environ.get("TIER") or ""
    known = {facts.name: facts.workload for facts in TIERS}
    if given and given not in known:
        raise UserError(
            f"there is no tier {plain.line(given, 60)}",
            "TIER says whose lines are searched",
            f"take one of {', '.join(known)}: make logs TIER={next(iter(known))}",
        )
    return known.get(given, "")


def _stores(options: Options, command: str) -> Stores:
    if options.context:
        raise UserError(
            f"CONTEXT={options.context} names a cluster of yours",
            "only the local cluster's stores are known here; that cluster has its own",
            f"unset CONTEXT, or ask that cluster's own: docs/observability.md; make {command} is for the "
            "local one",
        )
    chosen = scope.present(options)
    assert chosen.local is not None  # noqa: S101 - no context was named
    return Stores(port=chosen.local.port)
