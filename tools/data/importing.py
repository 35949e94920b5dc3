"""`make import-data`: another database's data into the stack's own, whole or not at all.

A pod of the stack's namespace writes it, as the stack's own login, in one transaction: a command that is cut
off leaves nothing. Rows pass through this machine only where they come from a file or from a pod.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import IO, Any

from components.settings.values import hosts
from components.settings.values.hosts import Kind
from tools.data import import_objects, import_source
from tools.data.import_objects import NAME
from tools.data.import_source import Dump, Pod, Server, Source
from tools.stacks import scope, workspace
from tools.stacks.options import Options, suffix
from tools.stacks.workspace import Config
from tools.toolchain import process
from tools.toolchain.console import say
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_STARTED_SECONDS, _SECONDS = 180, 86400
# On the server's own socket, as who made it; the official image says whom, and which database.
_DUMP = """set -eu
PATH="$PATH:$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)"
database="${1:-${POSTGRES_DB:-}}"
if [ -z "$database" ]; then
    echo "the pod names no database in POSTGRES_DB: name it, as in FROM=namespace/pod/database" >&2
    exit 1
fi
exec pg_dump --username="${POSTGRES_USER:-postgres}" --no-password --format=plain --no-owner \\
    --no-privileges --no-publications --no-subscriptions "$database"
"""


def run(options: Options) -> None:
    """Import what FROM names into the database of the stack.

    Raises:
        UserError: where it cannot be, with the reason; the database is then as it was.
    """
    settings = workspace.settings(options.stack)
    source = import_source.read(os.environ.get("FROM", ""), os.environ)
    with scope.alone(options) as chosen:
        client = chosen.client.within(str(settings["feastflow:namespace"]))
        try:
            bring(client, source, replaced(), settings, options.stack)
        except process.CommandError as failure:
            raise UserError(
                f"the import could not be run: {process.last_words(failure)}",
                "an import that has not ended has changed nothing",
                f"see why: {client} describe job {NAME}",
            ) from failure
    say(
        "a schema of an older version is migrated by the next deployment:\n"
        "  pulumi config set --path feastflow:backend.migrations.attempt 2 (one more than it is), "
        f"make up{suffix(options)}"
    )


def replaced() -> str:
    """Return the tables that REPLACE names, with commas between them."""
    return ",".join(each.strip() for each in os.environ.get("REPLACE", "").split(",") if each.strip())


def bring(client: Kubectl, source: Source, replaced: str, config: Config, stack: str) -> None:
    """Import the source into the database of a stack's namespace; the tables `replaced` lose their rows.

    Raises:
        UserError: where it fails; the database is then as it was.
        CommandError: where the cluster does not do what is asked.
    """
    none_is_under_way(client)
    made = import_objects.model(_list(client, "jobs", "--selector", "component=roles"), stack)
    password = source.password if isinstance(source, Server) else ""
    domain = str(workspace.section(config, "cluster").get("domain") or "cluster.local")
    peers = _peers(source, domain) if isinstance(source, Server) else []
    verb = "fetch" if isinstance(source, Server) else "wait"
    told = source.variables if isinstance(source, Server) else {}
    job = import_objects.job(made, verb, replaced, told, secret=bool(password))
    client.output("delete", "job", NAME, "--ignore-not-found", "--cascade=foreground", timeout=120)
    owner = json.loads(client.output("create", "--filename", "-", "--output", "json", stdin=json.dumps(job)))
    try:
        port = source.port if isinstance(source, Server) else 0
        needs = import_objects.owned(owner, import_objects.major(made), password, peers, port)
        document = {"apiVersion": "v1", "kind": "List", "items": needs}
        client.output("create", "--filename", "-", stdin=json.dumps(document))
        say(f"import of {source} into {client.command[-1]}: one transaction, and nothing stays if it fails")
        if isinstance(source, Server):
            _follow(client)
        else:
            wanted = ("--for=condition=Ready", "pod", "--selector", import_objects.SELECTOR)
            client.output("wait", *wanted, f"--timeout={_STARTED_SECONDS}s", timeout=_STARTED_SECONDS + 10)
            _stream(client, source)
    finally:
        # Its Secret goes with it. An import that still runs ends with its transaction.
        client.ended("delete", "job", NAME, "--ignore-not-found", "--wait=false")


def none_is_under_way(client: Kubectl) -> None:
    """Refuse to go on while one is, from here or from another machine."""
    found = [each for each in _list(client, "jobs") if each["metadata"]["name"] == NAME]
    if any((each.get("status") or {}).get("active") for each in found):
        raise UserError(
            f"an import is under way since {found[0]['metadata'].get('creationTimestamp')}",
            "two would replace each other's tables",
            f"watch it: {client} logs --follow job/{NAME}; or end it, and it leaves nothing: "
            f"{client} delete job {NAME}",
        )


def _follow(client: Kubectl) -> None:
    """Show what the pod says until it has ended, and end as it did."""
    _started(client)
    process.stream([*client.command, "logs", "--follow", f"job/{NAME}"], each=say, timeout=_SECONDS)
    for kind, fine in (("Complete", True), ("Failed", False)):
        ended = client.ended("wait", f"--for=condition={kind}", f"job/{NAME}", "--timeout=10s", timeout=30)
        if ended.code == 0 and fine:
            return
    raise _failed()


def _started(client: Kubectl) -> None:
    """Wait until the pod has something to say, or has ended already."""
    ends = time.monotonic() + _STARTED_SECONDS
    waiting = "the pod is not made"
    while time.monotonic() < ends:
        for pod in _list(client, "pods", "--selector", import_objects.SELECTOR):
            for status in (pod.get("status") or {}).get("containerStatuses") or ():
                if not status["state"].get("waiting"):
                    return
                waiting = str(status["state"]["waiting"].get("reason"))
        time.sleep(1)
    raise UserError(
        f"the import's pod did not start in {_STARTED_SECONDS} s: {waiting}",
        "nothing was imported",
        f"see why: {client} describe pods --selector {import_objects.SELECTOR}",
    )


def _stream(client: Kubectl, source: Pod | Dump) -> None:
    """Hand the dump to the pod as it is read, and end as the pod does."""
    taking = [*client.command, "exec", "--stdin", f"job/{NAME}", "--container", "import"]
    with ExitStack() as opened:
        begin, reading = _opened(client, source, opened)
        ended = subprocess.run(
            [*taking, "--", *import_objects.COMMAND, "take"], stdin=begin, check=False, timeout=_SECONDS
        )
    if reading is not None and reading.wait(timeout=60) and ended.returncode == 0:
        raise _failed()
    if ended.returncode:
        raise _failed()


def _opened(
    client: Kubectl, source: Pod | Dump, opened: ExitStack
) -> tuple[IO[bytes], subprocess.Popen[bytes] | None]:
    if isinstance(source, Dump):
        return opened.enter_context(source.path.open("rb")), None
    command = [*client.command[:-2], "--namespace", source.namespace, "exec", source.pod, "--"]
    reading = subprocess.Popen(
        [*command, "sh", "-c", _DUMP, "sh", source.database], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    opened.callback(reading.terminate)
    assert reading.stdout  # noqa: S101 - PIPE was asked for
    return opened.enter_context(reading.stdout), reading


def _peers(source: Server, domain: str) -> list[dict[str, Any]]:
    """Return the way to a server: to its namespace, or to the addresses that its name has here."""
    found = hosts.read(source.host, domain) if not import_source.is_address(source.host) else None
    if found and found.kind is Kind.CLUSTER:
        return [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": found.namespace}}}]
    try:
        known = socket.getaddrinfo(source.host, source.port, type=socket.SOCK_STREAM)
    except OSError as failure:
        raise UserError(
            f"the host {source.host} of FROM has no address here",
            "a policy opens addresses, and the import's pod could reach none",
            "name it by its address, or a Service as name.namespace.svc",
        ) from failure
    addresses = sorted({str(each[4][0]) for each in known})
    return [{"ipBlock": {"cidr": f"{each}/{128 if ':' in each else 32}"}} for each in addresses]


def _list(client: Kubectl, *words: str) -> Sequence[dict[str, Any]]:
    found: dict[str, Any] = json.loads(client.output("get", *words, "--output", "json"))
    return list(found["items"])


def _failed() -> UserError:
    return UserError(
        "the import failed, and the lines above say why",
        "it is one transaction: the database is as it was",
        "change what they name, and run it again",
    )
