"""The page and the API through the edge."""

import http.client

from ..harness.kube import Kube
from ..harness.machine import listening_addresses
from ..harness.product import Product
from ..harness.site import Answer, Site

_ORDER = {"items": [{"menu_item_id": "margherita", "quantity": 2}], "customer_name": "Grace"}


def _order(site: Site, key: str, body: object = None) -> Answer:
    return site.ask("/api/orders", method="POST", body=body or _ORDER, headers={"Idempotency-Key": key})


def test_the_page_comes_through_the_edge(site: Site) -> None:
    answer = site.ask("/")
    assert answer.status == http.client.OK
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "FeastFlow" in answer.text


def test_the_api_is_on_the_same_host_and_knows_its_database(site: Site) -> None:
    status = site.ask("/api/status")
    assert status.status == http.client.OK
    assert {"status", "database", "version", "timestamp"} <= status.json.keys()
    assert len(site.ask("/api/menu").json["items"]) == 12


def test_the_edge_listens_on_loopback_and_nowhere_else(product: Product, site: Site) -> None:
    assert site.port == product.port
    assert listening_addresses(product.port) == {"127.0.0.1"}


def test_a_host_that_is_not_the_stacks_gets_nothing(site: Site) -> None:
    assert site.ask("/", headers={"Host": "another-site.localhost"}).status == http.client.NOT_FOUND


def test_metrics_are_not_for_customers(site: Site) -> None:
    answer = site.ask("/metrics")
    assert answer.status == http.client.NOT_FOUND
    assert "python_info" not in answer.text


def test_an_order_is_stored_and_opened_by_its_receipt_alone(site: Site, kube: Kube) -> None:
    answer = _order(site, "e2e-order-of-grace")
    assert answer.status == http.client.CREATED, answer.text
    number, receipt = answer.json["number"], answer.json["receipt"]
    mine = site.ask(f"/api/orders/{number}", headers={"Authorization": f"Bearer {receipt}"})
    assert mine.json["customer_name"] == "Grace"
    assert site.ask(f"/api/orders/{number}").status in (401, 403, 404)
    stored = kube.sql("SELECT customer_name, total_cents FROM orders WHERE number = :'number'", number=number)
    assert stored == [["Grace", "2580"]]


def test_an_order_that_is_sent_twice_is_one_order(site: Site, kube: Kube) -> None:
    first, second = (_order(site, "e2e-order-sent-twice") for _ in range(2))
    assert first.json["number"] == second.json["number"]
    assert kube.sql("SELECT count(*) FROM orders WHERE idempotency_key LIKE '%sent-twice%'") == [["1"]]


def test_an_order_that_makes_no_sense_is_refused_in_json(site: Site) -> None:
    answer = _order(site, "e2e-order-of-nothing", {"items": [], "customer_name": "Ada"})
    assert 400 <= answer.status < 500
    assert answer.json["error"]["message"]
