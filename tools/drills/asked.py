"""Arguments of drills and benchmarks: the local cluster, whole numbers, names with commas."""

import argparse
import os

from tools.cluster import lifecycle
from tools.toolchain.errors import UserError


def cluster(parser: argparse.ArgumentParser) -> None:
    """Have a command take the names of clusters; `only_local` says which of them it may work on."""
    given = os.environ.get
    parser.add_argument("--cluster", default=given("CLUSTER") or "feastflow", help="the local cluster's name")
    parser.add_argument("--context", default=given("CONTEXT") or "", help="refused: only a local cluster")


def only_local(chosen: argparse.Namespace, *, why: str, instead: str, command: str) -> None:
    """Refuse a cluster of the user's, and a name that no local cluster can have.

    `chosen` is what a parser read that has what `cluster` adds. `why` says what would happen there, `instead`
    where it happens; `command` is the `make` command.
    """
    if chosen.context:
        raise UserError(f"CONTEXT is {chosen.context!r}", why, f"unset CONTEXT: {instead} (make up)")
    if not lifecycle.is_name(chosen.cluster):
        raise UserError(
            f"CLUSTER is {chosen.cluster!r}",
            "the local cluster's nodes are named after it",
            f"name one that `make up` has made: {command} CLUSTER=feastflow",
        )


def number(name: str, text: str, most: int, meaning: str, example: int = 5) -> int:
    """Return the whole number from 1 to `most` that the text is, or a refusal."""
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise UserError(
        f"{name} is {text!r}",
        f"it says {meaning}",
        f"take a whole number from 1 to {most}: {name}={example}",
    )


def names(text: str) -> list[str]:
    """Return the names in a text with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]
