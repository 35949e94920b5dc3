"""kind: the configuration of a cluster, and the run that makes it, recorded so that a killed one is ended."""

from collections.abc import Callable

import yaml

from tools.cluster import atrest, handle, mark, nodeimage, ports, record, transport
from tools.cluster.handle import Cluster
from tools.toolchain import cache, private, proc, process, started

LOG = "kind"

_SECONDS = 240
_NAME = "kind"
# Where its runs are recorded, in the cluster's folder.
_STARTED = "started"
# What it says where another command made nodes of that name in the last moment.
_TAKEN = "already exist for a cluster with the name"


def create(cluster: Cluster, image: str | None, each: Callable[[str], None]) -> None:
    """Make the cluster's nodes, of this image or kind's, with the recorded mark; ends with the kubeconfig.

    What it made stays where it fails: kind would delete all nodes of that name, its own or not.

    Raises:
        CommandError: when kind fails; it may have made some of the nodes by then.
    """
    home = record.home(cluster.name)
    (home / "kind.yaml").write_text(yaml.safe_dump(_configuration(cluster, image)), encoding="utf-8")
    command = [
        str(cluster.tools / _NAME),
        "create",
        "cluster",
        "--name",
        cluster.name,
        "--wait",
        "0s",
        "--retain",
    ]
    command += ["--config", str(home / "kind.yaml"), "--kubeconfig", str(cluster.kubeconfig)]
    if image:
        command += ["--image", image]
    with started.recorded(home / _STARTED) as run:
        environment = {**cluster.engine.environment, **run}
        process.stream(command, env=environment, log=cache.log(LOG), each=each, timeout=_SECONDS)


def found_others(failure: process.CommandError) -> bool:
    """Return whether kind made nothing, since there were nodes of that name."""
    return _TAKEN in failure.tail


def end_left(name: str) -> None:
    """End a kind that is still at work on the cluster, though the command that started it was killed."""
    # The monitors of the nodes' containers inherit the mark; they end with the containers.
    started.end(record.home(name) / _STARTED, lambda number: _NAME in proc.programs(number))


def fetch_kubeconfig(cluster: Cluster) -> bool:
    """Have the kubeconfig again, where it was lost or half written; returns whether the nodes gave it."""
    command = [str(cluster.tools / _NAME), "get", "kubeconfig", "--name", cluster.name]
    try:
        text = process.output(command, env=cluster.engine.environment)
    except process.CommandError:
        return False
    private.write(cluster.kubeconfig, text)
    return True


def _configuration(cluster: Cluster, image: str | None) -> object:
    config = yaml.safe_load(handle.CONFIG.read_text(encoding="utf-8"))
    plain, encrypted = config["nodes"][0]["extraPortMappings"]
    plain["hostPort"], encrypted["hostPort"] = cluster.port, ports.encrypted(cluster.port)
    images = cache.home() / transport.IMAGES
    images.mkdir(parents=True, exist_ok=True)
    own = record.read(cluster.name)["mark"]
    places = (transport.IMAGES_ON_NODES, mark.place(own))
    for node in config["nodes"]:
        node["extraMounts"] = [
            {"hostPath": str(images), "containerPath": place, "readOnly": True} for place in places
        ]
    server = config["nodes"][0]
    server["extraMounts"].append(atrest.mount(atrest.ensure(cluster.name, own)))
    server["kubeadmConfigPatches"].append(atrest.patch())
    if image:
        config["kubeadmConfigPatches"] = list(nodeimage.KUBEADM_PATCHES)
    return config
