"""Releases of the dev stack from a checkout of their own, and the versions that answer meanwhile."""

import copy
import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import yaml

from .kube import Object
from .product import Product
from .running import CommandError, Ran
from .site import Site
from .waiting import meanwhile

Section = Object | list[Object]

_MOST_QUESTIONS = 20_000
_PAUSE = 0.02
_API, _PAGE = "/api/status", "/"


@dataclass(frozen=True, kw_only=True)
class Releases:
    """A second checkout, whose dev stack is `config` with other settings each time."""

    clone: Product
    config: Object

    def attempt(self, **sections: Section) -> Ran:
        """Run `make up` with these settings over the checkout's own."""
        config = copy.deepcopy(self.config)
        for name, changes in sections.items():
            key = f"policies:{name}" if name in ("levels", "exemptions") else f"feastflow:{name}"
            config[key] = {**config.get(key, {}), **changes} if isinstance(changes, dict) else changes
        path = self.clone.root / "Pulumi.dev.yaml"
        path.write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
        return self.clone.local("up")

    def up(self, **sections: Section) -> Ran:
        """Run `attempt`, which must succeed."""
        ran = self.attempt(**sections)
        if ran.code != 0:
            raise CommandError(ran)
        return ran


@dataclass
class Seen:
    """Counts of the API's answers by version, of the page's answers, and of failures as `path status`."""

    versions: Counter[str] = field(default_factory=Counter)
    pages: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def only(self, *names: str) -> bool:
        """Return True if all of these versions answered, no other did, and no request failed."""
        return set(self.versions) == set(names) and not self.failures

    def part(self, name: str) -> float:
        """Return that version's share of the API's answers, in percent."""
        return 100 * self.versions[name] / self.versions.total()

    def __str__(self) -> str:
        failed = self.failures.total()
        asked = self.versions.total() + self.pages + failed
        return f"{failed} of {asked} requests failed, {dict(self.versions + self.failures)}"


@contextmanager
def seen(site: Site) -> Iterator[Seen]:
    """Ask the API for its version, and now and then for the page, while the block runs."""
    found = Seen()

    def keep_asking(over: threading.Event) -> None:
        for number in range(_MOST_QUESTIONS):
            _ask(site, _PAGE if number % 4 == 0 else _API, found)
            if over.wait(_PAUSE):
                break

    with meanwhile(keep_asking):
        yield found


def asked(site: Site, times: int) -> Seen:
    """Send so many requests to the API, and return which versions answered."""
    found = Seen()
    for _ in range(times):
        _ask(site, _API, found)
    return found


def _ask(site: Site, path: str, found: Seen) -> None:
    try:
        answer = site.ask(path, timeout=2)
        if answer.status != http.client.OK:
            found.failures[f"{path} {answer.status}"] += 1
        elif path == _PAGE:
            found.pages += 1
        else:
            found.versions[str(answer.json["version"])] += 1
    except (OSError, http.client.HTTPException, ValueError) as problem:
        found.failures[f"{path} {type(problem).__name__}"] += 1
