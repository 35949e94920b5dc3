"""Choices of a user for a command: the stack, and the cluster that it is on."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """The choices; see `python -m tools.cli --help`."""

    stack: str
    context: str | None
    cluster: str
    port: int
    backend: str | None = None
    version: str | None = None
    as_json: bool = False


def suffix(options: Options) -> str:
    """Return what must follow a `make` command so that it is about the same stack on the same cluster."""
    named = {"STACK": options.stack, "CONTEXT": options.context, "CLUSTER": options.cluster}
    usual = {"STACK": "dev", "CLUSTER": "feastflow"}
    if options.context:
        del named["CLUSTER"]
    return "".join(f" {name}={value}" for name, value in named.items() if value and value != usual.get(name))
