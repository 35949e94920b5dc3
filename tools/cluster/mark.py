"""The mark that a run leaves on the nodes it makes: a cluster's name alone does not say whose they are.

Two state folders may use one name. kind puts no label of ours on a container, but it mounts what it is told
to: the mark is the place of a mount, which Docker and Podman give back, and which needs no file of its own.
"""

import shlex
import uuid

from tools.cluster import record
from tools.cluster.engine import Engine
from tools.cluster.handle import containers

# Below it, on every node, a folder with the mark's name.
_FOLDER = "/feastflow"
_MOUNTS = '{{range .Mounts}}{{.Destination}}{{"\\n"}}{{end}}'
_NETWORKS = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{"\\n"}}{{end}}'


def new() -> str:
    """Return a mark that no other run ever has."""
    return uuid.uuid4().hex


def place(mark: str) -> str:
    """Return the path on a node at which something must be mounted for the node to bear the mark."""
    return f"{_FOLDER}/{mark}"


def own(carrier: Engine, name: str) -> list[str]:
    """Return the containers of the cluster's nodes that the recorded run made, and no others.

    A finished cluster that an earlier version recorded has the nodes of its name that bear no mark at all.
    """
    known = record.read(name)
    mark = known.get("mark")
    if not mark and not known.get("identity"):
        return []
    marks = {node: _marks(carrier, node) for node in containers(carrier, name)}
    return [node for node, found in marks.items() if (place(mark) in found if mark else not found)]


def others(carrier: Engine, name: str) -> list[str]:
    """Return the containers of nodes of this name that the recorded run did not make."""
    ours = own(carrier, name)
    return [node for node in containers(carrier, name) if node not in ours]


def here(carrier: Engine, name: str) -> list[str]:
    """Return the containers of nodes of this name that were made from this state folder.

    They are the recorded run's. On the own Podman, whose network each state folder has for itself, they are
    also those of which the record was lost; `down` names the cluster, and they are that cluster.
    """
    ours = own(carrier, name)
    if not carrier.own:
        return ours
    return [
        node
        for node in containers(carrier, name)
        if node in ours or carrier.network in _listed(carrier, node, _NETWORKS)
    ]


def elsewhere(carrier: Engine, name: str) -> list[str]:
    """Return the containers of nodes of this name that were not made from here, or not known to be."""
    ours = here(carrier, name)
    return [node for node in containers(carrier, name) if node not in ours]


def removal(carrier: Engine, nodes: list[str]) -> str:
    """Return the command by which a user gives up nodes that are not this record's, as it can be typed."""
    command = [carrier.command, "rm", "--force", "--volumes", *nodes]
    # The own Podman has its settings and store elsewhere; the user's engine is called as the user does.
    variables = [f"{key}={value}" for key, value in sorted(carrier.environment.items()) if carrier.own]
    return shlex.join(["env", *variables, *command] if variables else command)


def _marks(carrier: Engine, node: str) -> list[str]:
    return [path for path in _listed(carrier, node, _MOUNTS) if path.startswith(f"{_FOLDER}/")]


def _listed(carrier: Engine, node: str, template: str) -> list[str]:
    return carrier.run("inspect", "--format", template, node, timeout=60).split()
