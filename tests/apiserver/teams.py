"""Stacks on the server: settings for a namespace each, deployed by `make` with CONTEXT.

A scene has a stack to itself, so that scenes share a server and order between them means nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ..harness.kube import Kube
from ..harness.product import Product
from .edge import Edge
from .server import Server

# They are not pulled: kwok reports that they run.
IMAGES = {
    "BACKEND_IMAGE": "registry.example.com/api:1.4.2",
    "FRONTEND_IMAGE": "registry.example.com/page:1.4.2",
}

Config = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Team:
    """A stack: `product` is called as `make` is, `kube` looks at the stack's namespace."""

    product: Product
    kube: Kube
    stack: str

    @property
    def settings(self) -> Path:
        """The stack's file in the checkout."""
        return self.product.root / f"Pulumi.{self.stack}.yaml"

    @contextmanager
    def changed(self, change: Callable[[Config], None]) -> Iterator[None]:
        """Have other settings in the stack's file for the length of the block."""
        text = self.settings.read_text(encoding="utf-8")
        self.change(change)
        try:
            yield
        finally:
            self.settings.write_text(text, encoding="utf-8")

    def change(self, change: Callable[[Config], None]) -> None:
        """Change the settings in the stack's file."""
        document = yaml.safe_load(self.settings.read_text(encoding="utf-8"))
        change(document["config"])
        self.settings.write_text(yaml.safe_dump(document), encoding="utf-8")


@dataclass(frozen=True, kw_only=True)
class Office:
    """A clone of the project, a state folder and a kubeconfig, for any number of stacks on one server."""

    server: Server
    edge: Edge
    product: Product

    def team(self, stack: str, *, like: str = "dev") -> Team:
        """Create a stack with the settings of `like` for the namespace `feastflow-STACK`, with an edge."""
        namespace = f"feastflow-{stack}"
        product = self.product.with_variables(STACK=stack)
        kube = Kube(kubectl=str(self.server.kubectl), kubeconfig=self.server.kubeconfig, namespace=namespace)
        team = Team(product=product, kube=kube, stack=stack)
        text = (self.product.root / f"Pulumi.{like}.yaml").read_text(encoding="utf-8")
        team.settings.write_text(text.replace(f"feastflow-{like}", namespace), encoding="utf-8")
        team.change(self._serve)
        return team

    def _serve(self, config: Config) -> None:
        edge = config["feastflow:edge"]
        edge["port"] = self.edge.encrypted if edge["tls"]["enabled"] else self.edge.plain


def opened(server: Server, edge: Edge, folder: Path, *, cluster: str) -> Office:
    """Make it in an empty folder; `cluster` is a name for its locks that no other office has."""
    kubectl = str(server.kubectl.parent)
    product = Product(cluster=cluster, port=edge.plain, state=folder / "state").cloned(folder / "clone")
    product.state.mkdir()
    path = f"{kubectl}:{product.environment['PATH']}"
    variables = {"PATH": path, "CONTEXT": server.context, "KUBECONFIG": str(server.kubeconfig), **IMAGES}
    return Office(server=server, edge=edge, product=product.with_variables(**variables))
