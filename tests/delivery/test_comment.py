"""The comment: its marker, its length, its warning, and its quotation of everything in a report as code."""

import re

import pytest

from tools.delivery import comment, verdict
from tools.delivery.comment import LONGEST, MARKER
from tools.delivery.report import Change, Preview, Report, Violation


def _report(*previews: Preview) -> Report:
    return Report(base="b" * 40, head="a" * 40, previews=previews)


def _change(operation: str = "update", kind: str = "Deployment", lines: int = 1) -> Change:
    because = ("spec.x",) if operation == "replace" else ()
    shown = tuple(f"! spec.field{number}: 1 => 2" for number in range(lines))
    return Change(operation=operation, kind=kind, name="shop/it", because=because, lines=shown)


def test_the_same_report_gives_the_same_text_and_it_begins_with_the_marker() -> None:
    report = _report(Preview(stack="dev", changes=(_change(),)))

    assert comment.text(report) == comment.text(report)
    assert comment.text(report).splitlines()[0] == MARKER


def test_each_stack_has_its_counts() -> None:
    changes = (_change("create"), _change("create"), _change("delete"))
    text = comment.text(_report(Preview(stack="dev", changes=changes, unchanged=7), Preview(stack="prod")))

    assert "| dev | 2 | 0 | 0 | 1 | 7 | 0 | passes |" in text
    assert "| prod | 0 | 0 | 0 | 0 | 0 | 0 | passes |" in text
    assert "## Preview: 3 changes" in text


@pytest.mark.parametrize(
    "kind", ["PersistentVolumeClaim", "StatefulSet", "Secret", "Namespace", "Cluster", "RandomPassword"]
)
def test_what_holds_data_or_a_secret_must_not_be_recreated(kind: str) -> None:
    report = _report(Preview(stack="dev"), Preview(stack="prod", changes=(_change("replace", kind),)))

    assert verdict.failed(report) == ["prod"]
    assert "> [!CAUTION]" in comment.text(report)
    assert f"`{kind} shop/it` is **replaced** because of `spec.x`" in comment.text(report)


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "StatefulSet", "Namespace", "Cluster"])
def test_what_holds_data_must_not_be_deleted(kind: str) -> None:
    report = _report(Preview(stack="dev", changes=(_change("delete", kind),)))

    assert verdict.failed(report) == ["dev"]
    assert "is **deleted**" in comment.text(report)


@pytest.mark.parametrize("kind", ["Secret", "RandomPassword", "Deployment"])
def test_an_old_secret_may_go(kind: str) -> None:
    assert verdict.failed(_report(Preview(stack="dev", changes=(_change("delete", kind),)))) == []


def test_a_workload_that_is_recreated_is_listed_and_passes() -> None:
    report = _report(Preview(stack="dev", changes=(_change("replace", "Job"),)))

    assert verdict.failed(report) == []
    assert "Replaced, that is deleted and recreated: 1" in comment.text(report)
    assert "Job shop/it (spec.x)" in comment.text(report)


@pytest.mark.parametrize(("level", "failed"), [("mandatory", ["dev"]), ("advisory", [])])
def test_only_a_mandatory_rule_stops_the_pull_request(level: str, failed: list[str]) -> None:
    broken = Violation(policy="spread", level=level, message="spread it")
    report = _report(Preview(stack="dev", violations=(broken,)))

    assert verdict.failed(report) == failed
    assert f"spread ({level}): spread it" in comment.text(report)


def test_a_base_that_breaks_or_lacks_the_stack_is_told() -> None:
    text = comment.text(_report(Preview(stack="dev", base_error="it broke"), Preview(stack="prod", new=True)))

    assert "The base's own program fails" in text
    assert "it broke" in text
    assert "The base has no such stack" in text


def test_what_could_not_be_known_is_always_said() -> None:
    assert "What this preview cannot know" in comment.text(_report(Preview(stack="dev")))


@pytest.mark.parametrize("stacks", [1, 2, 5])
def test_a_comment_that_would_be_too_long_is_cut_and_says_so(stacks: int) -> None:
    changes = tuple(_change("update", lines=200) for _ in range(50))
    text = comment.text(_report(*(Preview(stack=f"s{number}", changes=changes) for number in range(stacks))))

    assert LONGEST * 0.9 < len(text) <= LONGEST
    assert text.count("cut here: the comment has no more room") == stacks
    assert text.count("<details>") == text.count("</details>") == stacks + 1


def test_a_long_error_leaves_room_for_the_rest() -> None:
    previews = [Preview(stack=f"s{number}", errors=("x" * 100_000,)) for number in range(3)]

    assert len(comment.text(_report(*previews))) <= LONGEST


def test_a_report_made_to_be_too_long_leaves_the_counts() -> None:
    changes = (Change(operation="replace", kind="Secret", name="x" * 300, because=("y" * 300,) * 5),) * 30
    previews = [Preview(stack=f"s{number}", changes=changes) for number in range(50)]
    text = comment.text(_report(*previews))

    assert len(text) <= LONGEST
    assert text.count("| **fails** |") == 50
    assert text.startswith(MARKER)
    assert "cut here" in text


_HOSTILE = "x ``` </details> @team [a](https://example.com) <img src=x> |\n\n# heading\n````\n\x1b[31m"


def test_nothing_that_a_stranger_writes_gets_out_of_its_code() -> None:
    change = Change(
        operation="replace", kind="Secret", name=_HOSTILE, because=(_HOSTILE,), lines=(f"! {_HOSTILE}",)
    )
    broken = Violation(policy=_HOSTILE, level=_HOSTILE, message=_HOSTILE)
    preview = Preview(
        stack=_HOSTILE, changes=(change,), violations=(broken,), errors=(_HOSTILE,), base_error=_HOSTILE
    )
    text = comment.text(Report(base=_HOSTILE, head=_HOSTILE, previews=(preview,)))
    outside = re.sub(r"`[^`\n]*`", "", re.sub(r"(?ms)^(`{3,})\w*\n.*?^\1$", "", text))

    for sign in ("@team", "example.com", "<img", "# heading", "\x1b"):
        assert sign not in outside
    assert "\x1b" not in text
    assert outside.count("</details>") == 2


@pytest.mark.parametrize(
    "name",
    [
        *("@team", "a@example.com", "#12", "gh-12", "deadbeef", "0" * 40, "o/r#1", "https://example.com"),
        *(
            "www.example.com",
            "[a](b)",
            "![a](b)",
            "<b>",
            "**a**",
            "a_b_",
            "a|b",
            "a`b",
            "~~a~~",
            "",
            " ",
            ":x:",
        ),
    ],
)
def test_the_name_of_a_stack_is_no_link_no_mention_and_no_markup(name: str) -> None:
    lost = (_change("delete", "Namespace"),)
    preview = Preview(stack=name, changes=lost, unprotected=("x",), moved=("y",))
    text = comment.text(_report(preview))
    shown = comment.code(name)
    assert comment.plain(name) == shown
    assert f"| {shown} | " in text
    assert f"\n### {shown}\n" in text
    assert text.count(f"**{shown} would") == 3
    assert shown.count("`") == 2


@pytest.mark.parametrize("name", ["dev", "prod", "eu-west-1", "feed", "d2"])
def test_a_plain_name_stays_plain(name: str) -> None:
    assert comment.plain(name) == name
