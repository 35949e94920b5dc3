"""The images of a deployment, settled before it begins: by digest, the same in every attempt of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.settings.values.tiers import OF_APPLICATION
from tools.delivery import images, reference
from tools.delivery.reference import Reference
from tools.delivery.registry import Registry


def settle(
    record: Path, config: Mapping[str, Any], project: str, environ: Mapping[str, str], reached: Registry
) -> dict[str, Reference]:
    """Return the images to deploy by tier; write them to the record, the steps' environment and the summary.

    A record that is there decides: an earlier attempt of the run has made it. Else it is the environment, and
    then the stack's settings; what has a tag alone is asked of its registry.

    Raises:
        UserError: when the record is none, or a registry does not tell what a tag stands for.
    """
    again = record.exists()
    found = images.read(record) if again else _resolved(config, project, environ, reached)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({tier: str(image) for tier, image in found.items()}), encoding="utf-8")
    images.append(environ, "GITHUB_ENV", [f"{tier.upper()}_IMAGE={image}" for tier, image in found.items()])
    title = "Images, as in this run's earlier attempt" if again else "Images"
    summary = images.table(title, found)
    database = _of_settings(config, project, "database")
    if database and not reference.parse(database).digest:
        summary += [f"The database's `{database}` has no digest: `make images-pin` writes it.", ""]
    images.append(environ, "GITHUB_STEP_SUMMARY", summary)
    return found


def _resolved(
    config: Mapping[str, Any], project: str, environ: Mapping[str, str], reached: Registry
) -> dict[str, Reference]:
    found = {}
    for tier in OF_APPLICATION:
        named = environ.get(f"{tier.upper()}_IMAGE") or _of_settings(config, project, tier)
        # Without an image the deployment is refused with the reason that it reports.
        if named:
            image = reference.parse(named)
            found[tier] = image if image.digest else image.at(reached.digest(image))
    return found


def _of_settings(config: Mapping[str, Any], project: str, tier: str) -> str | None:
    section = config.get(f"{project}:{tier}")
    image = section.get("image") if isinstance(section, Mapping) else None
    return image if isinstance(image, str) else None
