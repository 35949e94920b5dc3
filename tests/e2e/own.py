"""A user with a cluster of their own: a clone, a kubeconfig, and images by name as from a registry."""

from pathlib import Path

import yaml

from .kube import Kube
from .product import Product

_PODS = {"backend": "backend", "frontend": "frontend", "database": "postgres"}


def images(kube: Kube) -> dict[str, str]:
    """The images that run, by tier."""
    found = {}
    for tier, container in _PODS.items():
        (pod, *_) = kube.pods(tier)
        found[tier] = next(
            each["image"] for each in pod["spec"]["containers"] if each["name"] in (tier, container)
        )
    return found


def clone(product: Product, folder: Path, database: str) -> Product:
    """A clone whose dev stack is served where this machine serves it, with a database that is here."""
    user = product.cloned(folder).with_variables(KUBECONFIG=str(product.kubeconfig))
    path = user.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, key, value in (("database", "image", database), ("edge", "port", product.port)):
        document["config"].setdefault(f"feastflow:{section}", {})[key] = value
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return user
