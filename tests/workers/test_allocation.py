"""Booked orders are set aside at the locations that they leave from, once, and from no more than lies there."""

import asyncio
import json
import uuid

from checkout.outbox.model import ALLOCATE, TOPICS, Row
from checkout.outbox.work import work_all
from tests.workers.chain import Chain


async def _open(chain: Chain, code: str, units: int, *, country: str = "DE", priority: int = 100) -> None:
    """A location with so many units, taken from the main one."""
    await chain.pool.execute(
        "INSERT INTO locations (code, name, country, priority) VALUES ($1, $1, $2, $3)",
        code,
        country,
        priority,
    )
    await chain.pool.execute(
        """INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, location, document_id)
           SELECT gen_random_uuid(), $1, 'transfer', d, l, '00000000-0000-7000-8000-000000000000'
           FROM (VALUES (-$3::int, 'main'), ($3, $2)) AS v (d, l)""",
        chain.item_id,
        code,
        units,
    )


async def _aside(chain: Chain) -> dict[str, int]:
    rows = await chain.pool.fetch(
        "SELECT location, allocated FROM location_stock WHERE item_id = $1 AND allocated > 0", chain.item_id
    )
    told = await chain.pool.fetch(
        "SELECT location, sum(units)::int AS units FROM allocations GROUP BY location"
    )
    assert {row["location"]: row["units"] for row in told} == {
        row["location"]: row["allocated"] for row in rows
    }
    return {row["location"]: row["allocated"] for row in rows}


async def test_with_one_location_there_is_nothing_to_choose(chain: Chain) -> None:
    """If this fails, the usual shop pays for a choice that it does not have."""
    order = await chain.place()
    await chain.drain()
    assert await chain.pool.fetchval("SELECT location FROM shipments WHERE order_id = $1", order) == "main"
    assert await _aside(chain) == {}


async def test_orders_leave_from_where_they_are_set_aside(chain: Chain) -> None:
    """If this fails, two orders are sent to fetch the same unit, or one is sent from the wrong place."""
    await _open(chain, "paris", 10, country="FR", priority=1)
    await _open(chain, "lyon", 3, country="FR", priority=0)
    orders = [await chain.place(quantity=2) for _ in range(7)]
    await chain.drain()
    assert await _aside(chain) == {"lyon": 2, "paris": 10, "main": 2}
    rows = await chain.pool.fetch("SELECT location FROM shipments WHERE order_id = ANY ($1::uuid[])", orders)
    assert sorted(row["location"] for row in rows) == ["lyon", "main", *["paris"] * 5]


async def test_a_large_order_is_split_and_set_aside_once(chain: Chain) -> None:
    """If this fails, an order that no location has whole is sent from one that lacks units, or set aside twice."""
    await chain.pool.execute("UPDATE locations SET active = false WHERE code = 'main'")
    await _open(chain, "lyon", 3, priority=0)
    await _open(chain, "paris", 4)
    order = await chain.place(quantity=6)
    for _ in range(4):
        await chain.hurry()
        await chain.step()
        if await chain.status(order) == "booked":
            break
    row_id = await chain.pool.fetchval("SELECT id FROM outbox WHERE topic = $1", ALLOCATE)
    row = Row(row_id, order, 1)
    await asyncio.gather(
        *(work_all(TOPICS[ALLOCATE], [row], chain.verbs[ALLOCATE], chain.outbox) for _ in range(4))
    )
    await chain.drain()
    assert await _aside(chain) == {"lyon": 3, "paris": 3}
    assert await chain.pool.fetchval("SELECT location FROM shipments WHERE order_id = $1", order) == "lyon"


async def test_subscribers_are_told_of_orders_by_the_commits_that_change_them(chain: Chain) -> None:
    """If this fails, whoever packs parcels outside does not learn of an order, or of one that never was."""
    listener = uuid.uuid4()
    await chain.pool.execute(
        """INSERT INTO webhook_endpoints (id, url, events, created_by)
           VALUES ($1, 'http://127.0.0.1:9/', '{order.paid,order.booked,order.cancelled}', 'test')""",
        listener,
    )
    order = await chain.place(quantity=2)
    for _ in range(6):
        await chain.pool.execute("UPDATE outbox SET available_at = now() WHERE topic <> 'webhook.send'")
        for topic in TOPICS.keys() - {"webhook.send"}:
            await chain.step(only=topic)
    assert await chain.status(order) == "booked"
    rows = await chain.pool.fetch(
        "SELECT subject_id, payload FROM outbox WHERE topic = 'webhook.send' ORDER BY id"
    )
    assert {row["subject_id"] for row in rows} == {listener}
    told = [json.loads(row["payload"]) for row in rows]
    assert [message["type"] for message in told] == ["order.paid", "order.booked"]
    assert told[0]["data"] | {"number": 0} == {
        "order_id": str(order), "number": 0, "status": "paid", "currency": "EUR", "total": 2490,
        "lines": [{"sku": "TEST-1", "quantity": 2}],
    }  # fmt: skip
