"""`make versions`: a row for every pin, ends of support by their day, and a page that is what it says."""

import datetime as dt
import json
import re
from dataclasses import replace

import pytest

from tools.toolchain import golang, pins, process
from tools.versions import __main__ as command
from tools.versions import audits, page, pinned, served, support, table
from tools.versions.component import Component
from tools.versions.served import Served
from tools.versions.support import Standing, Support

from .fakes import ROOT, Machine

_TODAY = dt.date(2026, 11, 30)
_PART = Component(
    key="part", name="Part", pinned="1.4.2", place="go.mod", registry="go", package="example.org/part"
)
# What moves with Kubernetes at its version, and has no release of its own.
_OF_KUBERNETES = re.compile(r"k8s\.io/|example\.org/")
# Parts of the collector at its version, and what its main says things by.
_OF_COLLECTOR = re.compile(r"go\.opentelemetry\.io/|github\.com/open-telemetry/|go\.uber\.org/zap$")
# Small parts of other programs, at the versions that those are written against.
_WITH_OTHERS = {
    "github.com/pulumi/pulumi-kubernetes/provider/v4",
    "github.com/terraform-providers/terraform-provider-random/randomshim",
    "github.com/google/cel-go",
}


def _direct(text: str) -> set[str]:
    return set(re.findall(r"^(?:\t|require )(\S+\.\S+/\S+) v\S+$", text, re.MULTILINE))


def _rows(components: list[Component], newest: dict[str, str], **known: Support) -> list[table.Row]:
    return table.rows(components, Served(asked=_TODAY, newest=newest), known, _TODAY)


def test_every_module_that_programs_are_compiled_from_has_a_row() -> None:
    rows = {component.package for component in pinned.components()}
    builds = (
        *pins.ALL_BUILDS,
        *pins.TEST_BUILDS,
        *pins.OBSERVE_BUILDS,
        *pins.STORE_BUILDS,
        *pins.BENCH_BUILDS,
    )
    texts = [(golang.MODULES / build.module / "go.mod").read_text() for build in builds]
    others = (_OF_KUBERNETES, _OF_COLLECTOR)
    modules = {
        module for text in texts for module in _direct(text) if not any(part.match(module) for part in others)
    }

    assert len(modules) > 15
    assert modules - rows - _WITH_OTHERS == set()


def test_every_version_that_pins_name_is_that_of_a_row() -> None:
    versions = {component.pinned for component in pinned.components()}
    named = dict(
        re.findall(r'^([A-Z_]+) = "([\d.]+)"$', (ROOT / "tools/toolchain/pins.py").read_text(), re.MULTILINE)
    )

    assert len(named) >= 8
    assert {name for name, version in named.items() if version not in versions} == set()


def test_every_lock_and_everything_asked_for_by_its_version_has_a_row() -> None:
    locks = {
        str(path.relative_to(ROOT))
        for pattern in ("requirements*.txt", "barman.txt", "package-lock.json")
        for folder in ("demo", "tests", "tools", ".")
        for path in (ROOT / folder).glob(pattern if folder == "." else f"**/{pattern}")
        if "node_modules" not in path.parts
    }
    rows = {component.package for component in pinned.components()}
    asked = {
        name
        for lock in locks
        if lock.endswith(".txt")
        for name in re.findall(
            r"^([\w-]+)==", (ROOT / lock).with_suffix(".in").read_text(encoding="utf-8"), re.MULTILINE
        )
    }

    assert set(pinned.LOCKS) == locks
    assert asked - rows - {"pydantic", "cryptography"} == set(), (
        "pydantic and cryptography are in the lock's row"
    )


def test_every_row_is_known_to_the_data_and_the_data_has_no_other() -> None:
    components = pinned.components()
    known, said = support.load(), served.load()

    assert set(known) == {component.key for component in components}
    assert set(said.newest) == {component.asked for component in components}
    assert len(table.rows(components, said, known, said.asked)) == len(components)


def test_what_is_said_of_a_support_has_its_page_and_the_day_on_which_it_was_read() -> None:
    for key, known in support.load().items():
        if known.ends or known.rule:
            assert known.source.startswith("https://"), key
            assert known.read is not None, key


def test_the_page_is_what_the_pins_and_the_data_make() -> None:
    components, said = pinned.components(), served.load()
    rows = table.rows(components, said, support.load(), said.asked)

    assert page.FILE.read_text(encoding="utf-8") == page.text(rows, audits.load(), said.asked), (
        "run: make versions"
    )
    assert set(audits.load()) == set(pinned.LOCKS)
    for lock, audit in audits.load().items():
        assert audit.packages == pinned.packages(lock), f"{lock} was changed after its audit: AUDIT=yes"


@pytest.mark.parametrize(
    ("end", "standing"),
    [
        (dt.date(2026, 11, 29), Standing.ENDED),
        (_TODAY, Standing.SOON),
        (dt.date(2027, 2, 28), Standing.SOON),
        (dt.date(2027, 3, 1), Standing.SUPPORTED),
        ("when 3.8 is released", Standing.SUPPORTED),
        ("ended with 3.6", Standing.ENDED),
        (support.NOT_PUBLISHED, Standing.UNKNOWN),
    ],
)
def test_support_ends_soon_within_ninety_days(end: dt.date | str, standing: Standing) -> None:
    assert support.standing(end, _TODAY) is standing


def test_a_version_has_the_end_of_its_own_line() -> None:
    known = Support(ends={"1.4": _TODAY, "1.40": "ended with 1.41", "2": "when 3 is released"})

    assert [known.end(version) for version in ("1.4.2", "1.40.0", "2.7.1", "2")] == [
        _TODAY,
        "ended with 1.41",
        "when 3 is released",
        "when 3 is released",
    ]
    with pytest.raises(LookupError, match=r"no line of 1\.5\.0"):
        known.end("1.5.0")
    assert Support().end("1.5.0") == support.NOT_PUBLISHED


@pytest.mark.parametrize(
    ("newest", "is_newer"),
    [
        ("1.4.3", True),
        ("1.10.0", True),
        ("2.0", True),
        ("1.4.2", False),
        ("1.4.1", False),
        ("not told", False),
    ],
)
def test_a_later_release_is_newer_by_its_numbers(newest: str, is_newer: bool) -> None:  # noqa: FBT001 - a case
    assert support.is_newer(newest, _PART) is is_newer


def test_a_patch_of_the_line_that_is_pinned_is_not_newer() -> None:
    assert not support.is_newer("15.20-0+deb12u1", replace(_PART, pinned="15"))
    assert not support.is_newer("1.6.20~ds1-1+deb12u3", replace(_PART, pinned="1.6"))
    assert support.is_newer("16.1", replace(_PART, pinned="15"))


def test_a_newer_release_has_its_reason_or_is_not_tried_yet() -> None:
    newest = {_PART.asked: "1.5.0"}
    (told,) = _rows([_PART], newest, part=Support(why={"1.4": "the last with hinges"}))
    (silent,) = _rows([_PART], newest, part=Support(why={"1.3": "the last with hinges"}))
    (current,) = _rows([_PART], {_PART.asked: "1.4.2"}, part=Support(why={"1.4": "the last with hinges"}))

    assert (told.why, silent.why, current.why) == ("the last with hinges", table.NOT_TRIED, "")


def test_a_component_without_data_is_an_error() -> None:
    with pytest.raises(LookupError):
        _rows([_PART], {})


def test_the_table_fits_a_hundred_columns_and_marks_what_ends() -> None:
    said = served.load()
    rows = table.rows(pinned.components(), said, support.load(), said.asked)
    lines = list(table.lines(rows, audits.load(), said.asked))

    assert max(map(len, lines)) <= 100
    ended = table.rows([_PART], said, {"part": Support(ends={"1": dt.date(2020, 1, 1)})}, _TODAY)
    soon = table.rows([_PART], said, {"part": Support(ends={"1": dt.date(2027, 1, 1)})}, _TODAY)
    assert [list(table.lines(row, {}, _TODAY))[1][:7] for row in (ended, soon)] == ["!! Part", "!  Part"]


@pytest.mark.parametrize(
    ("listed", "newest"),
    [
        (["v1.9.0", "v1.10.0", "v1.11.0-rc.1", "v2.0.0+incompatible"], "1.10.0"),
        (["3.0.0a1"], served.NOT_TOLD),
        ([], served.NOT_TOLD),
    ],
)
def test_the_newest_is_the_highest_release(listed: list[str], newest: str) -> None:
    assert served.newest_of(listed) == newest


def test_registries_are_asked_by_their_own_clients_and_a_refusal_is_not_told(machine: Machine) -> None:
    machine.program(
        "go",
        """case "$*" in
        *"-versions example.org/part") echo "example.org/part v1.4.0 v1.5.0" ;;
        *part@v1.6.1) ;;
        *) echo 403 >&2; exit 1 ;; esac""",
    )
    machine.program("npm", "echo 22.1.0")
    machine.program("apt-cache", "echo '  Candidate: 1.6.20~ds1'")
    asked = [
        _PART,
        replace(_PART, package="example.org/other"),
        replace(_PART, registry="npm", package="node"),
        replace(_PART, registry="debian", package="containerd"),
    ]
    said = served.ask(asked, _TODAY, lambda _: None)

    assert [said.of(each) for each in asked] == ["1.6.1", "1.4.2", "22.1.0", "1.6.20~ds1"]
    assert machine.calls("npm") == ["view node version"]
    (machine.bin / "npm").unlink()
    assert served.ask(asked[2:3], _TODAY, lambda _: None).of(asked[2]) == served.NOT_TOLD


def _ended(out: object, err: str = "") -> process.Ended:
    return process.Ended(code=1, out=out if isinstance(out, str) else json.dumps(out), err=err)


def test_a_package_without_an_answer_is_not_one_without_vulnerabilities() -> None:
    skipped = {"name": "a", "skip_reason": "Dependency not found on PyPI"}
    vulnerable = {"name": "b", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
    none = audits.of_pip_audit(_ended({"dependencies": [skipped]}), 1, _TODAY)
    some = audits.of_pip_audit(_ended({"dependencies": [skipped, vulnerable]}), 2, _TODAY)

    assert none.told == "no answer (PyPI's JSON API: it has no data of these packages)"
    assert some.told == "1 known vulnerabilities in 1 of 2 packages: b 1.0: PYSEC-1, fixed in 1.1"


def test_npms_report_and_its_refusal_are_read() -> None:
    refused = audits.of_npm(_ended({"message": "405 Method Not Allowed"}), 59, _TODAY)
    found = audits.of_npm(
        _ended({"vulnerabilities": {"next": {"range": "<15.6", "severity": "high"}}}), 59, _TODAY
    )
    clean = audits.of_npm(_ended({"vulnerabilities": {}}), 59, _TODAY)
    broken = audits.of_npm(_ended("", "npm error\nno network"), 59, _TODAY)

    assert refused.told == "no answer (npm's advisories: 405 Method Not Allowed)"
    assert found.told == "1 known vulnerabilities in 59 of 59 packages: next <15.6: high"
    assert clean.told == "0 known vulnerabilities in 59 of 59 packages"
    assert broken.told == "no answer (npm's advisories: no network)"


def test_the_command_prints_the_table_and_asks_no_registry_unless_it_is_told_to(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("go", "npm", "apt-cache"):
        machine.program(name, "exit 1")
    monkeypatch.setattr(page, "FILE", machine.root / "versions.md")
    monkeypatch.setattr(page, "shown", str)
    for variable in ("ASK", "AUDIT"):
        monkeypatch.delenv(variable, raising=False)
    command.main()
    text = (machine.root / "versions.md").read_text(encoding="utf-8")

    assert text == (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
    assert "component                     pinned" in capsys.readouterr().out
    assert [machine.calls(name) for name in ("go", "npm", "apt-cache")] == [[], [], []]
