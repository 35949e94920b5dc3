"""A run of the engine, as its event stream tells it: what is under way, what came of it, what was said.

The engine masks secrets in what it shows of resources. Its debug messages may hold anything, and are dropped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Event = Mapping[str, Any]

# What changes nothing.
_QUIET = {"same", "read", "refresh", "read-replacement", "read-discard"}
_SIGNS = {"create": "+", "update": "~", "delete": "-", "replace": "+-"}
_OF_CLUSTER = "kubernetes:"
_PROVIDERS = "pulumi:providers:"
_DEBUG = "debug"
_SHOWN = ("error", "info#err", "warning")


@dataclass(kw_only=True)
class Run:
    """Everything heard so far. `heard` is given each event, once it has been taken in.

    `under_way` has what is to become of each resource that is being changed, by its name.
    """

    heard: Callable[["Run", Event], None] = lambda *_: None
    events: list[Event] = field(default_factory=list)
    under_way: dict[str, str] = field(default_factory=dict)
    # The last one that has come to its end.
    ended: str = ""

    # What the program warns of, each once: a preview and the update after it say the same.
    warnings: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        """Take in one event, a line of JSON."""
        event = json.loads(line)
        if (event.get("diagnosticEvent") or {}).get("severity") == _DEBUG:
            return
        self.events.append(event)
        begun, ended = event.get("resourcePreEvent"), event.get("resOutputsEvent")
        if begun and _changes(begun):
            self.under_way[_name(begun)] = _becoming(begun)
        elif ended and self.under_way.pop(_name(ended), None):
            self.ended = f"{_name(ended)} {_past(ended['metadata']['op'])}"
        found = event.get("diagnosticEvent") or {}
        # With a resource it is the provider's or a policy's, which are told where they matter.
        if found.get("severity") == "warning" and not found.get("urn"):
            text = str(found.get("message", "")).strip()
            self.warnings += [text] if text and text not in self.warnings else []
        self.heard(self, event)

    @property
    def summary(self) -> str:
        """Return `+ 30 created, 5 unchanged`, of the last of its phases."""
        counts: Mapping[str, int] = {}
        for event in self.events:
            counts = (event.get("summaryEvent") or {}).get("resourceChanges") or counts
        changed = [
            f"{_SIGNS.get(op, '*')} {number} {_past(op)}"
            for op, number in counts.items()
            if op not in _QUIET and number
        ]
        same = [f"{counts['same']} unchanged"] if counts.get("same") else []
        return ", ".join([*sorted(changed, key=_order), *same]) or "nothing to do"

    @property
    def changed(self) -> bool:
        """Return whether a change of anything on the cluster was begun."""
        begun = (event["resourcePreEvent"] for event in self.events if "resourcePreEvent" in event)
        return any(_changes(each) and each["metadata"]["type"].startswith(_OF_CLUSTER) for each in begun)

    @property
    def said(self) -> str:
        """Return the engine's diagnostics and what the policies found; nothing where it told neither."""
        return "\n".join(dict.fromkeys([*self._violations(), *self._diagnostics()]))

    def _violations(self) -> Iterator[str]:
        for event in self.events:
            if found := event.get("policyEvent"):
                where = _where(str(found.get("resourceUrn") or ""))
                yield f"[{found['enforcementLevel']}]  {found['policyName']}{where and f'  ({where})'}"
                yield _indented(str(found["message"]))

    def _diagnostics(self) -> Iterator[str]:
        for event in self.events:
            if failure := event.get("errorEvent"):
                yield f"error: {str(failure.get('error', '')).strip()}"
            found = event.get("diagnosticEvent") or {}
            if found.get("ephemeral") or found.get("severity") not in _SHOWN:
                continue
            where = _where(str(found.get("urn") or ""))
            text = f"{found.get('prefix', '')}{found.get('message', '')}".rstrip()
            if where:
                yield f"{where}:"
            yield _indented(text) if where else text


def _changes(step: Event) -> bool:
    found = step["metadata"]
    return not (step.get("planning") or found["op"] in _QUIET or found["type"].startswith(_PROVIDERS))


def _name(step: Event) -> str:
    return str(step["metadata"]["urn"]).rpartition("::")[2]


def _becoming(step: Event) -> str:
    op = str(step["metadata"]["op"])
    return f"{op.removesuffix('e')}ing" if op in _SIGNS else op


def _past(op: str) -> str:
    return f"{op.removesuffix('e')}ed" if op in _SIGNS else op


def _order(text: str) -> int:
    return ["+", "~", "-", "+-", "*"].index(text.partition(" ")[0])


def _where(urn: str) -> str:
    """Return the resource's type and name."""
    kind, _, name = urn.rpartition("::")
    return f"{kind.rpartition('::')[2].rpartition('$')[2]} ({name})" if kind else ""


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())
