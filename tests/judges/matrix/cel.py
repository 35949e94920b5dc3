"""Admission policies, compiled as the API server of each supported version does when they are created.

One library compiles for all of them: the newest has the environment of every version before it, and a server
takes of new policies what the version before its own knows. Five libraries would be five builds of a minute.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

from components.guards import supported
from tools.toolchain import pins

from .. import running
from ..finding import Finding
from ..manifests import Manifest

NAME = "cel"
KIND = "ValidatingAdmissionPolicy"


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The findings of each version, and how many expressions were compiled in all."""

    findings: dict[str, list[Finding]]
    expressions: int


def compiled(manifests: Iterable[Manifest]) -> Compiled:
    """Compile every expression of the policies among the objects, for every supported version."""
    program = running.compiled(pins.CEL_BUILD) / "compile"
    policies = [each for each in manifests if each["kind"] == KIND]
    command = [str(program), "-versions", ",".join(supported.versions())]
    said = json.loads(running.said(command, stdin=json.dumps(policies)))
    found: dict[str, list[Finding]] = {version: [] for version in supported.versions()}
    for entry in said["findings"]:
        found[entry["version"]].append(
            Finding(
                judge=NAME,
                check=entry["place"],
                resource=f"{KIND}/{entry['policy']}",
                message=entry["message"],
            )
        )
    return Compiled(findings=found, expressions=said["compiled"])
