"""The stacks of the checkout with everything said that the local cluster and the demo need: whole files."""

from pathlib import Path
from typing import Any

import yaml

from tools.stacks import localsettings

STACKS = ("dev", "prod")


def of(root: Path, stack: str) -> dict[str, Any]:
    """Return those of a checkout's stack."""
    text = (root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    # libyaml's parser: this is asked a hundred times.
    return localsettings.whole(stack, yaml.load(text, yaml.CSafeLoader)["config"])


def settle(root: Path) -> None:
    """Have a checkout's files say all of it, as those of a team do."""
    for stack in STACKS:
        path = root / f"Pulumi.{stack}.yaml"
        if path.exists():
            document = {"config": of(root, stack)}
            path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
