"""Menu and orders in PostgreSQL. Money is whole cents; prices come from the menu, never from a client."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row, dict_row

from feastflow_api.database import Connection
from feastflow_api.validation import NewOrder

CURRENCY: Final = "USD"


class UnknownDishesError(Exception):
    """Some dishes are not on the menu, or not today."""

    def __init__(self, dishes: list[str]) -> None:
        """Name the dishes, by id."""
        super().__init__(f"not on the menu: {', '.join(dishes)}")
        self.dishes = dishes


class PriceChangedError(Exception):
    """The total is no longer what the customer saw."""

    def __init__(self, expected_cents: int, total_cents: int) -> None:
        """Take both totals, in cents."""
        super().__init__(f"the total is now {total_cents} cents, not {expected_cents}")
        self.total_cents = total_cents


class KeyReusedError(Exception):
    """The idempotency key belongs to an order with other contents."""


@dataclass(frozen=True, kw_only=True)
class MenuItem:
    """A dish on the menu. `art` names a drawing that the frontend has."""

    id: str
    name: str
    description: str
    category: str
    price_cents: int
    art: str


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """A dish as it was ordered: later changes of the menu do not reach it."""

    menu_item_id: str
    name: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, kw_only=True)
class Order:
    """A stored order with its lines. `id` stays inside; customers know the number."""

    id: UUID
    number: str
    customer_name: str
    note: str
    status: str
    total_cents: int
    created_at: datetime
    items: tuple[OrderLine, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the order as a client sees it."""
        data = asdict(self)
        del data["id"]
        data.update(created_at=self.created_at.isoformat(), currency=CURRENCY)
        return data


_ORDER: Final = (
    "SELECT id, fingerprint, number, customer_name, note, status, total_cents, created_at FROM orders"
)


async def menu(connection: Connection) -> list[MenuItem]:
    """Return the dishes available now, in the order in which to show them."""
    async with connection.cursor(row_factory=class_row(MenuItem)) as cursor:
        await cursor.execute(
            "SELECT id, name, description, category, price_cents, art FROM menu_items"
            " WHERE available ORDER BY position, id"
        )
        return await cursor.fetchall()


async def place(connection: Connection, order: NewOrder, *, key: str, order_id: UUID) -> Order:
    """Return the stored order, in one transaction, once per key: safe to repeat with the same key and order.

    An order that was stored under the key before is returned as it was, under its own id, whatever became of
    the menu since. Raises UnknownDishesError, PriceChangedError or KeyReusedError, and then stores nothing.
    """
    async with connection.transaction():
        earlier = await _by_key(connection, key, order.fingerprint)
        if earlier is not None:
            return earlier
        lines = _priced(order, await _on_the_menu(connection, order))
        total = sum(line.unit_price_cents * line.quantity for line in lines)
        if order.expected_total_cents not in (None, total):
            raise PriceChangedError(order.expected_total_cents or 0, total)
        inserted = await connection.execute(
            "INSERT INTO orders (id, idempotency_key, fingerprint, customer_name, note, total_cents)"
            " VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (idempotency_key) DO NOTHING RETURNING number, status, created_at",
            (order_id, key, order.fingerprint, order.customer_name, order.note, total),
        )
        row = await inserted.fetchone()
        if row is None:  # the same request, sent twice at once: the other one has committed by now
            earlier = await _by_key(connection, key, order.fingerprint)
            assert earlier is not None  # noqa: S101 - none so young is deleted
            return earlier
        await _insert_lines(connection, order_id, lines)
    number, status, created_at = row
    return Order(
        id=order_id,
        number=number,
        customer_name=order.customer_name,
        note=order.note,
        status=status,
        total_cents=total,
        created_at=created_at,
        items=lines,
    )


async def find(connection: Connection, number: str) -> Order | None:
    """Return the order with this number, or None."""
    found = await _one(connection, f"{_ORDER} WHERE number = %s", number)
    return found[0] if found else None


async def _by_key(connection: Connection, key: str, fingerprint: str) -> Order | None:
    found = await _one(connection, f"{_ORDER} WHERE idempotency_key = %s", key)
    if found is None:
        return None
    order, stored_fingerprint = found
    if stored_fingerprint != fingerprint:
        raise KeyReusedError
    return order


async def _one(connection: Connection, query: LiteralString, value: str) -> tuple[Order, str] | None:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, (value,))
        row = await cursor.fetchone()
    if row is None:
        return None
    async with connection.cursor(row_factory=class_row(OrderLine)) as lines:
        await lines.execute(
            "SELECT menu_item_id, name, quantity, unit_price_cents FROM order_items"
            " WHERE order_id = %s ORDER BY position",
            (row["id"],),
        )
        items = tuple(await lines.fetchall())
    fingerprint = str(row.pop("fingerprint"))
    return Order(**row, items=items), fingerprint


async def _on_the_menu(connection: Connection, order: NewOrder) -> dict[str, tuple[str, int]]:
    """Name and price in cents of each ordered dish that is available."""
    cursor = await connection.execute(
        "SELECT id, name, price_cents FROM menu_items WHERE available AND id = ANY(%s)",
        ([line.menu_item_id for line in order.lines],),
    )
    return {item: (name, cents) for item, name, cents in await cursor.fetchall()}


def _priced(order: NewOrder, dishes: dict[str, tuple[str, int]]) -> tuple[OrderLine, ...]:
    missing = [line.menu_item_id for line in order.lines if line.menu_item_id not in dishes]
    if missing:
        raise UnknownDishesError(missing)
    return tuple(
        OrderLine(
            menu_item_id=line.menu_item_id,
            name=dishes[line.menu_item_id][0],
            quantity=line.quantity,
            unit_price_cents=dishes[line.menu_item_id][1],
        )
        for line in order.lines
    )


async def _insert_lines(connection: Connection, order_id: UUID, lines: tuple[OrderLine, ...]) -> None:
    await connection.execute(
        "INSERT INTO order_items (order_id, position, menu_item_id, name, quantity, unit_price_cents)"
        " SELECT %s, * FROM unnest(%s::int[], %s::text[], %s::text[], %s::int[], %s::int[])",
        (
            order_id,
            list(range(len(lines))),
            [line.menu_item_id for line in lines],
            [line.name for line in lines],
            [line.quantity for line in lines],
            [line.unit_price_cents for line in lines],
        ),
    )
