"""The reports that pytest leaves of a lane: how many tests passed, and which did not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Tests by outcome; `failing` has node ids, each once, those whose fixtures or files failed included."""

    passed: int = 0
    skipped: int = 0
    failing: tuple[str, ...] = ()

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            passed=self.passed + other.passed,
            skipped=self.skipped + other.skipped,
            failing=tuple(dict.fromkeys((*self.failing, *other.failing))),
        )


def read(folder: Path) -> Counts:
    """Sum the reports in the folder. One that was cut short counts as none: its lane has failed anyway."""
    return sum((_of(case) for report in sorted(folder.glob("*.xml")) for case in _cases(report)), Counts())


def _cases(report: Path) -> Iterator[ET.Element]:
    try:
        document = ET.parse(report)  # noqa: S314 - written by our own pytest
    except ET.ParseError:
        return
    yield from document.iter("testcase")


def _of(case: ET.Element) -> Counts:
    if case.find("failure") is not None or case.find("error") is not None:
        return Counts(failing=(_node_id(case),))
    if case.find("skipped") is not None:
        return Counts(skipped=1)
    return Counts(passed=1)


def _node_id(case: ET.Element) -> str:
    """Put the node id together: the report has the file, the class with its module, and the name apart."""
    file, name = case.get("file", ""), case.get("name", "")
    owner = case.get("classname", "")
    if not owner:  # a file that cannot be collected
        return file or name
    module = file.removesuffix(".py").replace("/", ".")
    classes = owner.removeprefix(module).strip(".").split(".")
    return "::".join(part for part in (file, *classes, name) if part)
