"""Packets dropped in a pod's own network namespace: its node and its neighbours keep their rules."""

import contextlib
from collections.abc import Collection, Sequence

from tools.drills.stage import Stage, ctr
from tools.toolchain.errors import UserError
from tools.toolchain.process import CommandError

# All but what stays in the pod.
EVERYTHING = (("INPUT", "!", "-i", "lo", "-j", "DROP"), ("OUTPUT", "!", "-o", "lo", "-j", "DROP"))
# Refused, not dropped: connections that are open end at once.
TO_THE_DATABASE = (("OUTPUT", "-p", "tcp", "--dport", "5432", "-j", "REJECT", "--reject-with", "tcp-reset"),)

Rules = Sequence[Sequence[str]]
# A rule is found again as often as it was put there; more than this is none of ours.
_MOST = 5


def cut(stage: Stage, node: str, pod: str, rules: Rules) -> None:
    """Put the rules into the pod's network namespace."""
    inside = _inside(stage, node, pod)
    for rule in rules:
        stage.on_node(node, *inside, "-I", *rule)


def repair(stage: Stage, node: str, pod: str, rules: Rules) -> None:
    """Take the rules out again; a pod that is gone has taken them along."""
    with contextlib.suppress(CommandError, UserError):
        inside = _inside(stage, node, pod)
        for rule in rules:
            for _ in range(_MOST):
                if not stage.cluster.engine.has("exec", node, *inside, "-D", *rule):
                    break


def process_id(listing: str, containers: Collection[str]) -> str | None:
    """Return the process id of one of the containers in `ctr tasks list`; None where none runs."""
    for line in listing.splitlines():
        words = line.split()
        if words and words[0] in containers and "RUNNING" in words:
            return words[1]
    return None


def _inside(stage: Stage, node: str, pod: str) -> tuple[str, ...]:
    # By the pod, not by a container of it: one that was restarted meanwhile has another id.
    labels = {"name": pod, "namespace": stage.namespace}
    wanted = ",".join(f'labels."io.kubernetes.pod.{label}"=={value}' for label, value in labels.items())
    containers = stage.on_node(node, *ctr("containers", "list", "--quiet", wanted)).split()
    found = process_id(stage.on_node(node, *ctr("tasks", "list")), containers)
    if found is None:
        raise UserError(
            f"no container of {pod} runs on {node}",
            "its pod's network namespace is found through one",
            "run the drill again when all pods are Ready: make status",
        )
    return ("nsenter", "--target", found, "--net", "iptables", "--wait")
