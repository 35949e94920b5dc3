"""Known vulnerabilities of locked packages, as pip-audit and npm tell them, kept with the day.

A package about which a service gives no answer is not one without vulnerabilities: both are counted.
"""

import datetime as dt
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tools.toolchain import environment, process
from tools.versions.pinned import ROOT, packages

FILE = Path(__file__).with_name("audits.json")
_LOCK = Path(__file__).with_name("requirements.txt")
_SECONDS = 600
# The rest of a long message is a page or a trace.
_LONGEST = 160


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The outcome of asking about a lock file.

    `answered` of `packages` had an answer; `found` are `package version: identifier, fixed in …`; `refused`
    is what the service said when it said no.
    """

    asked: str
    service: str
    packages: int
    answered: int
    found: tuple[str, ...] = ()
    refused: str = ""

    @property
    def told(self) -> str:
        """The outcome in a few words."""
        if not self.answered:
            return f"no answer ({self.service}: {self.refused})"
        known = f"{len(self.found)} known vulnerabilities in {self.answered} of {self.packages} packages"
        return known if not self.found else f"{known}: {'; '.join(self.found)}"


def load() -> dict[str, Audit]:
    """Return the last audit of each lock file."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    return {lock: Audit(**{**each, "found": tuple(each["found"])}) for lock, each in kept.items()}


def save(audits: Mapping[str, Audit]) -> None:
    """Keep them."""
    FILE.write_text(
        json.dumps({lock: asdict(each) for lock, each in audits.items()}, indent=1) + "\n", "utf-8"
    )


def audit(lock: str, today: dt.date) -> Audit:
    """Ask about every package of a lock file, by the client of its registry."""
    return (_npm if lock.endswith(".json") else _python)(lock, today)


def _python(lock: str, today: dt.date) -> Audit:
    program = environment.of(_LOCK) / "bin" / "pip-audit"
    options = ["--requirement", str(ROOT / lock), "--require-hashes", "--disable-pip", "--format", "json"]
    return of_pip_audit(process.ended([str(program), *options], timeout=_SECONDS), packages(lock), today)


def of_pip_audit(ended: process.Ended, known: int, today: dt.date) -> Audit:
    """Read pip-audit's report; it exits with 1 when it found something."""
    try:
        listed = json.loads(ended.out)["dependencies"]
    except ValueError:
        return _refused("PyPI's JSON API", ended.err, known, today)
    answered = [each for each in listed if "skip_reason" not in each]
    return Audit(
        asked=today.isoformat(),
        service="PyPI's JSON API",
        packages=known,
        answered=len(answered),
        found=tuple(
            f"{each['name']} {each['version']}: {said['id']}, fixed in {' or '.join(said['fix_versions'])}"
            for each in answered
            for said in each["vulns"]
        ),
        refused="" if answered else "it has no data of these packages",
    )


def _npm(lock: str, today: dt.date) -> Audit:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile((ROOT / lock).with_name(name), Path(folder, name))
        ended = process.ended(["npm", "audit", "--json"], cwd=Path(folder), timeout=_SECONDS)
    return of_npm(ended, packages(lock), today)


def of_npm(ended: process.Ended, known: int, today: dt.date) -> Audit:
    """Read npm's report; it exits with 1 when it found something, and when it was refused."""
    try:
        report: dict[str, Any] = json.loads(ended.out)
    except ValueError:
        return _refused("npm's advisories", ended.err, known, today)
    if "vulnerabilities" not in report:
        return _refused("npm's advisories", str(report.get("message", ended.err)), known, today)
    return Audit(
        asked=today.isoformat(),
        service="npm's advisories",
        packages=known,
        answered=known,
        found=tuple(
            f"{name} {each['range']}: {each['severity']}" for name, each in report["vulnerabilities"].items()
        ),
    )


def _refused(service: str, said: str, known: int, today: dt.date) -> Audit:
    last = (said.strip().splitlines() or ["it said nothing"])[-1]
    return Audit(
        asked=today.isoformat(), service=service, packages=known, answered=0, refused=last[:_LONGEST]
    )
