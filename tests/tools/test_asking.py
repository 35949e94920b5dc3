"""Questions to stores: bounded in time and size, and told apart when there is no answer."""

import socket
from collections.abc import Iterator

import pytest

from tools.telemetry import plain
from tools.telemetry.asking import AbsentError, AwayError, RefusedError, Source, UnknownError

from .edge import Edge, Reply, serving


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield an edge that routes nowhere yet."""
    with serving() as edge:
        yield edge


def _source(edge: Edge, seconds: float = 5) -> Source:
    return Source(url=f"http://metrics.localhost:{edge.port}", seconds=seconds, most=1000)


def test_an_answer_is_returned_with_what_was_asked(edge: Edge) -> None:
    edge.replies["metrics", "/q"] = Reply(body=b"found")

    assert _source(edge).get("/q", {"query": "a b&c"}).body == b"found"
    assert edge.asked == [{"query": "a b&c"}]


def test_where_nothing_is_routed_the_store_is_absent(edge: Edge) -> None:
    with pytest.raises(AbsentError):
        _source(edge).get("/q")


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, b"no such trace", UnknownError, "no such trace"),
        (400, b"bad \x1b[31mquery", RefusedError, "bad \\x1b[31mquery"),
        (422, b"", RefusedError, "answered 422"),
        (503, b"no available server", AwayError, "answered 503"),
        (302, b"", AwayError, "answered 302"),
    ],
)
def test_no_answer_is_told_by_its_reason(
    edge: Edge, status: int, body: bytes, error: type[Exception], words: str
) -> None:
    edge.replies["metrics", "/q"] = Reply(status=status, body=body)

    with pytest.raises(error) as caught:
        _source(edge).get("/q")
    assert words in str(caught.value)
    assert type(caught.value) is error


def test_a_store_that_answers_without_end_is_left_in_time(edge: Edge) -> None:
    edge.replies["metrics", "/q"] = Reply(drip=True)

    with pytest.raises(AwayError, match=r"within 0\.2 s"):
        _source(edge, 0.2).get("/q")


def test_a_store_that_takes_a_connection_and_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = Source(url=f"http://metrics.localhost:{silent.getsockname()[1]}", seconds=0.2)

        with pytest.raises(AwayError, match=r"within 0\.2 s"):
            source.get("/q")


def test_where_nothing_listens_the_store_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(AwayError, match="nothing listens there"):
        Source(url=f"http://metrics.localhost:{port}").get("/q")


def test_an_answer_that_is_too_large_is_cut_and_says_so(edge: Edge) -> None:
    edge.replies["metrics", "/q"] = Reply(body=b"x" * 100_000)

    found = _source(edge).get("/q")
    assert (len(found.body), found.whole) == (1000, False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, ä, 料理", "plain text, ä, 料理"),
        ("\x1b]0;owned\x07 \x1b[2J", "\\x1b]0;owned\\x07 \\x1b[2J"),
        ("a\u202eb\u200bc\x9bd\ud800", "a\\u202eb\\u200bc\\x9bd\\ud800"),
        ("two\r\nlines\tand\u2028three", "two  lines and\\u2028three"),
        ("x" * 60, "x" * 37 + "..."),
        ("x" * 40, "x" * 40),
    ],
)
def test_text_of_others_is_one_line_without_anything_that_a_terminal_obeys(text: str, shown: str) -> None:
    assert plain.line(text, 40) == shown


def test_a_megabyte_is_shown_by_its_beginning() -> None:
    assert plain.line("\x1b" * (1 << 20), 100) == ("\\x1b" * 25)[:97] + "..."
