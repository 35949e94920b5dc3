"""The settings that a stack must name before it is deployed to a cluster: the images of its tiers."""

import json
from collections.abc import Iterator, Mapping

from .file.encrypted import PROJECT
from .problem import problem
from .values.tiers import OF_APPLICATION

_WHY = "which image is deployed is said by the stack alone: the default is a name that no registry has"


def problems(raw: Mapping[str, str]) -> Iterator[str]:
    """Yield what these settings, by full keys as the engine has them, do not name.

    To render, and to preview without a cluster, the defaults are names enough; no cluster can pull them.
    """
    for tier in OF_APPLICATION:
        key = f"{PROJECT}:{tier}.image"
        if not _names_one(raw.get(f"{PROJECT}:{tier}", "{}")):
            example = f"registry.example.com/feastflow/{tier}:1.0.0"
            fix = f"pulumi config set --path {key} {example}"
            yield problem(key, "nothing", _WHY, fix)


def _names_one(text: str) -> bool:
    try:
        section = json.loads(text)
    except (ValueError, RecursionError):
        # It is no section at all, and refused as that.
        return True
    return not isinstance(section, Mapping) or "image" in section
