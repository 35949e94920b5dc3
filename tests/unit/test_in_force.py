"""Rules of an update in force: awaited by a dry run that the rules before refuse."""

import json
from typing import Any, cast

import pytest

from components.guards import in_force
from components.guards.cluster.asking import Ask

_PROBE = {"metadata": {"name": "n", "namespace": "shop"}}


class Server:
    """An API server that refuses so many dry runs."""

    def __init__(self, refusals: int) -> None:
        self.left = refusals
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, path: str, body: bytes) -> dict[str, Any] | None:
        self.asked.append((path, json.loads(body)))
        self.left -= 1
        return None if self.left >= 0 else {}


def _awaited(server: Server) -> bool:
    return in_force._awaited(cast("Ask", server), _PROBE)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_force, "_PAUSE", 0)


def test_a_server_that_lets_the_probe_through_is_asked_once_and_changes_nothing() -> None:
    server = Server(0)
    assert _awaited(server)
    assert server.asked == [("api/v1/namespaces/shop/configmaps?dryRun=All", _PROBE)]


def test_a_server_that_refuses_is_asked_until_it_does_not() -> None:
    server = Server(3)
    assert _awaited(server)
    assert len(server.asked) == 4


def test_a_server_that_never_takes_the_rules_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_force, "_SECONDS", 0)
    assert not _awaited(Server(10_000_000))
