"""Encrypted settings in a pull request, without the key: shown as secret, and as equal or changed."""

from typing import Any

import pytest

from tools.delivery import protection

from .conftest import Preview, Previewed
from .repository import Repository


def _secrets(clone: Repository, **values: Any) -> None:
    clone.configure("dev", feastflow__backend={"migrations": {"command": ["migrate"]}, **values})


@pytest.fixture(scope="module")
def changed(preview: Preview) -> Previewed:
    """Return a pull request that sets one secret again and leaves another."""
    one, two = {"secure": "v1:of-one"}, {"secure": "v1:of-two"}
    return preview(
        lambda clone: _secrets(clone, secrets={"ONE": {"secure": "v1:another"}, "TWO": two}),
        before=lambda clone: _secrets(clone, secrets={"ONE": one, "TWO": two}),
    )


def test_a_secret_that_was_set_again_is_another_secret_to_which_the_pods_roll(changed: Previewed) -> None:
    assert changed.code == 0, changed.out
    (stack,) = changed.report.previews
    assert not stack.errors
    kinds = {(change.operation, change.kind) for change in stack.changes}
    assert ("replace", "Secret") in kinds
    assert ("update", "Deployment") in kinds
    assert not any(protection.removes(each) for each in changed.report.previews)


def test_it_is_told_as_secret_and_neither_its_ciphertext_nor_what_stands_for_it(changed: Previewed) -> None:
    assert "[secret]" in changed.comment
    assert "v1:" not in changed.comment
    assert "encrypted-" not in changed.comment


@pytest.mark.slow
def test_a_secret_that_is_the_same_is_no_change(preview: Preview) -> None:
    same = {"secrets": {"ONE": {"secure": "v1:of-one"}}}
    found = preview(
        lambda clone: clone.configure("dev", feastflow__frontend={"uid": 1001}),
        before=lambda clone: _secrets(clone, **same),
    )
    (stack,) = found.report.previews
    assert not stack.errors
    assert {change.name.rsplit("/")[-1] for change in stack.changes} == {"feastflow-frontend"}


def test_a_secret_in_the_wrong_place_stops_the_pull_request_with_the_place_that_is_meant(
    preview: Preview,
) -> None:
    found = preview(lambda clone: _secrets(clone, env={"STRIPE_API_LIVE": {"secure": "v1:live"}}))
    assert found.code != 0
    assert "feastflow:backend.secrets.STRIPE_API_LIVE" in found.comment
    assert "v1:live" not in found.comment
    assert "encrypted-" not in found.comment
