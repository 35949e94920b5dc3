"""Removed protection: what counts, what the comment says, and the label that agrees to exactly that."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.delivery import comment, events, program, protection, verdict
from tools.delivery.program import Program
from tools.delivery.report import Change, Preview, Report, Violation

_CLAIM = Change(operation="delete", kind="PersistentVolumeClaim", name="shop/data")
_OFF = Preview(stack="prod", unprotected=("Namespace shop",))


def _report(*previews: Preview) -> Report:
    return Report(base="b" * 40, head="a" * 40, previews=previews)


def _step(op: str, *, before: Any, now: Any) -> dict[str, Any]:
    kind = "kubernetes:core/v1:Namespace"
    state = {"inputs": {"metadata": {"name": "shop"}}, "custom": True}
    states = {
        name: None if protect is None else {**state, **({"protect": True} if protect else {})}
        for name, protect in (("old", before), ("new", now))
    }
    metadata = {"op": op, "type": kind, "urn": f"urn:pulumi:dev::shop::{kind}::space", **states}
    return {"resourcePreEvent": {"metadata": metadata}}


@pytest.mark.parametrize(
    ("op", "before", "now", "found"),
    [
        ("same", True, False, ("Namespace shop",)),
        ("update", True, False, ("Namespace shop",)),
        ("same", True, True, ()),
        ("same", False, True, ()),
        ("same", False, False, ()),
        ("create", None, False, ()),
        ("delete", True, None, ()),
    ],
)
def test_an_object_that_stays_without_its_protection_is_found(
    op: str,
    before: bool | None,  # noqa: FBT001 - a table
    now: bool | None,  # noqa: FBT001
    found: tuple[str, ...],
) -> None:
    assert events.preview("prod", [_step(op, before=before, now=now)] * 2).unprotected == found


@pytest.mark.parametrize(
    ("preview", "said"),
    [
        (_OFF, "> - `Namespace shop` may be **deleted** from then on"),
        (Preview(stack="prod", moved=("feastflow:namespace: a => b",)), "`feastflow:namespace: a => b`"),
        (Preview(stack="prod", changes=(_CLAIM,)), "`PersistentVolumeClaim shop/data` is **deleted**"),
    ],
)
def test_what_is_removed_stands_out_and_passes_with_the_label_alone(preview: Preview, said: str) -> None:
    report = _report(Preview(stack="dev"), preview)
    label = protection.label(report)

    assert label is not None
    assert verdict.failed(report) == ["prod"]
    assert "> [!CAUTION]" in comment.text(report)
    assert said in comment.text(report)
    assert f"a reviewer agrees by the label `{label}`" in comment.text(report)
    for other in ("agreed", "agreed-0000000000", label.upper()):
        assert verdict.failed(replace(report, labels=(other,))) == ["prod"]
    with_label = replace(report, labels=("bug", label))
    assert verdict.failed(with_label) == []
    assert said in comment.text(with_label)
    assert f"Agreed to by the label `{label}`" in comment.text(with_label)


def test_a_later_commit_that_removes_more_is_not_agreed_to() -> None:
    label = str(protection.label(_report(_OFF)))
    more = _report(replace(_OFF, changes=(_CLAIM,)))

    assert verdict.failed(replace(more, labels=(label,))) == ["prod"]
    elsewhere = _report(replace(_OFF, stack="dev"))
    assert verdict.failed(replace(elsewhere, labels=(label,))) == ["dev"]


def test_a_commit_that_changes_something_else_needs_no_other_label() -> None:
    def report(digest: str, image: str) -> Report:
        secret = Change(operation="replace", kind="Secret", name=f"shop/token-{digest}", because=("data",))
        update = Change(operation="update", kind="Deployment", name="shop/api", lines=(image,))
        return _report(Preview(stack="prod", changes=(secret, update)))

    assert protection.label(report("0" * 10, "1")) == protection.label(report("a" * 10, "2"))


def test_no_label_agrees_to_a_broken_rule_or_a_program_that_fails() -> None:
    broken = Violation(policy="spread", level="mandatory", message="spread it")
    for preview in (replace(_OFF, violations=(broken,)), replace(_OFF, errors=("it broke",))):
        report = _report(preview)
        assert verdict.failed(replace(report, labels=(str(protection.label(report)),))) == ["prod"]


def test_where_nothing_is_removed_no_label_is_asked_for() -> None:
    report = _report(Preview(stack="dev", changes=(Change(operation="update", kind="Job", name="x"),)))

    assert protection.label(report) is None
    assert "label" not in comment.text(report)


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        ("{feastflow:namespace: a}", "{feastflow:namespace: a}", ()),
        ("{feastflow:namespace: a}", "{feastflow:namespace: b}", ("feastflow:namespace: a => b",)),
        ("{kubernetes:context: a}", "{kubernetes:context: b}", ("kubernetes:context: a => b",)),
        ("{kubernetes:context: a}", "{}", ("kubernetes:context: a => not set",)),
        ("{}", "{kubernetes:context: b}", ("kubernetes:context: not set => b",)),
        ("{feastflow:rotation: 1}", "{feastflow:rotation: 2}", ()),
    ],
)
def test_another_namespace_or_cluster_in_the_stacks_file_is_found(
    tmp_path: Path, before: str, now: str, found: tuple[str, ...]
) -> None:
    assert program.moved(_destination(tmp_path, before), _destination(tmp_path, now)) == found


def test_another_kubeconfig_is_found_and_its_content_is_not_shown(tmp_path: Path) -> None:
    before = _destination(tmp_path, "{kubernetes:kubeconfig: {secure: v1:abc}}")
    now = _destination(tmp_path, '{kubernetes:kubeconfig: "token: hunter2"}')
    (found,) = program.moved(before, now)

    assert found.startswith("kubernetes:kubeconfig: content ")
    assert "hunter2" not in found
    assert "abc" not in found.partition("content")[0]


def _destination(folder: Path, config: str) -> dict[str, str]:
    (folder / "Pulumi.prod.yaml").write_text(f"config: {config}\n", encoding="utf-8")
    return Program(folder=folder).destination("prod")


@pytest.mark.parametrize(
    ("because", "lost"), [(("data",), True), (("data", "metadata.name"), False), ((), True)]
)
def test_a_secret_that_gets_another_name_is_created_before_the_old_one_is_deleted(
    because: tuple[str, ...], *, lost: bool
) -> None:
    change = Change(operation="replace", kind="Secret", name="shop/token", because=because)
    assert protection.loses(change) is lost
