"""Menu and orders over HTTP, stored in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString
from uuid import uuid4

import pytest
from api_under_test import Api, Postgres


def value(postgres: Postgres, database: str, query: LiteralString, *parameters: str) -> int:
    """Return the one number that the query finds."""
    with postgres.connect(database) as link:
        row = link.execute(query, parameters).fetchone()
    assert row is not None
    return int(row[0])


def test_the_menu_is_the_seeded_one_in_its_order(api: Api) -> None:
    answer = api.client.get("/api/menu").json()
    assert answer["currency"] == "USD"
    assert [item["id"] for item in answer["items"]][:3] == ["tomato-soup", "spring-rolls", "margherita"]
    assert all(isinstance(item["price_cents"], int) for item in answer["items"])


def test_an_order_is_priced_by_the_menu_stored_and_read_back_with_its_receipt(
    api: Api, postgres: Postgres, database: str
) -> None:
    placed = api.order(note="no basil")
    order = placed.json()
    assert placed.status_code == 201
    assert order["total_cents"] == 2 * 1290 + 420
    assert placed.headers["location"] == f"/api/orders/{order['number']}"
    query: LiteralString = "SELECT total_cents FROM orders WHERE number = %s AND note = 'no basil'"
    assert value(postgres, database, query, order["number"]) == order["total_cents"]

    bearer = {"Authorization": f"Bearer {order.pop('receipt')}"}
    read = api.client.get(placed.headers["location"], headers=bearer)
    assert (read.status_code, read.json()) == (200, order)


def test_an_order_is_hidden_without_its_receipt(api: Api) -> None:
    mine, other = api.order().json(), api.order().json()
    path = f"/api/orders/{mine['number']}"
    assert api.client.get(path).status_code == 401
    assert api.client.get(path, headers={"Authorization": "Bearer x"}).status_code == 401
    assert api.client.get(path, headers={"Authorization": f"Bearer {other['receipt']}"}).status_code == 403


def test_a_repeated_request_returns_the_first_order_and_stores_nothing(
    api: Api, postgres: Postgres, database: str
) -> None:
    key = str(uuid4())
    first, second = api.order(key), api.order(key)
    assert [answer.headers["idempotency-replayed"] for answer in (first, second)] == ["false", "true"]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() | {"receipt": ""} == second.json() | {"receipt": ""}
    query: LiteralString = "SELECT count(*) FROM orders WHERE idempotency_key = %s"
    assert value(postgres, database, query, key) == 1


def test_the_same_request_sent_many_times_at_once_stores_one_order(api: Api) -> None:
    key = str(uuid4())
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: api.order(key), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["number"] for answer in answers}) == 1
    assert [answer.headers["idempotency-replayed"] for answer in answers].count("false") == 1


def test_a_key_used_for_another_order_is_refused(api: Api) -> None:
    key = str(uuid4())
    api.order(key)
    answer = api.order(key, customer_name="Grace")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "key_reused")


def test_a_total_other_than_the_customer_saw_is_refused_with_the_new_one(api: Api) -> None:
    answer = api.order(expected_total_cents=1)
    assert (answer.status_code, answer.json()["error"]["total_cents"]) == (409, 3000)


def test_a_dish_that_is_not_on_the_menu_is_named(api: Api) -> None:
    answer = api.order(items=[{"menu_item_id": "unicorn", "quantity": 1}])
    assert (answer.status_code, answer.json()["error"]["dishes"]) == (422, ["unicorn"])


def test_what_a_customer_writes_is_data_and_nothing_else(api: Api, postgres: Postgres, database: str) -> None:
    name = "Robert'); DROP TABLE orders;--"
    assert api.order(customer_name=name).json()["customer_name"] == name
    assert value(postgres, database, "SELECT count(*) FROM orders") > 0


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"x" * 20_000, "application/json", 413),
        (b"{}", "application/json; charset=utf-8", 422),
        (b'{"items": [{"menu_item_id": "margherita\\u0000", "quantity": 1}]}', "application/json", 422),
        (b'{"\\ud800": 1}', "application/json", 422),
        (b'{"\xed\xa0\x80": 1}', "application/json", 422),
        (b'{"note": "\xff"}', "application/json", 422),
        (b'{"note": "\\udfff"}', "application/json", 422),
        (b'{"items": [{"quantity": 1e999}]}', "application/json", 422),
        (b'{"expected_total_cents": ' + b"9" * 5000 + b"}", "application/json", 422),
        (b"[" * 15_000, "application/json", 422),
        (b'{"a": ' * 2_000, "application/json", 422),
    ],
)
def test_a_body_that_cannot_be_an_order_is_refused(
    api: Api, content: bytes, media_type: str, status: int
) -> None:
    answer = api.client.post("/api/orders", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_unknown_paths_and_methods_are_refused_as_json(api: Api) -> None:
    assert api.client.get("/api/nothing").json()["error"]["code"] == "http"
    assert api.client.delete("/api/menu").status_code == 405


def test_only_the_frontends_origin_may_call_from_elsewhere(api: Api) -> None:
    def allowed(origin: str) -> str | None:
        return api.client.get("/api/menu", headers={"Origin": origin}).headers.get(
            "access-control-allow-origin"
        )

    assert allowed("https://feastflow.example.org") == "https://feastflow.example.org"
    assert allowed("https://elsewhere.example") is None
