"""What the cluster says of an update that failed, added to what Pulumi said of it."""

import datetime as dt
import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from local import reasons
from local.reasons import Object, Trouble
from local.target import Target
from toolchain import process
from toolchain.refusal import Refusal

_NAMESPACE = "feastflow:namespace"
_PATIENCE = 10.0


@contextmanager
def explained(chosen: Target, config: Mapping[str, Any]) -> Iterator[None]:
    """Let an update that waited in vain end with the reason of the pods; `config` are the stack's settings.

    Raises:
        Refusal: as the update was refused, with what the pods say where they say anything.
    """
    begun = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
    try:
        yield
    except Refusal as refusal:
        said = _asked(chosen, str(config.get(_NAMESPACE)), begun) if reasons.awaited(refusal.found) else ""
        if not said:
            raise
        raise Refusal(f"{refusal.found}\n\n{said}", refusal.why, refusal.fix) from refusal


def _asked(chosen: Target, namespace: str, since: dt.datetime) -> str:
    kubectl = [*shlex.split(chosen.kubectl_command()), "--namespace", namespace]
    found = reasons.troubles(_all(kubectl, "pods"), _all(kubectl, "events"), since)
    return reasons.told(found, {trouble: _last_lines(kubectl, trouble) for trouble in found})


def _all(kubectl: Sequence[str], kind: str) -> list[Object]:
    text = _printed([*kubectl, "get", kind, "--output", "json"])
    items: list[Object] = json.loads(text)["items"] if text else []
    return items


def _last_lines(kubectl: Sequence[str], trouble: Trouble) -> list[str]:
    if trouble.container is None or trouble.lines:
        return []
    flags = ["--previous"] if trouble.previous else []
    of = [trouble.name, "--container", trouble.container]
    command = [*kubectl, "logs", *of, f"--tail={reasons.LINES}", *flags]
    return _printed(command).splitlines()


def _printed(command: Sequence[str]) -> str:
    """What kubectl prints; nothing where it fails, since the update's own failure is what matters."""
    try:
        return process.output(command, timeout=_PATIENCE)
    except (process.CommandError, OSError):
        return ""
