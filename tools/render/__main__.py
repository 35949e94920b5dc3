"""`python -m tools.render`: a stack's namespace as numbered manifests, for GitOps and for `kubectl apply`."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from components.settings.values.merging import merged
from components.tiers import OF_APPLICATION
from tools.render import files, folder, program, secrets, values
from tools.render.manifests import Rendered, render
from tools.render.secrets import Store
from tools.stacks import workspace
from tools.toolchain import console
from tools.toolchain.errors import UserError

_ROOT = Path(__file__).parents[2]
_KINDS = ("SecretStore", "ClusterSecretStore")
_STORE = "ClusterSecretStore/feastflow"


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m tools.render", description=__doc__)
    parser.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (%(default)s)")
    parser.add_argument(
        "--out", default=os.environ.get("OUT"), help="the folder (build/manifests/STACK in the checkout)"
    )
    parser.add_argument(
        "--secret-store",
        default=os.environ.get("SECRET_STORE") or _STORE,
        help="KIND/NAME of External Secrets' store (%(default)s)",
    )
    parser.add_argument(
        "--secret-path", default=os.environ.get("SECRET_PATH"), help="path in the store (feastflow/STACK)"
    )
    parser.add_argument(
        "--values", action="store_true", help="write no manifest: print new values for the store as JSON"
    )
    chosen = parser.parse_args(arguments)
    store = _store(chosen.secret_store, chosen.secret_path or f"feastflow/{chosen.stack}")
    rendered = render(program.objects(chosen.stack, _config(chosen.stack)), store)
    if chosen.values:
        _tell_values(rendered)
        return
    out = Path(chosen.out) if chosen.out else _ROOT / "build" / "manifests" / chosen.stack
    texts = files.texts(rendered, chosen.stack)
    folder.write(out, texts)
    console.say(f"{len(rendered)} objects in {len(texts)} files: {out}")


def _config(stack: str) -> dict[str, Any]:
    """Return the stack's settings, with the images that the environment names over them."""
    images = {tier: os.environ.get(f"{tier.upper()}_IMAGE") for tier in OF_APPLICATION}
    named = {f"feastflow:{tier}": {"image": image} for tier, image in images.items() if image}
    return merged(workspace.settings(stack), named)


def _store(text: str, path: str) -> Store:
    kind, _, name = text.partition("/")
    if kind in _KINDS and name:
        return Store(kind=kind, name=name, path=path.strip("/"))
    raise UserError(
        f"SECRET_STORE is {text!r}",
        "the manifests hold no secrets: they name the store of External Secrets that has them",
        f"give its kind and name: make render SECRET_STORE={_STORE}",
    )


def _tell_values(rendered: list[Rendered]) -> None:
    if sys.stdout.isatty():
        raise UserError(
            "standard output is a terminal",
            "secrets would stay on the screen and in its history",
            "pipe them into the tool that fills your store: python -m tools.render --values | …",
        )
    entries = secrets.entries([each.manifest for each in rendered if each.generated])
    console.say(json.dumps(values.fresh(entries), indent=2, sort_keys=True))


if __name__ == "__main__":
    console.run(main)
