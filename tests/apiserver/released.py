"""The state of each stack as the newest release leaves it, kept for the tests of what comes after.

`.venv/bin/python -m tests.apiserver.released`, in a clone of the released commit, deploys both stacks to an
API server of its own and writes what Pulumi recorded below `tests/delivery/released`. The passwords in it
were those of databases that never ran.
"""

import gzip
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.toolchain import console

from . import edge, server, teams

FOLDER = Path(__file__).parents[1] / "delivery" / "released"
STACKS = ("dev", "prod")


def main() -> None:
    """Deploy the stacks and write their states, the same for the same state."""
    FOLDER.mkdir(exist_ok=True)
    with (
        TemporaryDirectory() as room,
        server.running() as made,
        edge.answering(made.known.certificate, made.known.key) as answered,
    ):
        office = teams.opened(made, answered, Path(room), cluster=f"nodeless-{os.getpid()}")
        for name in STACKS:
            team = office.team(name, like=name)
            console.say(team.product.done("up").out)
            exported = team.product.shell(f"pulumi stack export --show-secrets --stack {name}").out
            kept = json.dumps(_anywhere(json.loads(exported)), sort_keys=True)
            (FOLDER / f"{name}.json.gz").write_bytes(gzip.compress(kept.encode(), mtime=0))


def _anywhere(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state without what is of this machine: the key of its secrets, and where its program is."""
    state["deployment"].pop("secrets_providers", None)
    for resource in state["deployment"]["resources"]:
        for key in ("sourcePosition", "stackTrace"):
            resource.pop(key, None)
        if resource["type"] == "pulumi:providers:kubernetes":
            for found in (resource["inputs"], resource["outputs"]):
                found.pop("kubeconfig", None)
    return state


if __name__ == "__main__":
    main()
