"""A user with a cluster of their own: a clone, a kubeconfig, and images by name as from a registry."""

import shlex
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import yaml

from ..documented import documented
from .kube import Kube, Object
from .product import ROOT, Product
from .running import Ran

Types = Callable[[str], Ran]

_ARCHIVE = "/images-of-a-test.tar"
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


def with_state(user: Product, room: Path) -> Product:
    """Return the user with a state of Pulumi's own in a folder, and no terminal to answer a prompt."""
    return user.with_variables(
        PULUMI_BACKEND_URL=f"file://{room}",
        PULUMI_CONFIG_PASSPHRASE="of a test",
        PULUMI_SKIP_CONFIRMATIONS="true",
    )


def at_a_shell(user: Product) -> Types:
    """Return the user at a shell of the checkout, with Pulumi on PATH."""
    tools = (
        f'eval "$(cd {shlex.quote(str(ROOT))} && {shlex.join([sys.executable, "-m", "tools.toolchain"])})"'
    )
    return lambda line: user.typed(f"{tools} && {line}")


def carry(images: Iterable[str], source: Product, target: Product, room: Path) -> None:
    """Copy images from a cluster's nodes to all nodes of another, as if those had pulled them."""
    archive = room / "images.tar"
    containerd = ("ctr", "--namespace", "k8s.io", "images")
    (first, *_) = source.nodes()
    target.engine("exec", first, *containerd, "export", _ARCHIVE, *images)
    target.engine("cp", f"{first}:{_ARCHIVE}", str(archive))
    target.engine("exec", first, "rm", _ARCHIVE)
    for node in target.nodes():
        target.engine("cp", str(archive), f"{node}:{_ARCHIVE}")
        target.engine("exec", node, *containerd, "import", _ARCHIVE)
    archive.unlink()


def deploy(types: Types, context: str, images: Mapping[str, str], host: str) -> Ran:
    """Type the README's lines, one after the other, and return how `pulumi up` ended."""
    types(documented("python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.txt"))
    types(
        documented(
            "pulumi stack init dev && pulumi config set kubernetes:context my-context",
            {"my-context": context},
        )
    )
    types(
        documented(
            "pulumi config set --path feastflow:backend.image registry.example.com/api:1.4.2",
            {"registry.example.com/api:1.4.2": images["backend"]},
        )
    )
    types(
        documented(
            "pulumi config set --path feastflow:frontend.image registry.example.com/page:1.4.2",
            {"registry.example.com/page:1.4.2": images["frontend"]},
        )
    )
    types(
        documented(
            "pulumi config set --path feastflow:edge.host shop.example.com", {"shop.example.com": host}
        )
    )
    return types(documented("pulumi up"))
