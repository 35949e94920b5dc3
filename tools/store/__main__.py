"""`make store` and `make unstore`: the store of backups on the local cluster, and its key for a stack."""

import json
import os
import sys
from functools import partial

from tools.cluster import lifecycle, programs, transport
from tools.cluster.handle import Cluster
from tools.cluster.programs import Program
from tools.stacks import workspace
from tools.store import keys, manifests
from tools.toolchain import console, pins
from tools.toolchain.console import Step, say
from tools.toolchain.errors import UserError

_PROGRAM = Program(name="versitygw", image=manifests.IMAGE)
_SECONDS = 180


def main(arguments: list[str]) -> None:
    """Do what the one argument says: `up` or `down`."""
    name, stack = os.environ.get("CLUSTER") or "feastflow", os.environ.get("STACK") or "dev"
    cluster = lifecycle.find(name)
    if cluster is None or os.environ.get("CONTEXT"):
        raise UserError(
            f"the local cluster {name} does not run, or another one is named",
            "the store is for that cluster alone: elsewhere there are buckets",
            "make up, without CONTEXT; for a bucket see docs/backups.md",
        )
    if arguments == ["down"]:
        _down(cluster)
    else:
        _up(cluster, stack)


def _up(cluster: Cluster, stack: str) -> None:
    client = cluster.client
    namespace = str(workspace.settings(stack)["feastflow:namespace"])
    with Step("store", f"versitygw {pins.VERSITYGW}") as step:
        if cluster.engine.own:
            image = programs.key(_PROGRAM, pins.STORE_BUILD)
            save = partial(programs.save_alone, cluster.engine, _PROGRAM, pins.STORE_BUILD, step)
            transport.carry(cluster, [manifests.IMAGE], image, save, step)
        key = keys.known(client) or keys.drawn()
        keys.apply(client, *manifests.objects(key))
        rollout = ("rollout", "status", f"deployment/{manifests.NAME}", f"--timeout={_SECONDS}s")
        client.within(manifests.NAMESPACE).output(*rollout, timeout=_SECONDS + 20)
        there = keys.give(client, namespace, key)
        step.result(f"{manifests.ENDPOINT}, for databases alone")
    said = json.dumps(manifests.settings(stack))
    say(f"\nin Pulumi.{stack}.yaml, set below feastflow:database\n  {said[1:-1]}")
    if not there:
        say(f"\nthere is no namespace {namespace} yet: `make up` gives it the key when it makes it")


def _down(cluster: Cluster) -> None:
    with Step("unstore", "the store and every backup in it") as step:
        cluster.client.output(
            "delete", "namespace", manifests.NAMESPACE, "--ignore-not-found", timeout=_SECONDS
        )
        step.result("deleted; the stacks' Secrets stay, and open nothing")


if __name__ == "__main__":
    console.run(partial(main, sys.argv[1:]))
