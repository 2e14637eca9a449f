"""T1: kill -9 `serve` at every crash point; CRASHES says how often each (5 in the suite, 100 on request)."""

import asyncio
import os
import random

import aiohttp
import asyncpg
import pytest
import redis.asyncio as redis

from checkout.kit.crash import POINTS
from config import limits
from tests.crash.buyers import Buyers
from tests.crash.judge import judge, leave
from tests.crash.server import Server, serving
from tests.shop import Stores

CRASHES = int(os.environ.get("CRASHES", "5"))
RESTART_MAX_S = 3.0
_SKUS = 8
# Points passed once a batch or once an event are reached by few passages, the others by many.
_SELDOM = ("commit.", "settle.after_send", "give_back.", "cart.", "rebuild.")


class _Round:
    """One kill: what is sent so that this point is passed, and what is checked after it."""

    def __init__(self, server: Server, buyers: Buyers, db: asyncpg.Connection, gate: redis.Redis) -> None:
        self.server, self.buyers, self.db, self.gate = server, buyers, db, gate
        self.slowest_s = 0.0

    async def at(self, point: str, chance: random.Random, skus: list[str]) -> None:
        scarce = skus[0]
        await leave(self.db, scarce, chance.randint(2, 8))
        (child,) = self.server.children()
        passage = 1 if point.startswith(_SELDOM) else chance.randint(1, 20)
        self.server.arm(child, point, passage)
        await self._pass(point, chance, skus, child)
        assert await self.server.died(child, wait_s=10), f"{point}:{passage} was never passed"
        took_s = await self.server.serves()
        self.slowest_s = max(self.slowest_s, took_s)
        await self.buyers.insist()
        await self.buyers.ask_again(2)

    async def _pass(self, point: str, chance: random.Random, skus: list[str], child: int) -> None:
        buyers = self.buyers
        carts = [await buyers.fill_cart(**{chance.choice(skus[1:]): 1, skus[0]: 1}) for _ in range(3)]
        if point.startswith("rebuild."):
            await self.gate.flushdb()
        if point.startswith("give_back."):
            # The gate believes in units that Postgres does not have.
            item = await self.db.fetchval("SELECT item_id FROM variants WHERE sku = $1", skus[0])
            await self.gate.hincrby("{0}:stock", str(item), 50)
        if chance.random() < 0.5:
            await self.db.execute(
                "UPDATE prices SET amount_minor = amount_minor + 1 WHERE item_id = "
                "(SELECT item_id FROM variants WHERE sku = $1) AND currency = 'EUR'",
                skus[1],
            )
        wanted = buyers.random_purchases(skus, 24)
        for cart_id in carts:
            if cart_id is not None:
                wanted += [buyers.purchase(cart_id=cart_id) for _ in range(2)]
                del buyers.carts[cart_id]
        await buyers.send_all(wanted)


@pytest.mark.timeout(60 + CRASHES * len(POINTS) * 3)
async def test_serve_killed_at_every_point(stores: Stores, capsys: pytest.CaptureFixture[str]) -> None:
    """If this fails, a process that dies at the wrong moment loses an order, sells twice or forgets an answer."""
    database_url, gate_url = await stores.fresh_database(), stores.fresh_gate_url()
    db = await asyncpg.connect(database_url)
    gate = redis.Redis.from_url(gate_url)
    skus = [
        row["sku"]
        for row in await db.fetch(
            "SELECT sku FROM variants JOIN stock USING (item_id) WHERE on_hand > 0 ORDER BY sku LIMIT $1", _SKUS
        )
    ]
    for sku in skus:
        await leave(db, sku, 100_000)
    async with (
        serving(
            stores.folder / "serve-killed",
            database_url=database_url,
            gate_url=gate_url,
            broker_url=stores.fresh_broker_url(),
        ) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client,
    ):
        buyers = Buyers(server, client)
        one = _Round(server, buyers, db, gate)
        for point in sorted(POINTS):
            chance = random.Random(point)
            for _ in range(CRASHES):
                await one.at(point, chance, skus)
        assert one.slowest_s <= RESTART_MAX_S
        assert not buyers.broken, buyers.broken[:10]
        await asyncio.sleep(limits.CLAIM_ABANDONED_S)
        await judge(buyers, db, database_url, gate_url)
    await gate.aclose()
    await db.close()
    placed = sum(1 for purchase in buyers.purchases if purchase.order_id)
    with capsys.disabled():
        print(
            f"\n  {CRASHES * len(POINTS)} kills at {len(POINTS)} points: {len(buyers.purchases)} purchases, {placed} orders, "
            f"slowest restart {one.slowest_s:.2f} s"
        )
