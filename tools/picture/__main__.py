"""`python -m tools.picture`: the pictures of docs/architecture.md, drawn from the rendered manifests."""

import copy
import os
from pathlib import Path
from typing import Any

from tools.picture import journey, layout, namespace, setting, svg
from tools.render import program
from tools.render.manifests import render
from tools.render.secrets import Store
from tools.stacks import localsettings, workspace
from tools.toolchain import console

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
STACKS = ("dev", "prod")
# One that three components derive something from.
_KEY, _STACK = "backend.autoscaling.maxReplicas", "dev"
_STORE = Store(kind="ClusterSecretStore", name="feastflow", path="feastflow")


def main() -> None:
    """Draw every picture."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pictures().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        console.say(os.path.relpath(FOLDER / name))


def pictures() -> dict[str, str]:
    """Return each picture's text by its file's name."""
    drawn = {}
    for stack in STACKS:
        shown = namespace.read(manifests(stack))
        drawn[f"namespace-{stack}.svg"] = svg.drawn(shown, layout.place(shown))
    return {**drawn, "setting.svg": _setting()}


def manifests(stack: str) -> list[namespace.Manifest]:
    """Return the manifests of a stack."""
    recorded = program.objects(stack, localsettings.whole(stack, workspace.settings(stack)))
    return [each.manifest for each in render(recorded, _STORE)]


def _setting() -> str:
    before = localsettings.whole(_STACK, workspace.settings(_STACK))
    after, value = _raised(before, _KEY)
    found = setting.fields(program.objects(_STACK, before), program.objects(_STACK, after))
    return journey.drawn(_KEY, value, found)


def _raised(config: dict[str, Any], key: str) -> tuple[dict[str, Any], int]:
    """Return the settings with one more of this number."""
    changed = copy.deepcopy(config)
    section, *parts, last = key.split(".")
    place = changed.setdefault(f"feastflow:{section}", {})
    for part in parts:
        place = place.setdefault(part, {})
    place[last] = place.get(last, 8) + 1
    return changed, place[last]


if __name__ == "__main__":
    console.run(main)
