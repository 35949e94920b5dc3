"""The age of a local cluster: nodes keep the Kubernetes and the images that they were made with.

A checkout with newer pins leaves them so: the images of its add-ons are in its own node image, and no
registry that this machine reaches need have them (docs/decisions/0077).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.cluster import programs, transport
from tools.toolchain import pins, process

if TYPE_CHECKING:
    from tools.cluster.handle import Cluster  # needs a package, and `make clean-cache` must do without

# What the manifests of the add-ons name; the control plane's own came with kubeadm.
_OF_ADDONS = ("kube-router", "metrics-server", "traefik", "local-path-provisioner")


def is_older(cluster: Cluster) -> bool:
    """Return whether the nodes lack an image of the add-ons that this checkout would apply.

    The first node is asked: it runs the API server, and all are made of one image. False where the engine's
    nodes pull what they lack.
    """
    images = [program.image for program in programs.OF_EVERY_CLUSTER if program.name in _OF_ADDONS]
    return cluster.engine.own and bool(transport.lacking(cluster, images, cluster.nodes()[:1]))


def told(cluster: Cluster, down: str) -> str:
    """Return the remark on an older cluster; `down` is the command that gives it up."""
    return (
        f"the cluster {cluster.name} was made with Kubernetes {_kubernetes(cluster)} and keeps it, its\n"
        f"add-ons and its data; this checkout makes {pins.KUBERNETES}. For a new one, which begins\n"
        f"without data: {down}, then make up"
    )


def _kubernetes(cluster: Cluster) -> str:
    """Return the version that the nodes run, as they say it."""
    question = ("get", "nodes", "-o", "jsonpath={.items[0].status.nodeInfo.kubeletVersion}")
    try:
        return cluster.client.output(*question, timeout=10).strip().removeprefix("v") or "an unknown version"
    except process.CommandError:
        return "an unknown version"
