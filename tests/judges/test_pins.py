"""Pins of the judges: they have the pinned versions."""

import re
from pathlib import Path

from tools.toolchain import golang, pins

_HERE = Path(__file__).parent


def test_pod_security_is_judged_by_the_kubernetes_that_is_run() -> None:
    text = (golang.MODULES / pins.JUDGES_BUILD.module / "go.mod").read_text(encoding="utf-8")

    assert f"k8s.io/pod-security-admission v{pins.KUBERNETES.replace('1.', '0.', 1)}\n" in text


def test_the_lock_holds_the_checkov_that_was_asked_for_and_every_package_has_a_hash() -> None:
    asked = re.search(r"^checkov==[\d.]+$", (_HERE / "requirements.in").read_text(), re.MULTILINE)
    entries = re.split(r"^(?=[\w-]+==)", (_HERE / "requirements.txt").read_text(), flags=re.MULTILINE)[1:]

    assert asked
    assert any(entry.startswith(f"{asked[0]} ") for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)


def test_what_only_tests_need_is_not_fetched_by_make_up() -> None:
    assert not set(map(repr, pins.TEST_BUILDS)) & set(map(repr, pins.ALL_BUILDS))
