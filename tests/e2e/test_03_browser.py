"""A customer orders with a real browser."""

from ..harness.chromium import Confirmation, Customer
from ..harness.kube import Kube
from ..harness.product import ARTIFACTS
from ..harness.site import Site

_PNG = b"\x89PNG"
_TIMES = "\N{MULTIPLICATION SIGN}"


def test_the_page_shows_the_menu_from_the_database(customer: Customer, site: Site, kube: Kube) -> None:
    assert "FeastFlow" in customer.opens(site.url)
    dishes = kube.sql("SELECT name FROM menu_items WHERE available ORDER BY position")
    assert customer.reads_menu() == [row[0] for row in dishes]


def test_an_order_placed_on_the_page_is_confirmed_there(ordered: Confirmation, customer: Customer) -> None:
    customer.photographs("ordered")
    assert "Ada Lovelace" in ordered.heading
    assert ordered.dishes == [f"2 {_TIMES} Pizza Margherita", f"1 {_TIMES} Lemon tart"]
    assert ordered.total == "$32.60"
    assert customer.complaints() == []


def test_the_picture_of_the_page_is_kept(ordered: Confirmation) -> None:
    assert ordered.number
    picture = ARTIFACTS / "ordered.png"
    assert picture.read_bytes().startswith(_PNG)
    assert picture.stat().st_size > 50_000


def test_the_order_is_in_the_database_under_the_number_that_the_page_shows(
    ordered: Confirmation, kube: Kube
) -> None:
    stored = kube.sql(
        "SELECT customer_name, total_cents FROM orders WHERE number = :'number'", number=ordered.number
    )
    assert stored == [["Ada Lovelace", "3260"]]
    dishes = kube.sql(
        "SELECT i.menu_item_id, i.quantity FROM order_items i JOIN orders o ON o.id = i.order_id "
        "WHERE o.number = :'number' ORDER BY i.position",
        number=ordered.number,
    )
    assert dishes == [["margherita", "2"], ["lemon-tart", "1"]]
