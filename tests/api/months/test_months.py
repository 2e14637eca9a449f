"""Months are made ahead; where one is missing nothing is refused, and its rows move in when it is made."""

import asyncio
from uuid import UUID

import asyncpg
import pytest

from tests.api.months.old_shop import PARTITIONS
from tests.shop import TestShop

TEE = "TEE-BLACK-M"
TABLES = ("orders", "order_lines", "order_events", "stock_movements")
MONTHS = """
SELECT make_order_months((now() - interval '2 months')::date, (now() + interval '1 month')::date)"""

SAMPLED = """
SELECT attname, attstattarget AS target FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"""
SAMPLED_EXPRESSIONS = """
SELECT attstattarget AS target FROM pg_index JOIN pg_attribute ON attrelid = indexrelid
WHERE indrelid = $1::text::regclass AND indkey[attnum - 1] = 0"""


async def test_ids_tell_the_month(shop: TestShop) -> None:
    """If this fails, orders go to the partition of another month, or to that of no month."""
    status, document = await shop.buy((TEE, 1))
    assert status == 201, document
    found = await shop.db.fetchrow(
        """SELECT o.tableoid::regclass::text AS orders, l.tableoid::regclass::text AS lines,
                  to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS month
           FROM orders o JOIN order_lines l ON order_id = o.id WHERE o.id = $1""",
        UUID(document["order"]["id"]),
    )
    assert found["orders"] == f"months.orders_{found['month']}"
    assert found["lines"] == f"months.order_lines_{found['month']}"


async def test_a_missing_month_refuses_nobody(shop: TestShop) -> None:
    """If this fails, a shop whose relay is away stops selling with the month's end, or cannot make the month later."""
    month = await shop.db.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
    for table in TABLES:
        await shop.db.execute(f"ALTER TABLE {table} DETACH PARTITION months.{table}_{month}")
        await shop.db.execute(f"DROP TABLE months.{table}_{month}")
    await shop.db.execute("DELETE FROM order_months WHERE name = $1", month)
    status, document = await shop.buy((TEE, 1))
    assert status == 201, document
    order = UUID(document["order"]["id"])
    where = "SELECT tableoid::regclass::text FROM orders WHERE id = $1"
    assert await shop.db.fetchval(where, order) == "months.orders_other"
    made = await shop.db.fetchval(MONTHS)
    assert made == 3
    assert await shop.db.fetchval(where, order) == f"months.orders_{month}"
    status, _ = await shop.buy((TEE, 1))
    assert status == 201


async def test_many_relays_make_each_month_once(shop: TestShop) -> None:
    """If this fails, two relays that start together fail, or make a month twice."""
    ahead = "SELECT make_order_months(now()::date, (now() + interval '7 months')::date)"
    made = await asyncio.gather(*(shop.db.fetchval(ahead) for _ in range(4)))
    assert sum(made) == 4
    for table in TABLES:
        parts = await shop.db.fetch(PARTITIONS, table)
        assert len(parts) == 9
        assert len({row["bounds"] for row in parts}) == 9


async def test_a_new_month_is_analysed_as_its_table_is(shop: TestShop) -> None:
    """If this fails, each tenth that a month grows by takes a core for a third of a second, while checkouts wait."""
    await shop.db.execute(
        "SELECT make_order_months((now() + interval '5 months')::date, (now() + interval '5 months')::date)"
    )
    month = await shop.db.fetchval("SELECT to_char(now() + interval '5 months', 'YYYY_MM')")
    for table in TABLES:
        sampled = {
            owner: {row["attname"]: row["target"] for row in await shop.db.fetch(SAMPLED, owner)}
            for owner in (table, f"months.{table}_{month}")
        }
        own, of_month = sampled.values()
        assert own == of_month
        assert max(own.values()) == 25
        assert own.get("document", 0) == 0
    expressions = await shop.db.fetch(SAMPLED_EXPRESSIONS, f"months.orders_{month}")
    assert [row["target"] for row in expressions] == [25]


async def test_a_cart_is_free_while_its_order_is_cancelled(shop: TestShop) -> None:
    """If this fails, one cart has two orders that live, or a cancelled order keeps its cart."""
    status, first = await shop.buy((TEE, 1))
    assert status == 201
    order = UUID(first["order"]["id"])
    await shop.db.execute("UPDATE orders SET cart_id = 'the-cart' WHERE id = $1", order)
    cart = "SELECT cart_id FROM order_claims WHERE order_id = $1"
    cancel = "UPDATE orders SET status = 'cancelled', cancelled_at = now() WHERE id = $1"
    revive = "UPDATE orders SET status = 'placed', cancelled_at = NULL WHERE id = $1"
    await shop.db.execute("UPDATE order_claims SET cart_id = 'the-cart' WHERE order_id = $1", order)
    await shop.db.execute(cancel, order)
    assert await shop.db.fetchval(cart, order) is None
    await shop.db.execute(revive, order)
    assert await shop.db.fetchval(cart, order) == "the-cart"
    await shop.db.execute(cancel, order)
    _, second = await shop.buy((TEE, 1))
    other = UUID(second["order"]["id"])
    await shop.db.execute("UPDATE order_claims SET cart_id = 'the-cart' WHERE order_id = $1", other)
    with pytest.raises(asyncpg.UniqueViolationError, match="order_claims_cart"):
        await shop.db.execute(revive, order)
