"""The gate follows Postgres: whatever was lost, forgotten or changed behind its back, within two seconds of quiet."""

import asyncio
import uuid

from checkout.app import PARTS
from checkout.stock.gate import STOCK
from checkout.stock.model import Verdict
from checkout.stock.reconcile import Reconciler
from config import limits
from tests.shop import TestShop

MUG = "MUG-CLASSIC"


async def _item(shop: TestShop, sku: str) -> int:
    return int(await shop.db.fetchval("SELECT item_id FROM variants WHERE sku = $1", sku))


async def _in_gate(shop: TestShop, item: int) -> int:
    units = await shop.app[PARTS].gate.available([item])
    assert units is not None
    return units[0]


async def test_a_drifted_counter_heals(shop: TestShop) -> None:
    """If this fails, units sit unsold, or hopeless orders reach Postgres, until somebody notices."""
    item = await _item(shop, MUG)
    await shop.set_stock(MUG, 40)
    for wrong in (-7, 13):
        await shop.app[PARTS].gate.lane.call("HINCRBY", STOCK, item, wrong)
        async with asyncio.timeout(limits.GATE_HEALED_S + 3):
            while await _in_gate(shop, item) != 40:
                await asyncio.sleep(0.05)


async def test_repair_does_not_count_a_claim_twice(shop: TestShop) -> None:
    """If this fails, repairing a SKU during a sale gives units away twice or loses them."""
    parts = shop.app[PARTS]
    item = await _item(shop, MUG)
    await shop.set_stock(MUG, 40)
    claim = uuid.uuid4()
    assert (await parts.gate.admit(claim, [(item, 3)])).verdict is Verdict.ADMITTED
    await parts.stock.add_suspects([item])
    await shop.quiet()
    assert await _in_gate(shop, item) == 37
    status, _ = await shop.buy((MUG, 2), key="k")
    assert status == 201
    await parts.stock.add_suspects([item])
    await shop.quiet()
    assert await _in_gate(shop, item) == 35
    await parts.gate.give_back([claim])
    assert await _in_gate(shop, item) == 38


async def test_an_expired_hold_comes_back(shop: TestShop) -> None:
    """If this fails, a shopper who left keeps the last units for ever."""
    parts = shop.app[PARTS]
    item = await _item(shop, MUG)
    await shop.set_stock(MUG, 2)
    held = await parts.gate.hold(uuid.uuid4(), [(item, 2)], ttl_s=1.0)
    assert held.held
    assert (await shop.buy((MUG, 1)))[0] == 409
    async with asyncio.timeout(5):
        while (await shop.buy((MUG, 1)))[0] != 201:
            await asyncio.sleep(0.1)


async def test_an_abandoned_claim_is_settled_or_given_back(shop: TestShop) -> None:
    """If this fails, a process that died between gate and Postgres keeps units for ever."""
    parts = shop.app[PARTS]
    item = await _item(shop, MUG)
    await shop.set_stock(MUG, 10)
    assert (await parts.gate.admit(uuid.uuid4(), [(item, 4)])).verdict is Verdict.ADMITTED
    reconciler = Reconciler(parts.gate, parts.stock, abandoned_s=0.0)
    await asyncio.sleep(0.02)
    assert await reconciler.give_back_abandoned() == 1
    assert await _in_gate(shop, item) == 10


async def test_a_lost_gate_is_rebuilt_and_the_shop_stays_open(shop: TestShop) -> None:
    """If this fails, losing the gate closes the shop or leaves it with wrong counters."""
    item = await _item(shop, MUG)
    await shop.set_stock(MUG, 30)
    statuses = []
    for number in range(20):
        if number == 5:
            await shop.app[PARTS].gate.lane.call("FLUSHDB")
        statuses.append((await shop.buy((MUG, 1)))[0])
    assert statuses == [201] * 20
    async with asyncio.timeout(5):
        while not shop.app[PARTS].gate.is_open or await _in_gate(shop, item) != 10:
            await asyncio.sleep(0.05)
    assert await shop.stock(MUG) == (30, 20)


async def test_a_key_is_known_after_the_gate_forgot_it(shop: TestShop) -> None:
    """If this fails, the buyer of the last unit is told that it is sold out when the gate was lost in between."""
    await shop.set_stock(MUG, 1)
    first = await shop.buy((MUG, 1), key="last")
    assert first[0] == 201
    await shop.app[PARTS].gate.lane.call("FLUSHDB")
    async with asyncio.timeout(5):
        while not shop.app[PARTS].gate.is_open:
            await asyncio.sleep(0.05)
    await shop.quiet()
    assert (await shop.buy((MUG, 1)))[0] == 409
    assert await shop.buy((MUG, 1), key="last") == first
