"""The shared tier against a real server: two processes' worth of caches, leases, and invalidations that nothing overtakes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from catalog_cache import Cache, Document, SharedTier
from catalog_cache.shared import WAIT, Found, Load
from checkout.errors import Unavailable
from checkout.kit.lane import Lane, ReplyError
from tests.property.catalog_cache.test_cache import Source
from tests.shop import Stores

Make = Callable[[], Any]


@pytest.fixture
async def node(stores: Stores) -> AsyncIterator[Make]:
    """Makes caches of one gate, each with a lane of its own, as processes have."""
    url = stores.fresh_gate_url()
    lanes: list[Lane] = []

    async def make() -> Cache:
        lane = Lane(url)
        shared = SharedTier(lane, failures=(Unavailable, ReplyError))
        lane.on_connect = shared.on_connect
        await lane.start(wait_s=2)
        lanes.append(lane)
        return Cache(shared=shared)

    yield make
    for lane in lanes:
        await lane.close()


async def test_what_one_loads_the_other_finds(node: Make) -> None:
    """If it fails, every process loads everything itself."""
    one, other = await node(), await node()
    source = Source()
    await one.get("k", source)
    entry = await other.get("k", source)
    assert (entry.body, source.loads, other.stats().shared_hits) == (b"1", 1, 1)


async def test_one_of_many_processes_loads(node: Make) -> None:
    """If it fails, a popular page that expires is loaded by all processes at once."""
    caches = [await node() for _ in range(5)]
    source = Source()
    source.gate.clear()
    waiting = [asyncio.create_task(cache.get("k", source)) for cache in caches for _ in range(10)]
    await asyncio.sleep(0.1)
    source.gate.set()
    assert all(entry.body == b"1" for entry in await asyncio.gather(*waiting))
    assert source.loads == 1


async def test_an_overtaken_load_is_not_shared(node: Make) -> None:
    """If it fails, a slow process gives everyone the old price for as long as a document lives."""
    slow, other = await node(), await node()
    source = Source()
    source.gate.clear()
    load = asyncio.create_task(slow.get("k", source))
    await asyncio.sleep(0.05)
    source.value = 2
    other.invalidate(["t"])  # `slow` has not heard of it yet
    await asyncio.sleep(0.05)
    source.gate.set()
    assert (await load).body == b"1"
    assert slow.shared.refused == 1
    assert (await other.get("k", source)).body == b"2"


async def test_what_was_shared_before_a_change_is_not_read_after_it(node: Make) -> None:
    """If it fails, a process that heard of a change fetches the old document back."""
    one, other = await node(), await node()
    source = Source()
    await one.get("k", source)
    source.value = 2
    other.invalidate(["t"])
    assert (await other.get("k", source)).body == b"2"
    one.invalidate(["unrelated"])
    other.memory.clear()
    assert (await other.get("k", source)).body == b"2"
    assert source.loads == 2
    one.flush()
    source.value = 3
    assert (await one.get("k", source)).body == b"3"


async def test_a_lost_lease_does_not_block(node: Make) -> None:
    """If it fails, a process that died while loading makes everyone else wait for ever."""
    cache = await node()
    dead = SharedTier(cache.shared._lane, failures=(Unavailable,))
    assert isinstance(await dead.read("k"), Load)
    assert await cache.shared.read("k") == WAIT
    async with asyncio.timeout(4):
        assert (await cache.get("k", Source())).body == b"1"


async def test_a_failed_load_gives_the_lease_back(node: Make) -> None:
    """If it fails, one failed query blocks a page for the time of a lease."""
    cache = await node()

    async def broken() -> Document | None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        await cache.get("k", broken)
    async with asyncio.timeout(0.5):
        assert await cache.get("k", Source()) is not None


async def test_a_server_that_lost_everything_is_not_believed(node: Make) -> None:
    """If it fails, an old generation number makes stale documents valid after FLUSHALL."""
    cache = await node()
    source, lane = Source(), cache.shared._lane
    for _ in range(5):
        cache.invalidate(["t"])
    load = await cache.shared.read("k")
    assert isinstance(load, Load)
    await lane.call(b"FLUSHDB")
    assert await cache.shared.store("k", Document(b"old", tags=("t",)), load) is False
    assert not isinstance(await cache.shared.read("k", lease=False), Found)
    assert (await cache.get("k", source)).body == b"1"


async def test_away_is_not_an_error(node: Make) -> None:
    """If it fails, losing Redis closes the shop window."""
    cache = await node()
    await cache.shared._lane.close()
    source = Source()
    assert (await cache.get("k", source)).body == b"1"
    source.value = 2
    cache.invalidate(["t"])
    assert (await cache.get("k", source)).body == b"2"
    assert cache.stats().shared_away > 0


async def test_a_new_connection_believes_nothing_that_is_there(node: Make) -> None:
    """If it fails, a gate that came back from an old file shows documents whose invalidation it lost."""
    one, other = await node(), await node()
    source = Source()
    await one.get("k", source)
    source.value = 2
    other.shared._lane.drop()
    async with asyncio.timeout(3):
        while (entry := await other.get("k", source)) is None or entry.body != b"2":
            other.memory.clear()
            await asyncio.sleep(0.02)
