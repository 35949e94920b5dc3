"""Lines of logs as a terminal may show them, and the questions by which they are found."""

import datetime as dt
import json
from collections.abc import Iterator

import pytest

from tools.telemetry import loglines
from tools.telemetry.loglines import Search
from tools.telemetry.stores import Stores

from .edge import Edge, Reply, serving

_MOMENT = dt.datetime(2026, 11, 30, 6, 0, tzinfo=dt.UTC)


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Yield an edge with a store of logs that has no line."""
    with serving() as edge:
        edge.replies["logs", "/select/logsql/query"] = Reply()
        yield edge


def _entry(**fields: str) -> dict[str, str]:
    return {"_time": "2026-11-30T06:31:02.123456789Z", "kubernetes.pod_name": "feastflow-backend-1", **fields}


def _body(*entries: object) -> bytes:
    return "\n".join(json.dumps(each) for each in entries).encode()


def test_a_line_has_its_time_pod_level_and_message() -> None:
    told = loglines.told(_entry(_msg="order placed", level="info", request_id="1"))

    assert told == "06:31:02.123 feastflow-backend-1 info order placed"


def test_an_entry_without_a_message_shows_its_fields() -> None:
    assert loglines.told({"count(*)": "12", "level": "error"}) == "error count(*)=12"


def test_a_line_of_a_megabyte_and_escapes_never_reach_the_terminal_raw() -> None:
    large = loglines.told(_entry(_msg="\x1b[2J" + "x" * (1 << 20), **{"kubernetes.pod_name": "a\x1b[1m"}))

    assert len(large) < 500
    assert "\x1b" not in large
    assert large.endswith("... (1,048,580 characters)")


def test_lines_come_in_the_order_of_their_time_and_the_newest_are_kept() -> None:
    entries = [_entry(_time=f"2026-11-30T06:{n // 60:02}:{n % 60:02}Z", _msg=str(n)) for n in range(130)]
    found = loglines.read(_body(*reversed(entries)), whole=True)

    assert [line.split()[-1] for line in found.shown] == [str(n) for n in range(30, 130)]
    assert found.more


def test_what_is_no_whole_object_is_left_out() -> None:
    body = (
        _body(_entry(_msg="one"), ["no"], 7) + b"\n{broken\n" + _body(_entry(_msg="two")) + b'\n{"_msg": "cu'
    )

    found = loglines.read(body, whole=False)
    assert [line.split()[-1] for line in found.shown] == ["one", "two"]
    assert found.more


def test_a_search_is_bounded_in_lines_time_and_namespace(edge: Edge) -> None:
    search = Search(query="error", filters=loglines.within("shop-dev", "feastflow-backend"), since=_MOMENT)

    assert loglines.asked(Stores(port=edge.port).logs(), search).shown == []
    assert edge.asked == [
        {
            "query": "error",
            "limit": "101",
            "extra_filters": (
                'kubernetes.pod_namespace:="shop-dev" kubernetes.pod_name:~"^feastflow-backend-"'
            ),
            "start": "2026-11-30T06:00:00Z",
        }
    ]


def test_a_query_with_a_time_of_its_own_looks_as_far_back_as_it_says(edge: Edge) -> None:
    loglines.asked(Stores(port=edge.port).logs(), Search(query="_time:1d error", since=_MOMENT))

    assert edge.asked == [{"query": "_time:1d error", "limit": "101"}]


@pytest.mark.parametrize(
    ("query", "filters", "page"),
    [
        ("a or b", "ns:=x", "http://l/#/?query=ns%3A%3Dx%20%28a%20or%20b%29"),
        ("a | uniq by (b)", "ns:=x", "http://l/#/?query=a%20%7C%20uniq%20by%20%28b%29"),
        ("a&b", "", "http://l/#/?query=a%26b"),
    ],
)
def test_the_page_shows_the_same_search(query: str, filters: str, page: str) -> None:
    assert Search(query=query, filters=filters).page("http://l/") == page
