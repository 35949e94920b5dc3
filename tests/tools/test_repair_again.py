"""Repairs of objects that controllers change meanwhile: looked at and repaired once more, some times."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tools.cli.drift import command, repair
from tools.cli.drift.repair import Failed
from tools.cli.drift.report import DELETED, Change, Finding, Report
from tools.stacks.stack import Stack
from tools.stacks.target import Target

from .fakes import Heard

_CHANGE = Change(what="changed", field="spec.maxReplicas", wanted="8", live="9")
_FINDING = Finding(kind="HorizontalPodAutoscaler", namespace="shop", name="api", changes=(_CHANGE,))
_CONFLICT = "Operation cannot be fulfilled on api: the object has been modified; please apply your changes"


def _repaired(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> tuple[str, str, int]:
    """Repair one object, of which the server says this in turn; return what is told, result, and looks."""
    looks: list[object] = []

    def look(*_: Any) -> tuple[Report, list[Any]]:
        looks.append(1)
        return Report(stack="dev", seen=1, findings=(_FINDING,)), []

    def applied(*_: Any) -> list[Failed]:
        why = answers.pop(0)
        return [Failed(finding=_FINDING, why=why)] if why else []

    monkeypatch.setattr(command, "_look", look)
    monkeypatch.setattr(repair, "apply", applied)
    stack = SimpleNamespace(exported=lambda **_: {}, name="dev")
    step = Heard()
    told = command.repaired(cast("Stack", stack), cast("Target", SimpleNamespace(client=None)), {}, step)
    return told, step.results[0], len(looks)


def test_an_object_that_was_changed_meanwhile_is_repaired_by_a_second_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told, result, looks = _repaired(monkeypatch, [_CONFLICT, ""])
    assert "NOT REPAIRED" not in told
    assert result.endswith(", repaired")
    assert looks == 2


def test_an_object_that_is_always_changed_is_given_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _, looks = _repaired(monkeypatch, [_CONFLICT] * 9)
    assert "NOT REPAIRED HorizontalPodAutoscaler shop/api" in told
    assert looks == 4


def test_what_the_server_refuses_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    told, _, looks = _repaired(monkeypatch, ["denied by a webhook"])
    assert "NOT REPAIRED" in told
    assert looks == 1


@pytest.mark.parametrize("kept", ["backup", "restore"])
def test_a_database_that_is_gone_is_not_created_empty_where_there_is_a_backup(
    monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    gone = Finding(
        kind="PersistentVolumeClaim", namespace="shop", name="postgres-data", changes=(Change(what=DELETED),)
    )
    monkeypatch.setattr(command, "_look", lambda *_: (Report(stack="dev", seen=1, findings=(gone,)), []))
    applied: list[object] = []

    def apply(*told: Any) -> list[Failed]:
        applied.append(told)
        return []

    monkeypatch.setattr(repair, "apply", apply)
    stack = cast("Stack", SimpleNamespace(exported=lambda **_: {}, name="dev", refresh=lambda _: "9 deleted"))
    target, step = cast("Target", SimpleNamespace(client=None)), Heard()

    config = {"feastflow:database": {kept: {"some": "where"}}}
    assert "PersistentVolumeClaim shop/postgres-data" in command.repaired(stack, target, config, step)
    assert (applied, step.results[0].endswith("the state is told what is gone: 9 deleted")) == ([], True)
    command.repaired(stack, target, {"feastflow:database": {}}, step)
    assert len(applied) == 1
