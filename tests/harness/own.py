"""A user with a cluster of their own: a clone, a kubeconfig, and images by name as from a registry."""

from pathlib import Path

import yaml

from .kube import Kube, Object
from .product import Product

_PODS = {"backend": "backend", "frontend": "frontend", "database": "postgres"}


def images(kube: Kube) -> dict[str, str]:
    """Return the images that run, by tier."""
    found = {}
    for tier, container in _PODS.items():
        (pod, *_) = kube.pods(tier)
        found[tier] = next(
            each["image"] for each in pod["spec"]["containers"] if each["name"] in (tier, container)
        )
    return found


def clone(product: Product, folder: Path, database: str, **settings: Object) -> Product:
    """Clone the project for a user whose dev stack is served here, by a database image that is here.

    `settings` are further values of sections: `edge={"host": …}`, or of a key that is no section.
    """
    user = product.cloned(folder).with_variables(KUBECONFIG=str(product.kubeconfig))
    path = user.root / "Pulumi.dev.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    here: Object = {"database": {"image": database}, "edge": {"port": product.port}}
    for name, values in (*here.items(), *settings.items()):
        key = f"feastflow:{name}"
        known = document["config"].get(key)
        document["config"][key] = {**(known or {}), **values} if isinstance(values, dict) else values
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return user
