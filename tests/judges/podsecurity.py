"""The evaluator of Kubernetes' own Pod Security admission, at the level that the namespaces enforce."""

import json
from collections.abc import Iterable

from tools.toolchain import pins

from . import running
from .finding import Finding
from .manifests import Manifest

NAME = "pod-security"


def findings(manifests: Iterable[Manifest]) -> list[Finding]:
    """Return what the level `restricted` refuses, by the newest rules that the pinned evaluator knows."""
    program = running.compiled(pins.JUDGES_BUILD) / "podsecurity"
    command = [str(program), "-level", "restricted", "-version", "latest"]
    found = json.loads(running.said(command, stdin=json.dumps(list(manifests))))
    return [
        Finding(
            judge=NAME,
            check=entry["check"],
            resource=f"{entry['kind']}/{entry['name']}",
            message=entry["message"],
        )
        for entry in found
    ]
