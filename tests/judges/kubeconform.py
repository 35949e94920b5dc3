"""kubeconform, with schemas that a cluster itself gives: its version, its features, its custom resources.

It downloads nothing, and a kind that the cluster does not serve is a finding.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.toolchain import pins

from . import running, schemas
from .finding import Finding
from .manifests import Manifest, stream

NAME = "kubeconform"

_TEMPLATE = "{{ .Group }}/{{ .ResourceAPIVersion }}/{{ .ResourceKind }}.json"
_FINE = "statusValid"


def findings(manifests: Sequence[Manifest], openapi: Mapping[str, Any], work: Path) -> list[Finding]:
    """Return the fields and objects that the server would refuse or drop.

    `openapi` is its document `/openapi/v2`, `work` an empty folder for the schemas.
    """
    _write(manifests, openapi, work)
    program = running.compiled(pins.JUDGES_BUILD) / "kubeconform"
    options = ["-strict", "-verbose", "-output", "json", "-schema-location", f"{work}/{_TEMPLATE}"]
    judged = json.loads(running.said([str(program), *options, "-"], stdin=stream(manifests)))["resources"]
    assert len(judged) == len(manifests), f"{len(judged)} of {len(manifests)} objects were judged"
    return [
        Finding(
            judge=NAME,
            check=entry["status"],
            resource=f"{entry['kind']}/{entry['name']}",
            # Before the mark it names the schema's file.
            message=entry["msg"].split("#' - ", maxsplit=1)[-1],
        )
        for entry in judged
        if entry["status"] != _FINE
    ]


def _write(manifests: Sequence[Manifest], openapi: Mapping[str, Any], work: Path) -> None:
    kinds = schemas.served(openapi)
    for api_version, kind in {(manifest["apiVersion"], manifest["kind"]) for manifest in manifests}:
        if (api_version, kind) in kinds:
            # kubeconform calls the group of `v1` `v1` too.
            group, version = api_version.split("/")[0], api_version.split("/")[-1]
            path = work / group / version / f"{kind.lower()}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                json.dumps(schemas.standalone(openapi, kinds[api_version, kind])), encoding="utf-8"
            )
