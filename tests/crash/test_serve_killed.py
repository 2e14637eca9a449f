"""T1: kill −9 `serve` at every crash point.

`CRASHES` says how often each, 5 if it is not set: `CRASHES=100 python -m pytest tests/crash/test_serve_killed.py` is
the full test. A few shops share the points, so that one's waiting is another's work.
"""

import asyncio
import os
import random
import signal
import statistics
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import asyncpg
import pytest
import redis.asyncio as redis

from checkout.kit.crash import POINTS
from tests.crash.buyers import Buyers
from tests.crash.conftest import BreakableStores
from tests.crash.judge import judge
from tests.crash.server import Server, serving
from tests.crash.stock import leave, plentiful

CRASHES = int(os.environ.get("CRASHES", "5"))
RESTART_MAX_S = 3.0
_SHOPS = 3
_DIES_WITHIN_S = 30.0
# The passage at which the process dies is drawn up to these: some points are passed by every purchase, some seldom.
_PASSAGES_MOST = 12
_SELDOM = {"commit": 3, "settle": 3, "give_back": 1, "cart": 1, "rebuild": 1}


@dataclass(slots=True)
class _Shop:
    """A shop that is killed again and again, what is sent so that a point is passed, what is checked after each kill."""

    server: Server
    buyers: Buyers
    db: asyncpg.Pool
    gate: redis.Redis
    skus: list[str]
    urls: tuple[str, str]
    restarts_s: dict[str, list[float]] = field(default_factory=dict)

    async def kill_at(self, point: str, chance: random.Random) -> None:
        """One kill and everything after it."""
        server, buyers = self.server, self.buyers
        if point.startswith("give_back.") or chance.random() < 0.5:
            await leave(self.db, self.skus[0], chance.randint(2, 8))
        else:
            await self._dearer(self.skus[1])
        (child,) = server.children()
        passage = chance.randint(1, _SELDOM.get(point.partition(".")[0], _PASSAGES_MOST))
        server.arm(child, point, passage)
        outage = asyncio.create_task(server.outage(child))
        try:
            async with asyncio.timeout(_DIES_WITHIN_S):
                while child in server.children():
                    await self._wave(point, chance)
        except TimeoutError:
            outage.cancel()
            raise AssertionError(f"{point} was not passed {passage} times") from None
        self.restarts_s.setdefault(point, []).append(await outage)
        await buyers.insist()
        await buyers.ask_again(4)
        if point.startswith("rebuild."):
            buyers.carts.clear()  # the gate was flushed: what it alone knew is gone, as promised
        await buyers.check_carts()
        await judge(buyers, self.db, *self.urls)

    async def _wave(self, point: str, chance: random.Random) -> None:
        """Purchases at once: inline, and two of one cart; more than there is of the scarce SKU."""
        buyers = self.buyers
        carts = await asyncio.gather(*(buyers.cart_of_some(held=held) for held in (False, True)))
        if point.startswith("rebuild."):
            await self.gate.flushdb()
        if point.startswith("give_back."):
            # The gate believes in units that Postgres does not have.
            item = await self.db.fetchval("SELECT item_id FROM variants WHERE sku = $1", self.skus[0])
            await self.gate.hincrby("{0}:stock", str(item), 10)
        wanted = [buyers.of_some() for _ in range(8)]
        for cart_id in carts:
            if cart_id is not None and chance.random() < 0.5:
                del buyers.carts[cart_id]
                wanted += [buyers.purchase(cart_id=cart_id) for _ in range(2)]
        await buyers.send_all(wanted)

    async def _dearer(self, sku: str) -> None:
        await self.db.execute(
            "UPDATE prices SET amount_minor = amount_minor + 1 WHERE currency = 'EUR' AND item_id = "
            "(SELECT item_id FROM variants WHERE sku = $1)",
            sku,
        )


@asynccontextmanager
async def _shop(stores: BreakableStores, number: int) -> AsyncIterator[_Shop]:
    database_url, gate_url = await stores.fresh_database(), stores.fresh_gate_url()
    async with (
        asyncpg.create_pool(database_url, min_size=1, max_size=2) as db,
        redis.Redis.from_url(gate_url) as gate,
        serving(stores, f"killed-{number}", database_url=database_url, gate_url=gate_url) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client,
    ):
        skus = await plentiful(db, 8)
        buyers = Buyers(server.url, client, skus, seed=number)
        yield _Shop(server, buyers, db, gate, skus, (database_url, gate_url))


@pytest.mark.timeout(120 + CRASHES * len(POINTS) * 3)
async def test_serve_killed_at_every_point(
    stores: BreakableStores, capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails, a process that dies at the wrong moment loses an order, sells twice or forgets an answer."""
    assert len(POINTS) >= 12

    async def run(number: int) -> _Shop:
        async with _shop(stores, number) as shop:
            for point in sorted(POINTS)[number::_SHOPS]:
                chance = random.Random(point)
                for kill in range(CRASHES):
                    try:
                        await shop.kill_at(point, chance)
                    except Exception as error:
                        error.add_note(f"kill {kill + 1} at {point}; {shop.server.log}")
                        raise
            assert shop.server.ends() == [-signal.SIGKILL] * sum(map(len, shop.restarts_s.values()))
        return shop

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(run(number)) for number in range(_SHOPS)]
    shops = [task.result() for task in tasks]
    restarts_s = {point: times for shop in shops for point, times in shop.restarts_s.items()}
    assert {point: len(times) for point, times in restarts_s.items()} == dict.fromkeys(POINTS, CRASHES)
    # By the median, because three shops restart at once here, on a machine that may be busy with more.
    slow = {point: times for point, times in restarts_s.items() if statistics.median(times) > RESTART_MAX_S}
    assert not slow
    all_s = [took for times in restarts_s.values() for took in times]
    purchases = [one for shop in shops for one in shop.buyers.purchases]
    unanswered = sum(1 for one in purchases if one.statuses[0] == 0)
    orders = sum(1 for one in purchases if one.order_id)
    with capsys.disabled():
        print(
            f"\n  {len(all_s)} kills at {len(POINTS)} points: {len(purchases)} purchases, {unanswered} unanswered at first, "
            f"{orders} orders; restart median {statistics.median(all_s):.2f} s, slowest {max(all_s):.2f} s"
        )
