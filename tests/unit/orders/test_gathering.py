"""When a committer sends what waits: at once when the process is idle, in company when a batch is under way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest

from checkout.kit.ids import uuid7
from checkout.orders.committer import Committer
from checkout.orders.model import Draft, Placed
from checkout.orders.store import BatchConnection
from config import limits

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Held(BatchConnection):
    """A connection whose statements end when the test says so."""

    def __init__(self, sizes: list[int], ended: asyncio.Event) -> None:
        super().__init__("", payment_window_s=1)
        self.sizes, self.ended = sizes, ended

    async def ready(self) -> bool:
        return True

    async def place(self, drafts: Sequence[Draft]) -> dict[object, Placed]:
        self.sizes.append(len(drafts))
        await self.ended.wait()
        return {draft.id: Placed(1, AT, AT) for draft in drafts}


class World:
    """A committer of two connections; `sizes` are the batches as they were sent."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.ended = asyncio.Event()
        self.committer = Committer("", connections=2)
        self.committer._connect = lambda: Held(self.sizes, self.ended)  # type: ignore[method-assign]

    def submit(self, count: int) -> "list[asyncio.Future[object]]":
        """So many orders, now."""
        return [self.committer.submit(draft()) for _ in range(count)]  # type: ignore[misc]


def draft() -> Draft:
    """An order of one line."""
    return Draft(
        *(uuid7(), uuid7(), uuid7(), None, None, b"", b"", "DE", "EUR"),
        *(1, 0, 0, 0, 1, b"{}", "stripe", "card", [(1, 1, 1, 1)]),
    )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Started, and ended."""
    made = World()
    made.committer.start()
    yield made
    made.ended.set()
    await made.committer.stop()


async def test_who_is_alone_is_sent_at_once(world: World) -> None:
    """If this fails, an order in a quiet shop waits for company that does not come."""
    world.submit(1)
    for _ in range(5):
        await asyncio.sleep(0)
    assert world.sizes == [1]


async def test_few_wait_for_company_while_a_batch_is_under_way(world: World) -> None:
    """If this fails, a shop at half its load pays for a statement an order."""
    world.submit(1)
    await asyncio.sleep(0)
    waiting = []
    for _ in range(8):
        waiting += world.submit(1)
        await asyncio.sleep(0)
    await asyncio.sleep(limits.BATCH_GATHERS_S * 5)
    assert world.sizes == [1, 8]
    world.ended.set()
    assert len(await asyncio.gather(*waiting)) == 8


async def test_many_do_not_wait(world: World) -> None:
    """If this fails, a busy shop waits between its batches for nothing."""
    world.submit(1)
    await asyncio.sleep(0)
    world.submit(limits.BATCH_GATHERS_TO)
    for _ in range(5):
        await asyncio.sleep(0)
    assert world.sizes == [1, limits.BATCH_GATHERS_TO]
