"""The mark that a run leaves on the nodes it makes: a cluster's name alone does not say whose they are.

Two state folders may use one name. kind puts no label of ours on a container, but it mounts what it is told
to: the mark is the place of a mount, which Docker and Podman give back, and which needs no file of its own.
"""

import shlex
import uuid

from cluster import record
from cluster.engine import Engine
from cluster.handle import containers

# Below it, on every node, a folder with the mark's name.
_FOLDER = "/feastflow"


def new() -> str:
    """Return a mark that no other run ever has."""
    return uuid.uuid4().hex


def place(mark: str) -> str:
    """Return the path on a node at which something must be mounted for the node to bear the mark."""
    return f"{_FOLDER}/{mark}"


def own(carrier: Engine, name: str) -> list[str]:
    """Return the containers of the cluster's nodes that the recorded run made, and no others.

    A finished cluster that an earlier version recorded bears no mark; it has the nodes of its name.
    """
    there = containers(carrier, name)
    known = record.read(name)
    mark = known.get("mark")
    if mark:
        return [node for node in there if place(mark) in _mounts(carrier, node)]
    return there if known.get("identity") else []


def others(carrier: Engine, name: str) -> list[str]:
    """Return the containers of nodes of this name that the recorded run did not make."""
    ours = own(carrier, name)
    return [node for node in containers(carrier, name) if node not in ours]


def removal(carrier: Engine, nodes: list[str]) -> str:
    """Return the command by which a user gives up nodes that are not this record's, as it can be typed."""
    command = [carrier.command, "rm", "--force", "--volumes", *nodes]
    # The own Podman has its settings and store elsewhere; the user's engine is called as the user does.
    variables = [f"{key}={value}" for key, value in sorted(carrier.environment.items()) if carrier.own]
    return shlex.join(["env", *variables, *command] if variables else command)


def _mounts(carrier: Engine, node: str) -> list[str]:
    template = '{{range .Mounts}}{{.Destination}}{{"\\n"}}{{end}}'
    return carrier.run("inspect", "--format", template, node, timeout=60).split()
