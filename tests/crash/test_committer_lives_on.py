"""A committer that ended would leave a process that takes orders and decides none: nothing may end it."""

import asyncio
from typing import Any

import pytest

from checkout.app import PARTS
from checkout.orders.store import BatchConnection
from config import limits
from tests.crash.stock import plentiful
from tests.shop import TestShop


async def test_orders_are_decided_after_an_exception_that_nobody_thought_of(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, one surprise from the database's library stops a process from selling until it is restarted."""
    (sku,) = await plentiful(shop.db, 1)
    left = 2 * limits.COMMITTERS_PER_PROCESS
    place = BatchConnection.place

    async def surprised(self: BatchConnection, drafts: Any) -> Any:
        nonlocal left
        left -= 1
        if left >= 0:
            raise LookupError("a surprise")
        return await place(self, drafts)

    monkeypatch.setattr(BatchConnection, "place", surprised)
    for number in range(left):
        status, answer = await shop.buy((sku, 1), key=f"surprised-{number}")
        assert (status, answer["code"]) == (503, "outcome_unknown")
    status, _ = await shop.buy((sku, 1), key="surprised-0")
    assert status == 201


async def test_orders_are_decided_after_some_whose_buyers_gave_up_waiting(shop: TestShop) -> None:
    """If this fails, requests that ended while they waited for a slow database stop the process from selling."""
    (sku,) = await plentiful(shop.db, 1)
    committer = shop.app[PARTS].committer
    async with shop.db.acquire() as connection, connection.transaction():
        await connection.execute(
            "SELECT FROM stock JOIN variants USING (item_id) WHERE sku = $1 FOR UPDATE OF stock", sku
        )
        slow = []
        for batches in range(1, limits.COMMITTERS_PER_PROCESS + 1):
            slow.append(asyncio.create_task(shop.buy((sku, 1))))
            async with asyncio.timeout(5):
                while committer.stats.batches < batches or committer.waiting:
                    await asyncio.sleep(0.01)
        # Every committer waits for the row. Those who come now give up; their drafts are never looked at.
        for _ in range(limits.COMMITTERS_PER_PROCESS):
            committer.submit(None).cancel()
        await asyncio.sleep(limits.QUEUE_WAIT_S + 0.1)
    assert [status for status, _ in await asyncio.gather(*slow)] == [201] * len(slow)
    status, _ = await shop.buy((sku, 1))
    assert status == 201
