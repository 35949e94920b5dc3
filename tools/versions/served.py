"""The newest versions that the registries serve, asked by their own clients and kept with the day.

Not a goal: every version that exists. A registry may serve a part of them, and what it lists may be less than
what it gives by name.
"""

import contextlib
import datetime as dt
import json
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.toolchain import process
from tools.versions.component import Component, Registry

FILE = Path(__file__).with_name("served.json")
NOT_TOLD = "not told"
_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Served:
    """The registries' answers: the newest version by question, and the day."""

    asked: dt.date
    newest: Mapping[str, str]

    def of(self, component: Component) -> str:
        """Return the newest version of a component; `not told` where the registry refused."""
        return self.newest.get(component.asked, NOT_TOLD)


def load() -> Served:
    """Return what was said when it was asked last."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return Served(asked=dt.date.fromisoformat(kept["asked"]), newest=kept["newest"])


def ask(components: Sequence[Component], today: dt.date, note: Callable[[str], None]) -> Served:
    """Ask for every component; what is refused or cannot be asked here is not told."""
    newest = {}
    for component in components:
        note(component.asked)
        newest[component.asked] = NOT_TOLD
        if component.registry not in _ASK:
            continue
        with contextlib.suppress(process.CommandError, FileNotFoundError):
            newest[component.asked] = _ASK[component.registry](component)
    return Served(asked=today, newest=newest)


def save(served: Served) -> None:
    """Keep what was said."""
    kept = {"asked": served.asked.isoformat(), "newest": dict(sorted(served.newest.items()))}
    FILE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def newest_of(versions: Sequence[str]) -> str:
    """Return the newest release; pre-releases do not count."""
    numbered = [version.removeprefix("v") for version in versions]
    releases = [version for version in numbered if _RELEASE.fullmatch(version)]
    return max(releases, key=lambda version: tuple(map(int, version.split("."))), default=NOT_TOLD)


def _go(component: Component) -> str:
    try:
        listed = _said("go", "list", "-m", "-versions", component.package).split()[1:]
    except process.CommandError:
        listed = []
    # A list may lack what is pinned, and may be refused where a version by name is not.
    newest = newest_of([*listed, component.pinned])
    return (
        newest if component.package == "go" else newest_of([newest, *_following(component.package, newest)])
    )


def _following(module: str, version: str) -> list[str]:
    """Return those of a few releases that may follow a version which are there."""
    found = []
    major, minor, patch = (*map(int, version.split(".")), 0, 0)[:3]
    for more, number in ((0, patch + 1), (1, 0), (1, 1), (2, 1)):
        candidate = f"{major}.{minor + more}.{number}"
        with contextlib.suppress(process.CommandError):
            _said("go", "list", "-m", f"{module}@v{candidate}")
            found.append(candidate)
    return found


def _npm(component: Component) -> str:
    return _said("npm", "view", component.package, "version").strip()


def _pypi(component: Component) -> str:
    said = _said(sys.executable, "-m", "pip", "index", "versions", component.package)
    found = re.search(r"\(([\w.]+)\)", said)
    return found[1] if found else NOT_TOLD


def _debian(component: Component) -> str:
    found = re.search(r"Candidate: (\S+)", _said("apt-cache", "policy", component.package))
    return found[1] if found else NOT_TOLD


def _said(*command: str) -> str:
    # In an empty folder, where no go.mod and no settings of a project are found.
    with tempfile.TemporaryDirectory() as folder:
        return process.output(list(command), cwd=Path(folder), timeout=_SECONDS)


# Maven resolves a version that it is given, and lists none.
_ASK: Mapping[Registry, Callable[[Component], str]] = {
    "go": _go,
    "npm": _npm,
    "pypi": _pypi,
    "debian": _debian,
}
