"""Retries of keys whose first answer never arrived, in the states of the stores that a dead process leaves behind."""

import asyncio

from checkout.app import PARTS
from checkout.kit.ids import claim_id
from checkout.stock.gate import OPEN_CLAIMS, STOCK
from tests.crash.stock import leave
from tests.shop import TestShop


async def test_a_retry_among_buyers_who_come_too_late_gives_the_order(shop: TestShop) -> None:
    """If this fails, who bought the last unit and lost the answer is told that it is sold out."""
    sku = await shop.db.fetchval(
        "SELECT sku FROM variants JOIN stock USING (item_id) WHERE on_hand > 0 LIMIT 1"
    )
    item = await shop.db.fetchval("SELECT item_id FROM variants WHERE sku = $1", sku)
    await leave(shop.db, sku, 1)
    await shop.quiet()
    status, bought = await shop.buy((sku, 1), key="the-first")
    assert status == 201
    gate = shop.app[PARTS].gate
    # A gate that has stood for a while: Postgres is not asked about what it refuses.
    await shop.db.execute("UPDATE gate_state SET forgets_until = NULL")
    assert await gate.refresh()
    # As if the process had died before it told the gate, while the gate believes in units that Postgres does not have.
    await gate.lane.call(b"SADD", OPEN_CLAIMS, claim_id("guest", "the-first").bytes)
    await gate.lane.call(b"HINCRBY", STOCK, item, 50)
    # In the midst of the others, so that one statement decides it together with some who cannot be served.
    late = [shop.buy((sku, 1)) for _ in range(40)]
    again = shop.buy((sku, 1), key="the-first")
    answers = await asyncio.gather(*late[:20], again, *late[20:])
    assert answers.pop(20) == (201, bought)
    assert {status for status, _ in answers} == {409}
