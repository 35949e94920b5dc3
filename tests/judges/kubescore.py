"""kube-score, with its optional tests too: each is answered by the manifests or by a waiver.

It sees all objects at once: its rules on NetworkPolicies, Services and budgets look for what they select.
"""

import json
from collections.abc import Iterable
from typing import Any

from tools.toolchain import pins

from . import running
from .finding import Finding
from .manifests import Manifest, stream

NAME = "kube-score"

_ALL_OK = 10
_VERSION = "v" + pins.KUBERNETES.rpartition(".")[0]


def findings(manifests: Iterable[Manifest]) -> list[Finding]:
    """Return everything that it gives less than its best grade, one finding a comment."""
    program = running.compiled(pins.KUBE_SCORE_BUILD) / "kube-score"
    options = ["--kubernetes-version", _VERSION, "--all-default-optional", "--output-format", "json"]
    # Annotations in a manifest would be waivers without a reason.
    command = [str(program), "score", *options, "--disable-ignore-checks-annotations", "-"]
    scored = json.loads(running.said(command, stdin=stream(manifests))) or []
    return [
        found
        for scored_object in scored
        for check in scored_object["checks"]
        if check["grade"] < _ALL_OK and not check["skipped"]
        for found in _findings(scored_object, check)
    ]


def _findings(scored_object: dict[str, Any], check: dict[str, Any]) -> list[Finding]:
    resource = f"{scored_object['type_meta']['kind']}/{scored_object['object_meta']['name']}"
    comments = check["comments"] or [{"path": "", "summary": check["check"]["comment"]}]
    return [
        Finding(
            judge=NAME,
            check=check["check"]["id"],
            resource=resource,
            container=comment["path"],
            message=comment["summary"],
        )
        for comment in comments
    ]
