"""Lines of logs from VictoriaLogs, as a terminal may show them.

https://docs.victoriametrics.com/victorialogs/querying/#querying-logs
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from tools.telemetry import plain, prometheus
from tools.telemetry.asking import Source

SECONDS = 10.0
MOST = 100
_PATH = "/select/logsql/query"
_WIDTH = 300
_NAME = 44
_POD, _CONTAINER, _NAMESPACE = (
    f"kubernetes.{name}" for name in ("pod_name", "container_name", "pod_namespace")
)
_TIME, _MESSAGE, _STREAM = "_time", "_msg", "_stream"
_LEVEL, _TRACE = "level", "trace_id"
# A query with its own filter of time looks as far back as that says.
_OWN_TIME = f"{_TIME}:"


@dataclass(frozen=True, kw_only=True)
class Search:
    """A query of LogsQL, the filters that hold besides, and the time from which on lines are searched."""

    query: str
    filters: str = ""
    since: dt.datetime | None = None

    @property
    def from_its_own_time(self) -> bool:
        """Return whether the query says itself how far back it looks."""
        return _OWN_TIME in self.query

    def page(self, base: str) -> str:
        """Return the address of the store's page with this query; `base` is the page's own."""
        # What follows a pipe is no filter, so only a query without pipes can be bracketed.
        whole = self.query if "|" in self.query or not self.filters else f"{self.filters} ({self.query})"
        return f"{base}#/?query={quote(whole, safe='')}"


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Lines in the order of their time, for a terminal. `more` says that these are not all."""

    shown: list[str]
    more: bool


def within(namespace: str, workload: str = "") -> str:
    """Return the filter of a namespace's lines, or of one workload's in it."""
    own = f"{_NAMESPACE}:={prometheus.quoted(namespace)}"
    return f"{own} {_POD}:~{prometheus.quoted(f'^{workload}-')}" if workload else own


def of_trace(identity: str) -> str:
    """Return the query of the lines that belong to a trace."""
    return f"{_TRACE}:={prometheus.quoted(identity)}"


def asked(source: Source, search: Search) -> Lines:
    """Return the newest lines of a search.

    Raises:
        AwayError, RefusedError: as `Source.get`.
    """
    parameters = {"query": search.query, "limit": str(MOST + 1)}
    if search.filters:
        parameters["extra_filters"] = search.filters
    if search.since and not search.from_its_own_time:
        parameters["start"] = search.since.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = source.get(_PATH, parameters)
    return read(answer.body, whole=answer.whole)


def read(body: bytes, *, whole: bool) -> Lines:
    """Read an answer: an object a line; one that was cut off, or is no object, is left out."""
    parts = body.split(b"\n")
    found = [each for part in (parts if whole else parts[:-1]) if (each := _object(part)) is not None]
    newest = sorted(found, key=lambda each: str(each.get(_TIME, "")))[-MOST:]
    return Lines(shown=[told(each) for each in newest], more=len(found) > MOST or not whole)


def told(entry: Mapping[str, object]) -> str:
    """Return one entry as one line: time, pod, level, message; without a message all its fields."""
    fields = {name: str(value) for name, value in entry.items() if value not in ("", None)}
    moment = _clock(fields.get(_TIME, ""))
    where = fields.get(_POD) or fields.get(_CONTAINER, "")
    message = fields.get(_MESSAGE, "")
    if not message:
        message = " ".join(
            f"{name}={plain.line(value, _WIDTH)}"
            for name, value in fields.items()
            if name not in (_TIME, _STREAM, "_stream_id", _POD, _LEVEL)
        )
    named = plain.line(where, _NAME)
    head = [moment, named, plain.line(fields.get(_LEVEL, ""), 8)]
    length = f" ({len(message):,} characters)" if len(message) > _WIDTH else ""
    return " ".join([*filter(None, head), plain.line(message, _WIDTH) + length])


def _object(part: bytes) -> dict[str, object] | None:
    try:
        found = json.loads(part)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _clock(text: str) -> str:
    """Return the time of day of a moment in RFC 3339; what is none as it stands."""
    try:
        return f"{dt.datetime.fromisoformat(text).astimezone(dt.UTC):%H:%M:%S.%f}"[:-3]
    except ValueError:
        return plain.line(text, 30)
