"""Workers that are killed in the middle of an import: it goes on from its last commit."""

import asyncio
from typing import Any

import msgspec
import pytest

from tests.api.bulk.conftest import Desk
from tests.workers.processes import kill_all, workers
from workers.broker import make_broker
from workers.relay import Relay

PRODUCTS = 12_000


@pytest.mark.timeout(300)
async def test_a_killed_worker_costs_no_row_and_doubles_none(desk: Desk) -> None:
    """If this fails, an import that met a crash left products out, or received their stock twice."""
    lines = [f"k{n},K,draft,K-{n},{n % 7 + 1},1.00" for n in range(PRODUCTS)]
    job = await desk.upload("slug,title,status,sku,stock,price_EUR\n" + "\n".join(lines))
    broker = make_broker(desk.shop.settings.broker_url)
    relay = Relay(desk.outbox, broker, messages_max=4)
    settings = msgspec.structs.replace(desk.shop.settings, work_processes=1, work_threads=2)

    async def state() -> Any:
        return await desk.shop.db.fetchrow(
            "SELECT status, rows_done, rows_failed FROM bulk_jobs WHERE id = $1::uuid", job["id"]
        )

    async def until(rows: int) -> None:
        while (await state())["rows_done"] < rows:
            await relay.step()
            await asyncio.sleep(0.01)

    deaths: list[int] = []
    for target in (1_000, 5_000, 9_000):
        async with asyncio.timeout(90), workers(settings) as process:
            await until(target)
            kill_all(process)
            await process.wait()
        deaths.append((await state())["rows_done"])
        # What a minute would do: the row's deadline passes, and the broker forgets the dead worker.
        await desk.shop.db.execute("UPDATE outbox SET available_at = now() WHERE topic = 'bulk.work'")
        broker.client.flushdb()
    assert deaths == sorted(set(deaths)), deaths
    assert deaths[-1] < PRODUCTS, "the last worker was not killed in the middle"
    async with asyncio.timeout(90), workers(settings):
        await until(PRODUCTS)
        while (await state())["status"] != "done":
            await asyncio.sleep(0.05)
    broker.close()
    _, found = await desk.call("GET", f"/v1/admin/imports/{job['id']}")
    assert (found["rows_done"], found["rows_failed"], found["products"]) == (PRODUCTS, 0, PRODUCTS)
    assert found["written"]["products_created"] == PRODUCTS
    stored = await desk.shop.db.fetchrow(
        """SELECT count(*) AS n, sum(s.on_hand) AS units, sum(m.units) AS received, max(m.times) AS times
           FROM variants v JOIN stock s USING (item_id)
           JOIN (SELECT item_id, sum(on_hand_delta) AS units, count(*) AS times FROM stock_movements GROUP BY 1) m USING (item_id)
           WHERE v.sku LIKE 'K-%'"""
    )
    units = sum(n % 7 + 1 for n in range(PRODUCTS))
    assert tuple(stored) == (PRODUCTS, units, units, 1)
    assert await desk.shop.db.fetchval("SELECT count(*) FROM bulk_pieces") == 0
    assert await desk.shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = 'bulk.work'") == 0
