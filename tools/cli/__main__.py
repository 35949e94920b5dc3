"""`python -m tools.cli`: what the Makefile calls. `up` is the one to begin with."""

import argparse
import importlib
import os
from collections.abc import Callable

from tools.cli import commands, looking
from tools.cluster import lifecycle, ports
from tools.data import backups, importing, proofs, restoring
from tools.observe import commands as observing
from tools.stacks.options import Options
from tools.toolchain import console
from tools.toolchain.errors import UserError

_COMMANDS: dict[str, Callable[[Options], int | None]] = {
    "up": commands.up,
    "preview": commands.preview,
    "rollback": commands.rollback,
    "adopt": commands.adopt,
    "drift": commands.drift,
    "audit": commands.audit,
    "backups": backups.show,
    "proof": proofs.prove,
    "restore": restoring.run,
    "import-data": importing.run,
    "status": commands.status,
    "logs": looking.logs,
    "trace": looking.trace,
    "shell": commands.shell,
    "observe": observing.observe,
    "unobserve": observing.unobserve,
    "destroy": commands.destroy,
    "down": commands.down,
    "backend": lambda options: _backend("move", options),
    "backend-policy": lambda options: _backend("policy", options),
    "backend-restore": lambda options: _backend("restore", options),
}


def main(arguments: list[str] | None = None) -> int | None:
    """Read the command line and do it; returns the exit code where the command has one of its own."""
    parser = argparse.ArgumentParser(prog="python -m tools.cli", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("--stack", default=os.environ.get("STACK") or "dev", help="the stack (%(default)s)")
    parser.add_argument(
        "--context", default=os.environ.get("CONTEXT"), help="deploy to this context of your kubeconfig"
    )
    parser.add_argument(
        "--cluster", default=os.environ.get("CLUSTER") or "feastflow", help="the local cluster's name"
    )
    parser.add_argument(
        "--port", default=os.environ.get("PORT") or "8080", help="the local edge's port (%(default)s)"
    )
    parser.add_argument("--backend", default=os.environ.get("BACKEND"), help="s3://bucket, or local")
    parser.add_argument("--version", default=os.environ.get("VERSION"), help="the state's version to restore")
    parser.add_argument("--json", action="store_true", help="the report of `drift` for machines")
    chosen = parser.parse_args(arguments)
    options = Options(
        stack=chosen.stack,
        context=chosen.context or None,
        cluster=_cluster(chosen.cluster),
        port=_port(chosen.port),
        backend=chosen.backend or None,
        version=chosen.version or None,
        as_json=chosen.json,
    )
    return _COMMANDS[chosen.command](options)


def _backend(action: str, options: Options) -> None:
    # Only these commands need boto3, which is no part of what `pulumi up` needs.
    try:
        backend = importlib.import_module("tools.cli.backend")
    except ModuleNotFoundError as missing:
        raise UserError(
            f"the package {missing.name} is not in .venv",
            "buckets and keys are made with it",
            "install what development needs: .venv/bin/pip install --require-hashes -r requirements-dev.txt",
        ) from missing
    command: Callable[[Options], None] = getattr(backend, action)
    command(options)


def _cluster(text: str) -> str:
    if lifecycle.is_name(text):
        return text
    raise UserError(
        f"CLUSTER is {text!r}",
        "the local cluster's nodes are named after it",
        "take lower-case letters, digits, dots and hyphens, 49 at most: make up CLUSTER=feastflow-2",
    )


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= ports.LAST:
        return int(text)
    raise UserError(
        f"PORT is {text!r}",
        "the site is served on that port of 127.0.0.1",
        f"name a port from 1 to {ports.LAST}: make up PORT=8081",
    )


if __name__ == "__main__":
    console.run(main)
