"""The stacks of the checkout with everything said that the local cluster and the demo need: whole files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from components.settings.values.merging import merged
from tools.stacks import localsettings

STACKS = ("dev", "prod")
# The cluster's usual ports for http and https.
_PORTS = {"dev": 8080, "prod": 8443}


def composed(stack: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as `make up` has them at its usual port, but for images, context and attempts."""
    if localsettings.names_its_host(config):
        return dict(config)
    port = {"feastflow:edge": {"port": _PORTS[stack]}}
    return merged(merged(config, localsettings.of(config, demo=True)), port)


def of(root: Path, stack: str) -> dict[str, Any]:
    """Return those of a checkout's stack."""
    text = (root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    # libyaml's parser: this is asked a hundred times.
    return composed(stack, yaml.load(text, yaml.CSafeLoader)["config"])


def settle(root: Path) -> None:
    """Have a checkout's files say all of it, as those of a team do."""
    for stack in STACKS:
        path = root / f"Pulumi.{stack}.yaml"
        if path.exists():
            document = {"config": of(root, stack)}
            path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
