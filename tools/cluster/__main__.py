"""`python -m tools.cluster`: the local cluster by itself, without FeastFlow on it, and for drills."""

import argparse
import os

from tools.cluster import lifecycle, nodes, operator, ports
from tools.cluster.handle import Cluster
from tools.toolchain import console, turn
from tools.toolchain.errors import UserError

NAME = "feastflow"
PORT = 8080


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m tools.cluster", description=__doc__)
    parser.add_argument(
        "--name",
        type=_name,
        default=os.environ.get("CLUSTER") or NAME,
        help="the cluster's name (%(default)s)",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="make the cluster, or start it again; nothing when it answers")
    up.add_argument("--port", type=_port, default=PORT, help="the edge's port on 127.0.0.1 (%(default)s)")
    commands.add_parser("down", help="take the cluster and all its traces away")
    commands.add_parser("status", help="the nodes and what runs on them")
    for command, text in {
        "stop": "cut a node's power",
        "start": "switch a stopped node on",
        "drain": "move a node's pods away",
        "uncordon": "let pods back on a drained node",
    }.items():
        commands.add_parser(command, help=text).add_argument("node")
    options = parser.parse_args(arguments)

    if options.command == "up":
        with turn.cluster(options.name):
            carrier = lifecycle.preflight(options.name, options.port)
            made = lifecycle.up(options.name, options.port, carrier)
            lifecycle.ready(made)
            operator.ensure(made)
        console.say(f"\nexport KUBECONFIG={made.kubeconfig}")
    elif options.command == "down":
        with lifecycle.alone(options.name):
            lifecycle.down(options.name)
    elif options.command == "status":
        console.say(_known(options.name).client.output("get", "nodes,pods", "--all-namespaces", "-o", "wide"))
    else:
        getattr(nodes, options.command)(_known(options.name), options.node)


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= ports.LAST:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {ports.LAST}")


def _name(text: str) -> str:
    if lifecycle.is_name(text):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a name of lower-case letters, digits, dots, hyphens")


def _known(name: str) -> Cluster:
    cluster = lifecycle.find(name)
    if cluster is None:
        raise UserError(
            f"there is no cluster {name} here",
            "there is nothing to act on",
            "make one: python -m tools.cluster up",
        )
    return cluster


if __name__ == "__main__":
    console.run(main)
