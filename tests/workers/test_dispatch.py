"""The relay, the broker and real worker processes, killed and wiped at bad moments (T4)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio

from checkout.outbox.model import CAPTURE
from config import limits
from tests.workers.chain import Chain
from tests.workers.processes import kill_all, workers
from workers import relay


@asynccontextmanager
async def relaying(chain: Chain) -> AsyncIterator[None]:
    """The relay with its sweepers, in this process."""
    running = asyncio.create_task(relay.run(chain.settings))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_orders_reach_booked_through_the_broker(chain: Chain) -> None:
    """If this fails, nothing happens to an order after its answer."""
    async with relaying(chain), workers(chain.settings):
        orders = [await chain.place() for _ in range(5)]
        for order in orders:
            await chain.until(order, "booked", wait_s=20)
        assert all(row["charged"] == 1490 for row in (await chain.ledger()).values())


async def test_a_worker_killed_around_the_providers_call_charges_once(chain: Chain) -> None:
    """If this fails, kill -9 of a worker loses an order's payment or takes the money twice (T4)."""
    await chain.knobs(latency_ms=400, operations=["stripe.payment_intents.create"])
    async with relaying(chain):
        async with workers(chain.settings) as first:
            orders = [await chain.place() for _ in range(4)]
            async with asyncio.timeout(15):
                while await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE attempts > 0") < len(
                    orders
                ):
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            kill_all(first)
        await chain.knobs(latency_ms=0)
        async with workers(chain.settings):
            for order in orders:
                await chain.until(order, "booked", wait_s=limits.RESUME_MAX_S)
    for order in orders:
        assert (await chain.ledger())[str(order)]["charges"] == 1
        assert await chain.attempts(order) == [(1, "succeeded")]


async def test_a_wiped_broker_loses_no_work(chain: Chain) -> None:
    """If this fails, losing the broker loses what its queues held (T4)."""
    order = await chain.place()
    async with relaying(chain):
        async with asyncio.timeout(10):
            while not await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE attempts > 0"):
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        client = redis.asyncio.Redis.from_url(chain.settings.broker_url)
        assert await client.dbsize() > 0
        await client.flushdb()
        await client.aclose()
        due_in_s = await chain.pool.fetchval(
            "SELECT extract(epoch FROM available_at - now())::float8 FROM outbox WHERE topic = $1", CAPTURE
        )
        assert 0 < due_in_s < limits.RESUME_MAX_S
        await chain.hurry()  # the deadline, without the wait
        async with workers(chain.settings):
            await chain.until(order, "booked", wait_s=20)
    assert (await chain.ledger())[str(order)]["charges"] == 1
