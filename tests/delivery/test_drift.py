"""One issue while the clusters differ from what was deployed: opened, updated, closed, without a value."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.delivery import drift, github
from tools.delivery.drift import MARKER
from tools.toolchain.errors import UserError

from .web import Asked, Web, serving

_BOT = "github-actions[bot]"
_CHANGE = {
    "what": "changed",
    "field": "spec.template.spec.containers[backend].env[TOKEN].value",
    "wanted": None,
    "live": '"stranger-knows-this"',
    "manager": "kubectl-edit",
    "at": "2026-11-29T09:00:00Z",
    "opens": False,
}
_FOUND = {"kind": "Role", "namespace": "feast", "name": "developer", "changes": [_CHANGE], "opens": True}
_CLEAN = {"stack": "dev", "drift": False, "complete": True, "seen": 48, "findings": [], "unseen": []}
_DRIFTED = {**_CLEAN, "stack": "prod", "drift": True, "findings": [_FOUND]}


@pytest.fixture
def web() -> Iterator[Web]:
    """Yield a fake GitHub."""
    with serving() as served:
        yield served


def _kept(web: Web, issues: list[dict[str, Any]], *reports: dict[str, Any]) -> str:
    def answer(asked: Asked) -> tuple[int, Any]:
        return (200, issues) if asked.method == "GET" else (201, {"number": 9})

    web.answer = answer
    environ = {"GITHUB_API_URL": web.url, "GITHUB_REPOSITORY": "shop/feast", "GITHUB_TOKEN": "t0ken"}
    return drift.keep(github.repository(environ), reports)


def _issue(login: str = _BOT, body: str = f"{MARKER}\ntext") -> dict[str, Any]:
    return {"number": 4, "body": body, "user": {"login": login}}


def _written(web: Web) -> list[tuple[str, str, Any]]:
    return [(each.method, each.path, json.loads(each.body)) for each in web.asked if each.method != "GET"]


def test_drift_opens_an_issue_that_names_object_field_and_manager_and_no_value(web: Web) -> None:
    assert _kept(web, [], _CLEAN, _DRIFTED) == "opened issue 9"
    ((method, path, body),) = _written(web)
    assert (method, path) == ("POST", "/repos/shop/feast/issues")
    assert body["body"].startswith(MARKER)
    assert "**OPENS** `Role/feast/developer`" in body["body"]
    assert "`kubectl-edit`" in body["body"]
    assert "stranger-knows-this" not in body["body"]


def test_while_there_is_drift_the_same_issue_is_updated(web: Web) -> None:
    assert _kept(web, [_issue()], _CLEAN, _DRIFTED) == "updated issue 4"
    assert [(method, path) for method, path, _ in _written(web)] == [("PATCH", "/repos/shop/feast/issues/4")]


def test_without_drift_the_issue_is_closed_once(web: Web) -> None:
    assert _kept(web, [_issue()], _CLEAN) == "closed issue 4"
    ((_, _, body),) = _written(web)
    assert body["state"] == "closed"


def test_without_drift_and_without_an_issue_nothing_is_written(web: Web) -> None:
    assert _kept(web, [_issue(login="stranger"), _issue(body="another")], _CLEAN) == "no drift, and no issue"
    assert _written(web) == []


def test_what_could_not_be_seen_keeps_it_open(web: Web) -> None:
    unseen = {**_CLEAN, "complete": False, "unseen": [{"who": "Role feast/developer", "why": "forbidden"}]}

    assert _kept(web, [_issue()], unseen) == "updated issue 4"


def test_names_from_a_cluster_stay_code() -> None:
    nasty = {**_FOUND, "name": "`](https://evil.example.com) @everybody"}

    line = next(
        line for line in drift.text([{**_DRIFTED, "findings": [nasty]}]).splitlines() if "Role" in line
    )

    assert line.count("`") == 2
    assert line.endswith("`")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"stack": "dev"}', '{"stack": 1, "drift": 0}'])
def test_a_report_that_is_none_closes_nothing(tmp_path: Path, text: str) -> None:
    file = tmp_path / "dev.json"
    file.write_text(text)

    with pytest.raises(UserError, match=r"dev\.json is no report of drift"):
        drift.load([file])
    with pytest.raises(UserError, match="no report of drift"):
        drift.load([tmp_path / "missing.json"])
