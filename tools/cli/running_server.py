"""Question to a PostgreSQL server that runs in a pod: where its data is, of which version, and whose.

Read only, by `kubectl exec`. Where it cannot be asked (no pod is ready, or the user may not), the answer says
why.
"""

import json
import re
from dataclasses import replace

from tools.cli import adopted_pod
from tools.cli.adopted_pod import Manifest
from tools.cli.adopted_server import Seen
from tools.toolchain import process
from tools.toolchain.kubectl import Kubectl

_SECONDS = 30.0
_ENDED = ("Succeeded", "Failed")
# Role and password of the official image are used inside the container alone. The exit code is 0
# whatever is missing: another one is kubectl's, or that of a container without a shell.
SCRIPT = r"""
for each in /usr/lib/postgresql/*/bin; do PATH="$PATH:$each"; done
tab="$(printf '\t')"
sql() {
    PGPASSWORD="${PGPASSWORD:-${POSTGRES_PASSWORD:-}}" PGCONNECT_TIMEOUT=5 \
        psql --no-psqlrc --quiet --no-align --tuples-only --no-password --field-separator="$tab" \
        --username="${POSTGRES_USER:-postgres}" --dbname=postgres --command="$1" 2>/dev/null
}
directory="$(sql 'SHOW data_directory')"
directory="${directory:-${PGDATA:-}}"
real="$(cd "${directory:-/nowhere}" 2>/dev/null && pwd -P)" && directory="$real"
printf 'directory\t%s\n' "$directory"
printf 'major\t%s\n' "$(cat "$directory/PG_VERSION" 2>/dev/null)"
printf 'uid\t%s\n' "$(stat -c %u "$directory" 2>/dev/null)"
for each in "$directory"/pg_wal "$directory"/pg_tblspc/*; do
    if [ -h "$each" ]; then printf 'link\t%s\n' "$each"; fi
done
sql "SELECT 'database', datname, pg_get_userbyid(datdba) FROM pg_database WHERE NOT datistemplate ORDER BY 2"
sql "SELECT 'superuser', rolname FROM pg_roles WHERE rolsuper ORDER BY oid"
exit 0
"""


def ask(kubectl: Kubectl, server: Manifest, claim: str) -> Seen:
    """Ask the ready pod of a StatefulSet; `kubectl` is for its namespace."""
    try:
        pods = json.loads(kubectl.output("get", "pods", "--output", "json"))["items"]
    except process.CommandError as failure:
        return Seen(unseen=f"the pods cannot be listed ({_last(failure)})")
    name = server["metadata"]["name"]
    own = [pod for pod in pods if _owned(pod, name)]
    others = [pod for pod in pods if pod not in own and _uses(pod, claim)]
    ready = [pod for pod in own if _ready(pod)]
    if not ready:
        return Seen(unseen=f"no pod of {name} is ready", others=others)
    pod, spec = ready[0]["metadata"]["name"], ready[0]["spec"]
    container = adopted_pod.container(spec, claim)
    if container is None:
        return Seen(unseen=f"no container of {pod} serves the claim", others=others, pod=spec)
    command = ("exec", "--stdin", pod, "--container", container["name"], "--", "sh", "-s")
    try:
        answer = kubectl.output(*command, stdin=SCRIPT, timeout=_SECONDS)
    except process.CommandError as failure:
        return Seen(unseen=f"{pod} cannot be asked ({_last(failure)})", others=others, pod=spec)
    return replace(told(answer, pod), others=others, pod=spec)


def told(answer: str, pod: str) -> Seen:
    """Return what the script's answer says."""
    rows = [line.split("\t") for line in answer.splitlines()]
    found = {row[0]: row[1] for row in rows if len(row) == 2}  # noqa: PLR2004 - a name and a value
    if not found.get("directory"):
        return Seen(unseen=f"{pod} does not say where its data is")
    databases = {row[1]: row[2] for row in rows if row[0] == "database" and len(row) > 2}  # noqa: PLR2004
    return Seen(
        directory=found["directory"],
        major=_number(found.get("major", "")),
        uid=_number(found.get("uid", "")),
        databases=databases or None,
        superusers=tuple(row[1] for row in rows if row[0] == "superuser"),
        links=tuple(row[1] for row in rows if row[0] == "link"),
    )


def _owned(pod: Manifest, server: str) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(each["kind"] == "StatefulSet" and each["name"] == server for each in owners)


def _uses(pod: Manifest, claim: str) -> bool:
    ended = (pod.get("status") or {}).get("phase") in _ENDED
    return not ended and claim in adopted_pod.claims(pod["spec"])


def _ready(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    is_ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]


def _number(text: str) -> int | None:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else None


def _last(failure: process.CommandError) -> str:
    return failure.tail.strip().rpartition("\n")[2]
