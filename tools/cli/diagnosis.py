"""The diagnosis of an update that failed: what the cluster says, added to what Pulumi said."""

import datetime as dt
import json
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.cli import reasons
from tools.cli.reasons import Object, Trouble
from tools.cli.watch import Watch
from tools.stacks.target import Target
from tools.toolchain import process
from tools.toolchain.console import Step
from tools.toolchain.errors import UserError
from tools.toolchain.kubectl import Kubectl

_NAMESPACE = "feastflow:namespace"
_PATIENCE = 10.0
_EVERY_SECONDS = 3.0
_clock = time.monotonic
_GIVEN_UP = "what the update waited for cannot come, so it was given up after {seconds:.0f} s"


@dataclass(kw_only=True)
class Waiting:
    """An update under way, and what is known of the pods that it waits for."""

    begun: float
    awaited: Collection[str] = ()
    given_up: float | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def hopeless(self, awaited: Collection[str]) -> bool:
        """Note what is awaited now, and return whether it cannot come."""
        self.awaited = awaited
        return self.given_up is not None

    def follow(self, kubectl: Kubectl, step: Step, begun: dt.datetime) -> None:
        """Look at the pods again and again, and tell what keeps them from working, until it is over."""
        watch = Watch(begun=begun)
        while not self._over.wait(_EVERY_SECONDS):
            if not self.awaited:
                continue
            pods, events = _all(kubectl, "pods"), _all(kubectl, "events")
            found = watch.look(pods, events, self.awaited, _clock())
            for text in found.tell:
                step.tell(text)
            if found.hopeless:
                self.given_up = _clock() - self.begun
                return

    def end(self) -> None:
        """Look no more."""
        self._over.set()


@contextmanager
def explained(chosen: Target, config: Mapping[str, Any], step: Step) -> Iterator[Waiting]:
    """Have an update that waits in vain end with the reason of the pods; `config` are the stack's settings.

    While it waits, the step tells what keeps the pods from working; `Waiting.hopeless` says when to give up.

    Raises:
        UserError: as the update was refused, with what the pods say where they say anything.
    """
    begun = dt.datetime.now(tz=dt.UTC).replace(microsecond=0)
    kubectl = chosen.client.within(str(config.get(_NAMESPACE)))
    waiting = Waiting(begun=_clock())
    threading.Thread(target=waiting.follow, args=(kubectl, step, begun), daemon=True).start()
    try:
        yield waiting
    except UserError as refusal:
        seconds = waiting.given_up
        in_vain = seconds is not None or reasons.awaited(refusal.found)
        said = _asked(kubectl, begun) if in_vain else ""
        head = "" if seconds is None else f"\n{_GIVEN_UP.format(seconds=seconds)}"
        if not said and not head:
            raise
        parts = [f"{refusal.found}{head}", *([said] if said else [])]
        raise UserError("\n\n".join(parts), refusal.why, refusal.fix) from refusal
    finally:
        waiting.end()


def _asked(kubectl: Kubectl, since: dt.datetime) -> str:
    found = reasons.troubles(_all(kubectl, "pods"), _all(kubectl, "events"), since)
    return reasons.told(found, {trouble: _last_lines(kubectl, trouble) for trouble in found})


def _all(kubectl: Kubectl, kind: str) -> list[Object]:
    text = _printed(kubectl, "get", kind, "--output", "json")
    items: list[Object] = json.loads(text)["items"] if text else []
    return items


def _last_lines(kubectl: Kubectl, trouble: Trouble) -> list[str]:
    if trouble.container is None or trouble.lines:
        return []
    flags = ["--previous"] if trouble.previous else []
    of = (trouble.name, "--container", trouble.container)
    return _printed(kubectl, "logs", *of, f"--tail={reasons.LINES}", *flags).splitlines()


def _printed(kubectl: Kubectl, *arguments: str) -> str:
    """Return what kubectl prints; nothing where it fails, since the update's own failure is what matters."""
    try:
        return kubectl.output(*arguments, timeout=_PATIENCE)
    except (process.CommandError, OSError):
        return ""
