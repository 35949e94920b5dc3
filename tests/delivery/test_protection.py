"""What a pull request takes from an object's, a namespace's or a stack's protection."""

from typing import Any

import pytest

from delivery import comment, events, protection, verdict
from delivery.report import Change, Preview, Removal, Report, Violation

from .test_events import _state, _step

_REMOVAL = Removal(what="Namespace shop", before="protected", now="not protected")


@pytest.mark.parametrize("op", ["same", "update", "delete"])
def test_an_object_that_is_protected_no_longer_is_found_whatever_else_happens_to_it(op: str) -> None:
    new = None if op == "delete" else _state()
    found = events.preview("dev", [_step(op, old={**_state(), "protect": True}, new=new)])

    assert found.removals == (Removal(what="StatefulSet postgres", before="protected", now="not protected"),)


@pytest.mark.parametrize(("old", "new"), [(True, True), (False, False), (False, True)])
def test_protection_that_stays_or_comes_is_no_removal(old: bool, new: bool) -> None:  # noqa: FBT001 - cases
    steps = [_step("same", old={**_state(), "protect": old}, new={**_state(), "protect": new})]

    assert events.preview("dev", steps).removals == ()


def test_a_new_object_removes_nothing() -> None:
    assert events.preview("dev", [_step("create", new=_state())]).removals == ()


@pytest.mark.parametrize(
    ("key", "before", "now", "shown"),
    [
        ("shop:namespace", "a", "b", ("a", "b")),
        ("kubernetes:context", None, "b", ("nothing", "b")),
        ("kubernetes:context", "a", None, ("a", "nothing")),
        ("kubernetes:kubeconfig", "token: s3cret", "token: other", ("one", "another")),
        ("kubernetes:cluster", "a", {"secure": "AAA"}, ("a", "an encrypted value")),
    ],
)
def test_another_namespace_or_cluster_is_found_and_no_credential_shown(
    key: str, before: Any, now: Any, shown: tuple[str, str]
) -> None:
    (found,) = protection.of_settings("shop", {key: before, "shop:x": 1}, {key: now, "shop:x": 2})

    assert found.what == key
    assert (found.before, found.now) == shown


def _report(preview: Preview, *, consent: bool) -> Report:
    return Report(base="b" * 40, head="a" * 40, previews=(preview,), consent=consent)


@pytest.mark.parametrize(
    "preview",
    [
        Preview(stack="prod", removals=(_REMOVAL,)),
        Preview(stack="prod", changes=(Change(operation="delete", kind="Namespace", name="shop"),)),
    ],
)
def test_it_stops_the_pull_request_without_a_consent_and_stands_out_with_one(preview: Preview) -> None:
    refused, consented = (_report(preview, consent=consent) for consent in (False, True))

    assert verdict.failed(refused) == ["prod"]
    assert verdict.failed(consented) == []
    assert "> [!CAUTION]" in comment.text(refused)
    assert "> [!CAUTION]" in comment.text(consented)
    assert "It is labelled `removes-protection`" in comment.text(consented)
    assert "labelled `removes-protection`:" not in comment.text(refused)


@pytest.mark.parametrize(
    "preview",
    [
        Preview(stack="prod", errors=("it broke",)),
        Preview(stack="prod", violations=(Violation(policy="p", level="mandatory", message="m"),)),
    ],
)
def test_no_consent_is_to_an_error_or_a_broken_rule(preview: Preview) -> None:
    assert verdict.failed(_report(preview, consent=True)) == ["prod"]
