"""A trace from Zipkin: its spans as a tree with durations, as a terminal may show it.

https://zipkin.io/zipkin-api/
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.telemetry import lasthour, plain
from tools.telemetry.asking import AwayError, Source

_PATH = "/api/v2/trace/"
_MANY = "/api/v2/traces"
_IDENTITY = re.compile(r"[0-9a-f]{32}|[0-9a-f]{16}")
_WIDTH = 100
_DEEPEST = 12
_MOST = 200
_MICROSECONDS = 1_000_000
# Of the year 2100, since 1970.
_LATEST = 4_102_444_800 * _MICROSECONDS
# Names of OpenTelemetry's semantic conventions, the present ones first.
_STATEMENTS = ("db.query.text", "db.statement", "sql.query")
_STATUS = ("http.response.status_code", "http.status_code")
_ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A span: seconds from 1970, and how many it took. `parent` is empty for a root."""

    identity: str
    parent: str
    name: str
    service: str
    begins: float
    seconds: float
    tags: Mapping[str, str]

    @property
    def failed(self) -> bool:
        """Return whether its program says that it failed, or that it answered with a 5xx."""
        return _ERROR in self.tags or any(self.tags.get(name, "").startswith("5") for name in _STATUS)

    @property
    def of_sql(self) -> bool:
        """Return whether it is a statement that a database was given."""
        return any(name in self.tags for name in _STATEMENTS)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """All that the store has of one request."""

    identity: str
    spans: Sequence[Span]

    @property
    def first(self) -> float:
        """Return when its first span begins, in seconds since 1970; 0 where no span says so."""
        return min((each.begins for each in self.spans if each.begins), default=0.0)

    @property
    def begins(self) -> dt.datetime:
        """Return the moment of its first span."""
        return dt.datetime.fromtimestamp(self.first, dt.UTC)

    @property
    def seconds(self) -> float:
        """Return the time from its first span's beginning to its last one's end."""
        return max(max(each.begins, self.first) + each.seconds for each in self.spans) - self.first


def identity(text: str) -> str | None:
    """Return a trace's identity as stores write it; None where the text is none."""
    lower = text.strip().lower()
    return lower if _IDENTITY.fullmatch(lower) and lower.strip("0") else None


def asked(source: Source, trace: str) -> Trace:
    """Return a trace.

    Raises:
        UnknownError: when the store has no such trace.
        AwayError: when it gives no answer that can be read.
    """
    answer = source.get(_PATH + trace)
    if not answer.whole:
        raise AwayError("the trace has more spans than can be shown; open its page")
    return read(trace, answer.body)


def between(source: Source, begins: float, ends: float, most: int) -> list[list[Span]]:
    """Return the spans of the newest traces within a time, trace by trace; `most` of them.

    Raises:
        AwayError, RefusedError: as `Source.get`, or because the answer cannot be read.
    """
    span = {"endTs": f"{ends * 1000:.0f}", "lookback": f"{max(1.0, (ends - begins) * 1000):.0f}"}
    answer = source.get(_MANY, {**span, "limit": str(most)})
    if not answer.whole:
        raise AwayError("its answer is too large")
    try:
        return [[_span(each) for each in trace] for trace in json.loads(answer.body)]
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise AwayError("its answer cannot be read") from problem


def read(trace: str, body: bytes) -> Trace:
    """Read an answer of Zipkin's.

    Raises:
        AwayError: when it is none.
    """
    try:
        spans = [_span(each) for each in json.loads(body)]
    except (ValueError, LookupError, TypeError, AttributeError) as problem:
        raise AwayError("its answer cannot be read") from problem
    if not spans:
        raise AwayError("its answer has no span")
    return Trace(identity=trace, spans=spans)


def _span(found: Mapping[str, object]) -> Span:
    endpoint, tags = found.get("localEndpoint"), found.get("tags")
    return Span(
        identity=str(found["id"]),
        parent=str(found.get("parentId") or ""),
        name=str(found.get("name") or ""),
        service=str(endpoint.get("serviceName") or "") if isinstance(endpoint, Mapping) else "",
        begins=_seconds(found.get("timestamp")),
        seconds=_seconds(found.get("duration")),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, Mapping) else {},
    )


def _seconds(microseconds: object) -> float:
    """Return them as seconds; 0 where it is no number of them that a clock could tell."""
    if isinstance(microseconds, int | float) and 0 <= microseconds < _LATEST:
        return microseconds / _MICROSECONDS
    return 0.0


def lines(trace: Trace) -> list[str]:
    """Return the spans as lines of at most 100 characters: when each begins, how long it takes, where."""
    told = [f"{'begins':>9}{'takes':>10}  request"]
    for depth, span in _ordered(trace.spans):
        if len(told) > _MOST:
            told.append(f"  and {len(trace.spans) - _MOST} more spans")
            break
        begins, takes = lasthour.duration(max(0, span.begins - trace.first)), lasthour.duration(span.seconds)
        head = f"{begins:>9}{takes:>10}  {'  ' * min(depth, _DEEPEST)}"
        told.append(f"{head}{plain.line(_words(span), _WIDTH - len(head))}".rstrip())
    return told


def _words(span: Span) -> str:
    service = plain.line(span.service, 30)
    parts = [f"{service}: {span.name}" if service else span.name]
    status = next((span.tags[name] for name in _STATUS if name in span.tags), "")
    if status:
        parts.append(status)
    if _ERROR in span.tags:
        parts.append(f"failed {span.tags[_ERROR]}".rstrip())
    parts += [span.tags[name] for name in _STATEMENTS if name in span.tags][:1]
    return " ".join(parts)


def _ordered(spans: Iterable[Span]) -> Iterator[tuple[int, Span]]:
    """Yield every span once, after its parent, with its depth; one whose parent is missing is a root."""
    every = sorted(spans, key=lambda each: each.begins)
    identities = {each.identity for each in every}
    below: dict[str, list[Span]] = {}
    for each in every:
        # The server's half of a shared span has the client's identity.
        known = each.parent in identities and each.parent != each.identity
        below.setdefault(each.parent if known else "", []).append(each)
    seen: set[int] = set()
    waiting = [(0, each) for each in reversed(below.get("", []))]
    while waiting or len(seen) < len(every):
        if not waiting:
            # What is left are circles: begin with the earliest.
            waiting.append((0, next(each for each in every if id(each) not in seen)))
        depth, span = waiting.pop()
        if id(span) in seen:
            continue
        seen.add(id(span))
        yield depth, span
        waiting += [(depth + 1, each) for each in reversed(below.get(span.identity, []))]
