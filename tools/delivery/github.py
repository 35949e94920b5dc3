"""The one comment of a pull request at GitHub: found by its marker, updated, never repeated.

Which pull request it is follows from the commit that was previewed, as GitHub knows it; nothing that the pull
request's own job wrote is believed.
"""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tools.delivery.comment import LONGEST, MARKER
from tools.toolchain.errors import UserError

_SECONDS = 30
_PER_PAGE = 100
_MOST_PAGES = 30
_OURS = "github-actions[bot]"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository, and how GitHub is reached."""

    api: str
    repository: str
    token: str = field(repr=False)

    def asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Return GitHub's answer.

        Raises:
            UserError: when there is none, or one that is no success.
        """
        return _asked(self, method, path, body)


@dataclass(frozen=True, kw_only=True)
class Place(Repository):
    """The head that was previewed. `branch` is `owner:branch`, a fork's too."""

    branch: str
    commit: str


def of(environ: Mapping[str, str]) -> Place:
    """Return the place that the workflow's environment names.

    Raises:
        UserError: when something of it is missing or is not what it should be.
    """
    known = repository(environ)
    _must_be(environ, {"HEAD_BRANCH": r"[\w-]+:\S+", "HEAD_SHA": r"[0-9a-f]{40}"})
    return Place(
        api=known.api,
        repository=known.repository,
        token=known.token,
        branch=environ["HEAD_BRANCH"],
        commit=environ["HEAD_SHA"],
    )


def repository(environ: Mapping[str, str]) -> Repository:
    """Return the repository that the workflow's environment names.

    Raises:
        UserError: when something of it is missing or is not what it should be.
    """
    _must_be(environ, {"GITHUB_REPOSITORY": r"[\w.-]+/[\w.-]+", "GITHUB_TOKEN": r"\S+"})
    return Repository(
        api=environ.get("GITHUB_API_URL", "https://api.github.com"),
        repository=environ["GITHUB_REPOSITORY"],
        token=environ["GITHUB_TOKEN"],
    )


def _must_be(environ: Mapping[str, str], shapes: Mapping[str, str]) -> None:
    for name, shape in shapes.items():
        if not re.fullmatch(shape, environ.get(name, "")):
            raise UserError(
                f"{name} is missing or is not what it should be",
                "it says where something is written, and who may write it",
                "run it as the workflows in .github/workflows do",
            )


def is_ours(known: Mapping[str, Any], marker: str) -> bool:
    """Return whether an earlier run wrote this comment or issue, and not another author with its marker."""
    return known["user"]["login"] == _OURS and str(known["body"]).startswith(marker)


def labels(place: Place) -> tuple[str, ...]:
    """Return the labels of the pull request at the commit; the job that ran its program is not asked.

    Raises:
        UserError: when GitHub does not tell.
    """
    return tuple(str(entry["name"]) for pull in _pulls(place) for entry in pull.get("labels") or ())


def post(place: Place, text: str) -> str:
    """Put the text into the pull request's comment; returns what was done.

    Raises:
        UserError: when GitHub does not take it.
    """
    if not text.startswith(MARKER) or len(text) > LONGEST:
        raise AssertionError
    pulls = _pulls(place)
    if not pulls:
        return f"no open pull request is at {place.commit[:12]} any more: nothing to comment"
    for pull in pulls:
        found = _found(place, pull["number"])
        if found is None:
            _asked(place, "POST", f"issues/{pull['number']}/comments", {"body": text})
        else:
            _asked(place, "PATCH", f"issues/comments/{found}", {"body": text})
    return f"commented: {', '.join(str(pull['number']) for pull in pulls)}"


def _pulls(place: Place) -> list[Any]:
    query = f"pulls?state=open&head={quote(place.branch, safe='')}"
    return [pull for pull in _asked(place, "GET", query) if pull["head"]["sha"] == place.commit]


def _found(place: Place, number: int) -> int | None:
    """Return the comment that an earlier run left; a stranger's with the same marker is not ours."""
    for page in range(1, _MOST_PAGES + 1):
        comments = _asked(place, "GET", f"issues/{number}/comments?per_page={_PER_PAGE}&page={page}")
        for known in comments:
            if is_ours(known, MARKER):
                return int(known["id"])
        if len(comments) < _PER_PAGE:
            return None
    return None


def _asked(place: Repository, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
    request = urllib.request.Request(  # noqa: S310 - the workflow names the address
        f"{place.api}/repos/{place.repository}/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {place.token}",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
            return json.load(answer)
    except urllib.error.HTTPError as error:
        found = (
            f"GitHub answers {error.code} to {method} {path}: {error.read(500).decode('utf-8', 'replace')}"
        )
    except (OSError, ValueError) as error:
        found = f"GitHub does not answer {method} {path}: {error}"
    raise UserError(
        found,
        "the pull request or the issue does not show what was found",
        "run the job again; what it writes is found by its marker, so nothing is said twice",
    )
