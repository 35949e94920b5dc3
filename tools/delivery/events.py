"""The engine's event log as a preview: what changes, field by field, and what was said about it.

The engine has masked secrets before it writes the log. Its debug messages, which may hold anything, are not
read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.delivery.report import Change, Preview, Violation
from tools.state.deployment import MARK

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_OPERATIONS = {"create": "create", "update": "update", "replace": "replace", "delete": "delete"}
_ORDER = ("replace", "delete", "update", "create")
# A component is the sum of its children; the provider is the connection, which no pull request has.
_INNER = ("pulumi:pulumi:", "pulumi:providers:")
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.\[\]]+)')
_WIDEST = 400
# What the engine puts in a secret's place.
_MASKED = "[secret]"
_GENERAL = "preview failed"
_ABSENT = object()


def preview(stack: str, events: Sequence[Mapping[str, Any]]) -> Preview:
    """Return the preview that these events are of."""
    steps = [event["resourcePreEvent"]["metadata"] for event in events if "resourcePreEvent" in event]
    shown = [step for step in steps if _custom(step) and not step["type"].startswith(_INNER)]
    changes = [_change(step) for step in shown if step["op"] in _OPERATIONS]
    return Preview(
        stack=stack,
        changes=tuple(
            sorted(changes, key=lambda change: (_ORDER.index(change.operation), change.kind, change.name))
        ),
        unchanged=sum(step["op"] == "same" for step in shown),
        violations=tuple(
            sorted(_violations(events), key=lambda found: (found.level, found.policy, found.message))
        ),
        errors=tuple(_errors(events)),
        unprotected=tuple(sorted({_called(step) for step in shown if _unprotected(step)})),
    )


def _unprotected(step: Mapping[str, Any]) -> bool:
    """Return whether the object stays and loses its `protect`, which the engine calls no change."""
    old, new = step.get("old") or {}, step.get("new") or {}
    return bool(new) and bool(old.get("protect")) and not new.get("protect")


def _called(step: Mapping[str, Any]) -> str:
    inputs = _plain(step["new"]).get("inputs") or {}
    return f"{step['type'].rsplit(':', 1)[-1]} {_name(inputs) or step['urn'].rsplit('::', 1)[-1]}"


def _change(step: Mapping[str, Any]) -> Change:
    old, new = _plain(step.get("old") or {}), _plain(step.get("new") or {})
    inputs = (new or old).get("inputs") or {}
    detailed: Mapping[str, Any] = step.get("detailedDiff") or {}
    operation = _OPERATIONS[step["op"]]
    if operation == "create":
        lines = [f"+ {line}" for line in _flat("", inputs)]
    elif operation == "delete":
        lines = []
    elif detailed:
        lines = [_line(path, detailed[path]["diffKind"], old, new) for path in sorted(detailed, key=_natural)]
    else:
        lines = [_line(path, "update", old, new) for path in step.get("diffs") or ()]
    forced = {path for path, diff in detailed.items() if diff["diffKind"].endswith("-replace")}
    because = sorted(forced or step.get("keys") or ()) if operation == "replace" else ()
    return Change(
        operation=operation,
        kind=step["type"].rsplit(":", 1)[-1],
        name=_name(inputs) or step["urn"].rsplit("::", 1)[-1],
        because=tuple(because),
        lines=tuple(lines),
    )


def _name(inputs: Mapping[str, Any]) -> str:
    metadata = inputs.get("metadata")
    if not isinstance(metadata, Mapping) or metadata.get("name") in {None, UNKNOWN}:
        return ""
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))


def _line(path: str, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    # The Kubernetes provider compares with the object as it was last seen, others with what was asked for.
    before = _first(path, old.get("outputs"), old.get("inputs"))
    after = _first(path, new.get("inputs"))
    if kind.startswith("add"):
        return f"+ {path}: {_shown(after)}"
    if kind.startswith("delete"):
        return f"- {path}: {_shown(before)}"
    return f"! {path}: {_shown(before)} => {_shown(after)}"


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the value with one word in place of each secret, which the engine wraps."""
    if isinstance(value, Mapping):
        return _MASKED if MARK in value else {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _first(path: str, *states: Any) -> Any:  # noqa: ANN401 - JSON of any shape
    """Return the field's value in the first state that has it, a Secret's `stringData` as its `data`."""
    paths = (path, f"stringData{path.removeprefix('data')}") if path.startswith("data") else (path,)
    found = (_at(state, name) for state in states for name in paths)
    return next((value for value in found if value is not _ABSENT), _ABSENT)


def _at(value: Any, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    for name, index, plain in _STEP.findall(path):
        if value == _MASKED:
            return value
        if index:
            if not isinstance(value, list) or int(index) >= len(value):
                return _ABSENT
            value = value[int(index)]
        else:
            key = json.loads(f'"{name}"') if name else plain
            if not isinstance(value, Mapping) or key not in value:
                return _ABSENT
            value = value[key]
    return value


def _flat(path: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON of any shape
    """Yield every leaf on a line of its own, in the words in which the engine names a field."""
    if isinstance(value, Mapping) and value:
        for key in sorted(value):
            step = key if re.fullmatch(r"[\w-]+", key) else f"[{json.dumps(key)}]"
            yield from _flat(
                f"{path}.{step}" if path and not step.startswith("[") else path + step, value[key]
            )
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from _flat(f"{path}[{index}]", part)
    else:
        yield f"{path}: {_shown(value)}"


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON of any shape
    if value is _ABSENT:
        return "(not told)"
    text = json.dumps(value, ensure_ascii=False, sort_keys=True).replace(
        f'"{UNKNOWN}"', "(known once it runs)"
    )
    return text if len(text) <= _WIDEST else f"{text[:_WIDEST]}… ({len(text)} characters)"


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(index), "") if index else (-1, name or plain) for name, index, plain in _STEP.findall(path)]


def _custom(step: Mapping[str, Any]) -> bool:
    return bool((step.get("new") or step.get("old") or {}).get("custom"))


def _violations(events: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
    for event in events:
        found = event.get("policyEvent")
        if found:
            # The engine puts the policy's description before what the rule says.
            first, _, rest = str(found["message"]).strip().partition("\n")
            yield Violation(
                policy=found["policyName"], level=found["enforcementLevel"], message=rest or first
            )


def _errors(events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what the engine calls an error; that it failed is left out where a broken rule says why."""
    judged = any((event.get("policyEvent") or {}).get("enforcementLevel") == "mandatory" for event in events)
    for event in events:
        said = event.get("diagnosticEvent") or {}
        message = str(said.get("message", "")).strip()
        if said.get("severity") == "error" and not (judged and message == _GENERAL):
            yield message
        failure = event.get("errorEvent")
        if failure:
            yield str(failure.get("error", "")).strip()
