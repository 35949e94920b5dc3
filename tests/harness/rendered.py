"""A stack from rendered manifests, by kubectl alone.

External Secrets is on no cluster of the tests. `written` does its work: it replaces the references by the
Secrets that the operator would make of them, with values from `python -m tools.render --values`.
"""

import json
import sys
from pathlib import Path

import yaml

from tools.render.operator import made

from .kube import Kube, name_of
from .product import Product
from .running import CommandError, run

KEPT = (
    "deployments,statefulsets,persistentvolumeclaims,services,ingresses,networkpolicies,configmaps,namespaces"
)
_SECONDS = 120.0


def written(product: Product, folder: Path) -> Path:
    """Render the product's stack into the folder, its references to secrets replaced by Secrets."""
    _render(product, "--out", str(folder))
    path = folder / "02-secrets.yaml"
    references = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    store = json.loads(_render(product, "--values"))
    path.write_text(yaml.safe_dump_all([made(each, store) for each in references]), encoding="utf-8")
    return folder


def apply(there: Kube, folder: Path) -> None:
    """Apply the whole folder at once."""
    there.run("apply", "--filename", str(folder), timeout=180)


def versions(there: Kube, kinds: str) -> dict[str, tuple[str, int | None]]:
    """Return uid and generation of each object: neither changes unless the object is changed."""
    return {
        f"{each['kind']} {name_of(each)}": (each["metadata"]["uid"], each["metadata"].get("generation"))
        for each in there.all(kinds)
    }


def _render(product: Product, *flags: str) -> str:
    command = [sys.executable, "-m", "tools.render", *flags]
    ran = run(command, environment=product.environment, cwd=product.root, timeout=_SECONDS)
    if ran.code != 0:
        raise CommandError(ran)
    return ran.out
