"""The engine's event stream as the tests' own pulumi tells it: one JSON document a line."""

import json
from typing import Any

_KINDS = {
    "stack": "pulumi:pulumi:Stack",
    "owner": "random:index/randomUuid:RandomUuid",
    "provider": "pulumi:providers:kubernetes",
    "namespace": "kubernetes:core/v1:Namespace",
    "deployment": "kubernetes:apps/v1:Deployment",
    "job": "kubernetes:batch/v1:Job",
}
# In a pulumi of the tests: have these events where the command asks for its event stream.
TELL = """
last=; stream=
for word; do [ "$last" != --event-log ] || stream=$word; last=$word; done
[ -z "$stream" ] || show events > "$stream"
"""


def urn(kind: str, name: str) -> str:
    """A resource's, below a component."""
    return f"urn:pulumi:dev::feastflow::feastflow:kubernetes:Tier${_KINDS[kind]}::{name}"


def began(op: str, kind: str, name: str, *, planning: bool = False) -> str:
    return _step("resourcePreEvent", op, kind, name, planning=planning)


def ended(op: str, kind: str, name: str, *, planning: bool = False) -> str:
    return _step("resOutputsEvent", op, kind, name, planning=planning)


def summary(*, preview: bool = False, **changes: int) -> str:
    return _line({"summaryEvent": {"isPreview": preview, "resourceChanges": changes}})


def said(message: str, *, of: tuple[str, str] | None = None, severity: str = "error", **more: Any) -> str:
    about = {"urn": urn(*of)} if of else {}
    prefix = f"{severity}: "
    event = {**about, "prefix": prefix, "message": f"{message}\n", "severity": severity, **more}
    return _line({"diagnosticEvent": event})


def broke(policy: str, message: str, kind: str, name: str) -> str:
    event = {"resourceUrn": urn(kind, name), "message": message, "policyName": policy}
    return _line({"policyEvent": {**event, "enforcementLevel": "mandatory"}})


def _step(event: str, op: str, kind: str, name: str, *, planning: bool) -> str:
    metadata = {"op": op, "urn": urn(kind, name), "type": _KINDS[kind]}
    return _line({event: {"metadata": metadata, **({"planning": True} if planning else {})}})


def _line(event: dict[str, Any]) -> str:
    return f"{json.dumps(event)}\n"
