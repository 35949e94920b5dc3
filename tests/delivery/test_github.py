"""One comment for a pull request: made once, updated afterwards, only in the pull request of that commit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools.delivery import github
from tools.delivery.comment import MARKER
from tools.toolchain.errors import UserError

from .web import Asked, Web, serving

_COMMIT = "a" * 40
_BOT = "github-actions[bot]"


@pytest.fixture
def web() -> Iterator[Web]:
    """Yield a fake GitHub."""
    with serving() as served:
        yield served


def _place(web: Web, **other: str) -> github.Place:
    environ = {
        "GITHUB_API_URL": web.url,
        "GITHUB_REPOSITORY": "shop/feast",
        "GITHUB_TOKEN": "t0ken",
        "HEAD_BRANCH": "stranger:a/branch",
        "HEAD_SHA": _COMMIT,
    }
    return github.of(environ | other)


def _github(web: Web, comments: list[dict[str, Any]], commit: str = _COMMIT) -> None:
    def answer(asked: Asked) -> tuple[int, Any]:
        if asked.path.startswith("/repos/shop/feast/pulls?"):
            return 200, [{"number": 5, "head": {"sha": commit}}, {"number": 6, "head": {"sha": "b" * 40}}]
        if asked.method == "GET":
            page = int(asked.path.rsplit("=", 1)[1])
            return 200, comments[(page - 1) * 100 : page * 100]
        return 201, {}

    web.answer = answer


def _comment(number: int, body: str, login: str = _BOT) -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": login}}


def _written(web: Web) -> list[tuple[str, str]]:
    return [(asked.method, asked.path) for asked in web.asked if asked.method != "GET"]


def test_the_first_time_a_comment_is_made(web: Web) -> None:
    _github(web, [])

    assert github.post(_place(web), f"{MARKER}\ntext") == "commented: 5"
    assert _written(web) == [("POST", "/repos/shop/feast/issues/5/comments")]
    assert json.loads(web.asked[-1].body) == {"body": f"{MARKER}\ntext"}
    assert web.asked[0].path.endswith("head=stranger%3Aa%2Fbranch")
    assert {asked.headers["Authorization"] for asked in web.asked} == {"Bearer t0ken"}


def test_afterwards_the_same_comment_is_updated_also_far_down_a_long_talk(web: Web) -> None:
    talk = [_comment(number, "talk", "someone") for number in range(250)]
    _github(web, [*talk, _comment(777, f"{MARKER}\nbefore")])
    github.post(_place(web), f"{MARKER}\ntext")

    assert _written(web) == [("PATCH", "/repos/shop/feast/issues/comments/777")]


def test_a_strangers_comment_with_the_same_marker_is_left_alone(web: Web) -> None:
    _github(web, [_comment(3, f"{MARKER}\nmine", "stranger"), _comment(4, f"> {MARKER}")])
    github.post(_place(web), f"{MARKER}\ntext")

    assert _written(web) == [("POST", "/repos/shop/feast/issues/5/comments")]


def test_a_pull_request_that_has_moved_on_is_not_commented(web: Web) -> None:
    _github(web, [], commit="c" * 40)

    assert "no open pull request is at aaaaaaaaaaaa any more" in github.post(_place(web), f"{MARKER}\ntext")
    assert _written(web) == []


@pytest.mark.parametrize("name", ["GITHUB_REPOSITORY", "HEAD_BRANCH", "HEAD_SHA", "GITHUB_TOKEN"])
@pytest.mark.parametrize("value", ["", "a b\nc"])
def test_a_place_that_is_none_is_refused(web: Web, name: str, value: str) -> None:
    with pytest.raises(UserError, match=name):
        _place(web, **{name: value})


def test_what_github_refuses_is_told_without_the_token(web: Web) -> None:
    web.answer = lambda _: (403, {"message": "Resource not accessible by integration"})

    with pytest.raises(UserError, match=r"GitHub answers 403 to GET pulls.*not accessible") as caught:
        github.post(_place(web), f"{MARKER}\ntext")

    assert "t0ken" not in str(caught.value)
    assert "t0ken" not in repr(_place(web))
