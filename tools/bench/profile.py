"""The profile of a first `up`: what the engine does when, and what the program's imports take."""

import ast
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.bench.place import Place
from tools.bench.pulumi import ROOT, SECONDS, STACK, Program
from tools.engine.run import Event, Run

_SHORTEST_SECONDS = 0.5
_MOST_LINES = 25
_PROGRAM = ROOT / "__main__.py"


@dataclass(frozen=True, kw_only=True)
class Span:
    """A resource while the engine works on it; seconds since the command was typed."""

    name: str
    kind: str
    began: float
    ended: float

    @property
    def took(self) -> float:
        """Return the seconds that it took."""
        return self.ended - self.began


@dataclass(frozen=True, kw_only=True)
class Profile:
    """`spans` by their beginning; `seconds` of the whole command."""

    spans: Sequence[Span]
    seconds: float
    imports: Mapping[str, float]


def profile(program: Program, place: Place, folder: Path) -> Profile:
    """Return the profile of a first up, from the engine's own log of events."""
    room = program.room(place, folder)
    program.prepare(place, folder)
    seen: list[tuple[float, Event]] = []
    began = time.monotonic()
    run = Run(heard=lambda _, event: seen.append((time.monotonic() - began, event)))
    room.driver.act("up", *program.flags, stack=STACK, timeout=SECONDS, run=run)
    seconds = time.monotonic() - began
    return Profile(spans=spans(seen), seconds=seconds, imports=imports())


def spans(events: Iterable[tuple[float, Mapping[str, Any]]]) -> list[Span]:
    """Return the spans of each resource's steps, by beginning; `events` come with the time they were seen."""
    open_: dict[str, tuple[float, str]] = {}
    found = []
    for at, event in events:
        if "resourcePreEvent" in event:
            told = event["resourcePreEvent"]["metadata"]
            open_[told["urn"]] = at, told["type"]
        elif "resOutputsEvent" in event:
            told = event["resOutputsEvent"]["metadata"]
            if told["urn"] in open_:
                began, kind = open_.pop(told["urn"])
                found.append(Span(name=told["urn"].rpartition("::")[2], kind=kind, began=began, ended=at))
    return sorted(found, key=lambda span: span.began)


def lines(found: Profile) -> list[str]:
    """Return the profile for people: what took longest, in order of time, and the imports that weigh most."""
    objects = [span for span in found.spans if span.kind.startswith("kubernetes:")]
    told = []
    if objects:
        told.append(f"{objects[0].began:6.1f} s  until the first object is begun: CLI, imports, plugins")
    slow = sorted((span for span in objects if span.took >= _SHORTEST_SECONDS), key=lambda span: -span.took)
    told += [
        f"{span.began:6.1f} s  {span.took:5.1f} s  {span.kind.rpartition(':')[2]} {span.name}"[:100]
        for span in sorted(slow[:_MOST_LINES], key=lambda span: span.began)
    ]
    if objects:
        last = max(span.ended for span in found.spans)
        told.append(f"{last:6.1f} s  the last resource is done")
    told.append(f"{found.seconds:6.1f} s  the command has ended")
    told.append("imports, seconds of their own:")
    told += [f"         {seconds:5.2f} s  {name}" for name, seconds in list(found.imports.items())[:8]]
    return told


def imports() -> dict[str, float]:
    """Return seconds that importing takes, by top-level package, the largest first."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _imported(_PROGRAM.read_text(encoding="utf-8"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return by_package(done.stderr)


def _imported(program: str) -> str:
    """Return what the program imports, without what it does then."""
    found = (node for node in ast.parse(program).body if isinstance(node, ast.Import | ast.ImportFrom))
    return "\n".join(map(ast.unparse, found))


def by_package(text: str) -> dict[str, float]:
    """Return what `python -X importtime` says, added up by top-level package; `all` is their sum."""
    found: dict[str, float] = defaultdict(float)
    for line in text.splitlines():
        head, _, name = line.rpartition("|")
        own = head.removeprefix("import time:").split("|")[0].strip()
        if own.isdecimal():
            found[name.strip().split(".")[0]] += int(own) / 1e6
    total = {"all": sum(found.values())}
    return total | dict(sorted(found.items(), key=lambda each: -each[1]))
