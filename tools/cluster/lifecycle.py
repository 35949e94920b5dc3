"""From nothing to three Ready nodes with their add-ons, and back to nothing.

Podman's or Docker's word that a node runs is never believed: a reboot or a killed process leaves it behind.
What counts is whether the API server answers and its nodes are Ready.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict

from tools.cluster import (
    addons,
    age,
    early,
    engine,
    footprint,
    foreign,
    handle,
    kind,
    mark,
    nodeimage,
    ports,
    record,
    silent,
)
from tools.cluster.engine import Engine
from tools.cluster.handle import (
    Cluster,
    addresses,
    all_ready,
    containers,
    ready_nodes,
    switch_on,
    wanted_nodes,
)
from tools.toolchain import cache, golang, pins, process, turn
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError
from tools.toolchain.golang import Build

# With "-control-plane", kind's longest ending, it must fit a host name of 63.
_NAME_LENGTH = 49


def preflight(name: str, port: int, also: Sequence[Build] = ()) -> Engine | None:
    """Return the engine for `up`; refuse at once what that would refuse after minutes of work.

    That is a port that is taken, no Go, no room for what is to be compiled (`also` by the caller), no engine.
    None, without a word, where the cluster serves already.
    """
    running = find(name)
    if running is not None and ready_nodes(running):
        return None
    known = record.carrier(name)
    carrier = engine.again(known) if known else None
    if carrier is None or not containers(carrier, name):
        ports.must_be_free(port)
    golang.check(pins.KIND_BUILD, *also)
    # To find an engine may mean to install one.
    golang.ahead(pins.KIND_BUILD)
    chosen = carrier or engine.choose()
    golang.check(*builds(chosen), *also)
    with Step("engine", "looking for Docker or Podman") as step:
        step.result(chosen.why)
    return chosen


def builds(carrier: Engine | None) -> tuple[Build, ...]:
    """Return what `up` compiles on this engine where it is not cached, in the order of need."""
    return (pins.KIND_BUILD, *(nodeimage.builds(carrier) if carrier else ()))


def up(name: str, port: int, carrier: Engine | None = None) -> Cluster:
    """Return a cluster of this name whose API answers, made or started where necessary, its add-ons applied.

    `carrier` is what `preflight` found, if it was asked. The add-ons are not awaited, so that the caller can
    do something useful meanwhile; `usable` and `ready` do that. Nodes are only deleted where they bear the
    mark of the recorded run that began to make them, and kind never came to its end.

    Raises:
        UserError: when there are nodes that do not answer, with what was seen of them.
    """
    if cache.find("bin", golang.digest(pins.KIND_BUILD)) is None:
        # Before the look at what runs: other pins than it was made with are no reason to recreate it.
        with Step("tools", "kind and kubectl") as step:
            golang.binaries(pins.KIND_BUILD, step)
            step.result("kind and kubectl, compiled from pinned modules")
    # First of all: a kind that ends meanwhile would finish a cluster that was found unfinished.
    kind.end_left(name)
    running = None if record.is_unfinished(name) else find(name)
    nodes = ready_nodes(running) if running else []
    applied = False
    if running and len(nodes) == wanted_nodes():
        ports.must_be_kept(name, running.port, port)
        _identified(running)
        if all_ready(nodes) and _addons_ready(running):
            say(f"ok cluster      {name} answers, its three nodes are Ready")
            return running
        cluster = running
        for node in cluster.nodes():
            switch_on(cluster, node)
    elif running and nodes:
        raise UserError(
            f"the cluster {name} answers and knows {len(nodes)} of its {wanted_nodes()} nodes",
            "a node was taken out of it; to recreate it would lose what it holds",
            f"let the node's kubelet register it again, or give it up: {silent.down_command(name)}",
        )
    elif running and running.nodes():
        foreign.must_be_recorded(name, running.engine)
        ports.must_be_kept(name, running.port, port)
        silent.revive(running)
        _identified(running)
        cluster = running
    else:
        cluster, applied = _create(name, port, carrier or record.carrier(name) or engine.choose())
    if not applied:
        _apply(cluster)
    return cluster


def _apply(cluster: Cluster) -> None:
    if age.is_older(cluster):
        say(age.told(cluster, silent.down_command(cluster.name)))
    else:
        addons.apply(cluster.client)


@contextmanager
def alone(name: str) -> Iterator[set[str]]:
    """Have the local cluster and its stacks to this command alone; yields the identities it is known by."""
    with turn.cluster(name), ExitStack() as held:
        known = identities(name)
        for identity in sorted(known):
            held.enter_context(turn.state(identity))
        yield known


def is_name(text: str) -> bool:
    """Return whether kind takes it as a cluster's name; its nodes' host names begin with it."""
    return len(text) <= _NAME_LENGTH and re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", text) is not None


def identities(name: str) -> set[str]:
    """Return the known identities of clusters of this name: each may still be referred to."""
    known = record.read(name)
    return {identity for identity in (*known.get("former", []), known.get("identity")) if identity}


def usable(cluster: Cluster) -> None:
    """Wait until pods can start, find each other, store and be reached; at once when that has been seen."""
    if not _addons_ready(cluster):
        with Step("add-ons", "kube-router, local-path, Traefik") as step:
            addons.wait(cluster.client, addons.ESSENTIAL, step)
            step.result("pod network with policies, names, storage and ingress are available")


def ready(cluster: Cluster) -> None:
    """Wait for everything: also for what only autoscalers ask."""
    if not _addons_ready(cluster):
        with Step("metrics", "metrics-server") as step:
            addons.wait(cluster.client, [*addons.ESSENTIAL, *addons.LATER], step)
            step.result("the autoscalers have figures to go by")
        _remember(cluster, identity=cluster.identity(), available=addons.digest())


def find(name: str) -> Cluster | None:
    """Return the cluster of this name as an earlier run left it, whether it answers or not."""
    carrier = record.carrier(name)
    if carrier is None or cache.find("bin", golang.digest(pins.KIND_BUILD)) is None:
        return None
    return _cluster(name, int(record.read(name)["port"]), carrier)


def _cluster(name: str, port: int, carrier: Engine) -> Cluster:
    return Cluster(
        name=name,
        port=port,
        engine=carrier,
        kubeconfig=record.home(name) / "kubeconfig",
        tools=cache.home() / "bin" / golang.digest(pins.KIND_BUILD),
    )


def down(name: str) -> set[str]:
    """Take the cluster away, and with the last one everything else this project put on the machine.

    Returns the identities it had, for those who keep something under them.

    Raises:
        UserError: when there are nodes of this name that were not made from here; nothing is deleted.
    """
    known = identities(name)
    kind.end_left(name)
    carrier = record.carrier(name) or engine.present()
    # An engine that was uninstalled carries nothing any more.
    if carrier is not None and shutil.which(carrier.command):
        with Step("cluster", f"removing {name}") as step, cache.locked("engine"):
            foreign.must_be_of_here(name, carrier)
            _delete(carrier, name, mark.here(carrier, name))
            if carrier.own and not carrier.run("ps", "--all", "--quiet").strip():
                footprint.erase(carrier)
            step.result(f"{name} is gone, and its networks, mounts and rules with it")
    record.forget(name)
    return known


def _create(name: str, port: int, carrier: Engine) -> tuple[Cluster, bool]:
    """Make the cluster; returns it, and whether its add-ons are applied already."""
    foreign.must_be_recorded(name, carrier)
    cluster = _cluster(name, port, carrier)
    # Without a container to show for it, another cluster's `down` would take the engine's folders away.
    with cache.locked("engine"):
        return cluster, _make(cluster)


def _make(cluster: Cluster) -> bool:
    if record.is_unfinished(cluster.name):
        _undo(cluster)
    else:
        # Nodes that are found from now on are no earlier cluster's.
        _never_began(cluster.name)
    ports.must_be_free(cluster.port)
    image = None
    if cluster.engine.own:
        with Step("node image", "Debian, containerd, Kubernetes") as step:
            image = nodeimage.ensure(cluster.engine, step)
            step.result("built from Debian's packages and compiled binaries")
        footprint.record()
    # To build the image takes minutes, in which another state folder may have made a cluster of this name.
    foreign.must_be_recorded(cluster.name, cluster.engine)
    # Known from now on, so that `down` finds what an interrupted kind leaves; kind ends with the kubeconfig.
    cluster.kubeconfig.unlink(missing_ok=True)
    _remember(cluster, made_by=mark.new())
    beginning = early.Addons(cluster)
    with Step("cluster", "three nodes in three zones") as step:

        def each(line: str) -> None:
            step.note(line.strip(" •✓.…\t")[:60])
            beginning.heard(line)

        try:
            kind.create(cluster, image, each)
        except process.CommandError as failure:
            if kind.found_others(failure):
                _never_began(cluster.name)
            else:
                _undo(cluster)
            raise UserError(
                f"kind could not make the cluster\n{failure.tail[-1500:]}",
                "nothing runs without it; what it had made is removed again",
                f"the whole log is {cache.log(kind.LOG)}; run it again, or name a cluster you have: "
                "make up CONTEXT=…",
            ) from failure
        cluster.kubeconfig.chmod(0o600)
        applied = beginning.applied()
        step.result("a control plane and two workers, each a zone of its own")
    _remember(cluster, identity=cluster.identity())
    return applied


def _undo(cluster: Cluster) -> None:
    """Delete what was made of a cluster that was never finished."""
    _delete(cluster.engine, cluster.name, mark.own(cluster.engine, cluster.name))
    _never_began(cluster.name)


def _never_began(name: str) -> None:
    """Record that nothing of the cluster is there: nodes of its name that are found later are another's."""
    record.write(name, {"former": sorted(identities(name))})


def _identified(cluster: Cluster) -> None:
    """Record who the cluster is, where the run that made it was cut off between its end and that."""
    if not record.read(cluster.name).get("identity"):
        _remember(cluster, identity=cluster.identity())


def _addons_ready(cluster: Cluster) -> bool:
    """Return whether they have been seen available since the nodes were last started."""
    return bool(record.read(cluster.name).get("addons") == addons.digest())


def _delete(carrier: Engine, name: str, nodes: Sequence[str]) -> None:
    """Delete these nodes of the cluster, and the volumes of all its nodes that are not there any more."""
    for node in nodes:
        carrier.run("rm", "--force", "--time", "0", "--volumes", node, timeout=120)
    left = containers(carrier, name)
    if carrier.command == "podman":
        # What kind calls anonymous has a name there, and stays when its container goes: 2 GB a node.
        for node in handle.node_names(name):
            if node in left:
                continue
            volumes = carrier.run("volume", "ls", "--quiet", "--filter", f"label={node}").split()
            if volumes:
                # By force it would take a container with it that uses one.
                carrier.has("volume", "rm", *volumes)


def _remember(
    cluster: Cluster, *, identity: str | None = None, available: str | None = None, made_by: str | None = None
) -> None:
    known = {
        "port": cluster.port,
        "engine": asdict(cluster.engine),
        "addresses": addresses(cluster),
        "mark": made_by or record.read(cluster.name).get("mark"),
        "identity": identity,
        "former": sorted(identities(cluster.name) - {identity}),
        "addons": available,
        "operator": record.read(cluster.name).get("operator") if available else None,
    }
    record.write(cluster.name, known)
