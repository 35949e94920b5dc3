"""What a person may ask of drills and benchmarks: the local cluster, whole numbers, names with commas."""

from cluster import lifecycle
from toolchain.refusal import Refusal


def only_local(context: str, cluster: str, *, why: str, instead: str, command: str) -> None:
    """Refuse a cluster of the user's, and a name that no local cluster can have.

    `why` says what would happen there, `instead` where it happens; `command` is the `make` command.
    """
    if context:
        raise Refusal(f"CONTEXT is {context!r}", why, f"leave CONTEXT away: {instead} (make up)")
    if not lifecycle.is_name(cluster):
        raise Refusal(
            f"CLUSTER is {cluster!r}",
            "the local cluster's nodes are named after it",
            f"name one that `make up` has made: {command} CLUSTER=feastflow",
        )


def number(name: str, text: str, most: int, meaning: str, example: int = 5) -> int:
    """The whole number from 1 to `most` that the text is, or a refusal."""
    if text.isdecimal() and 1 <= int(text) <= most:
        return int(text)
    raise Refusal(
        f"{name} is {text!r}",
        f"it says {meaning}",
        f"take a whole number from 1 to {most}: {name}={example}",
    )


def names(text: str) -> list[str]:
    """The names in a text with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]
