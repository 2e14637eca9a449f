"""The cache without a shared tier, its loader held up at will; and the order of events at random."""

import asyncio
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_cache import Cache, Document


class Source:
    """A document whose number can be changed, read slowly: the value is taken at the start, given when released."""

    def __init__(self, *, tags: tuple[str, ...] = ("t",)) -> None:
        self.value: int | None = 1
        self.tags = tags
        self.loads = 0
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> Document | None:
        self.loads += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        value = self.value
        await asyncio.sleep(0)
        await self.gate.wait()
        self.at_once -= 1
        return None if value is None else Document(b"%d" % value, tags=self.tags, fresh_s=10, stale_s=20)


async def test_many_who_ask_are_one_load() -> None:
    """If it fails, a popular page that falls out of the cache takes the database down."""
    source, cache = Source(), Cache()
    entries = await asyncio.gather(*(cache.get("k", source) for _ in range(500)))
    assert source.loads == 1
    assert all(entry is entries[0] for entry in entries)
    assert cache.peek("k") is entries[0]


async def test_an_overtaken_load_is_neither_kept_nor_given_to_later_callers() -> None:
    """If it fails, a slow query puts the old price back after the change."""
    source, cache = Source(), Cache()
    source.gate.clear()
    early = asyncio.create_task(cache.get("k", source))
    await asyncio.sleep(0.01)
    source.value = 2
    cache.invalidate(["t"])
    late = asyncio.create_task(cache.get("k", source))
    await asyncio.sleep(0.01)
    source.gate.set()
    assert (await early).body == b"1"  # type: ignore[union-attr]  # asked before the change
    assert (await late).body == b"2"  # type: ignore[union-attr]
    assert cache.peek("k").body == b"2"  # type: ignore[union-attr]
    assert cache.stats().overtaken == 1


async def test_a_load_of_something_else_is_kept() -> None:
    """If it fails, a busy catalogue never caches anything."""
    source, cache = Source(tags=("mine",)), Cache()
    source.gate.clear()
    load = asyncio.create_task(cache.get("k", source))
    await asyncio.sleep(0.01)
    cache.invalidate(["other"])
    source.gate.set()
    await load
    assert cache.peek("k") is not None


async def test_nothing_is_remembered_briefly() -> None:
    """If it fails, guesses reach the database each time, or a new product stays unknown."""
    now = [0.0]
    source, cache = Source(), Cache(clock=lambda: now[0], negative_s=5)
    source.value = None
    assert [await cache.get("k", source) for _ in range(10)] == [None] * 10
    assert source.loads == 1
    source.value = 3
    cache.invalidate(["anything"])
    assert (await cache.get("k", source)).body == b"3"  # type: ignore[union-attr]
    source.value = None
    assert await cache.get("other", source) is None
    source.value = 4
    now[0] = 6
    assert (await cache.get("other", source)) is not None


async def test_stale_is_served_while_a_new_one_is_loaded_and_not_for_ever() -> None:
    """If it fails, each expiry makes someone wait; or old pages are served without end."""
    now = [0.0]
    source, cache = Source(), Cache(clock=lambda: now[0])
    await cache.get("k", source)
    source.value, now[0] = 2, 15.0
    assert cache.peek("k") is None
    assert (await cache.get("k", source)).body == b"1"  # type: ignore[union-attr]
    await asyncio.sleep(0.01)
    assert cache.peek("k").body == b"2"  # type: ignore[union-attr]
    source.value, now[0] = 3, 100.0
    assert (await cache.get("k", source)).body == b"3"  # type: ignore[union-attr]


async def test_loads_are_bounded_in_number() -> None:
    """If it fails, a cold cache opens as many queries as there are visitors."""
    source, cache = Source(), Cache(load_concurrency=4)
    source.gate.clear()
    waiting = [asyncio.create_task(cache.get(f"k{n}", source)) for n in range(100)]
    await asyncio.sleep(0.02)
    assert source.most_at_once == 4
    source.gate.set()
    await asyncio.gather(*waiting)
    assert source.most_at_once == 4


async def test_a_failed_load_is_told_and_tried_again() -> None:
    """If it fails, one failed query is remembered as the answer."""
    cache = Cache()

    async def broken() -> Document | None:
        raise OSError("away")

    answers = await asyncio.gather(*(cache.get("k", broken) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, OSError) for answer in answers)
    assert await cache.get("k", Source()) is not None


async def test_a_visitor_who_leaves_does_not_stop_the_load() -> None:
    """If it fails, one closed tab fails everyone who waits for the same page."""
    source, cache = Source(), Cache()
    source.gate.clear()
    leaver, stayer = (asyncio.create_task(cache.get("k", source)) for _ in range(2))
    await asyncio.sleep(0.01)
    leaver.cancel()
    await asyncio.sleep(0.01)
    source.gate.set()
    assert (await stayer) is not None
    assert source.loads == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["ask", "change", "flush", "turn", "hold", "release"]), max_size=40))
def test_no_order_of_events_leaves_an_old_document(events: list[str]) -> None:
    """If it fails, there is a schedule after which the shop shows what is no longer true."""

    async def run() -> None:
        source, cache = Source(), Cache()
        assert source.value is not None
        asked: list[tuple[int, asyncio.Task]] = []
        for event in events:
            if event == "ask":
                asked.append((source.value, asyncio.create_task(cache.get("k", source))))
                await asyncio.sleep(0)
            elif event in ("change", "flush"):
                source.value += 1
                cache.invalidate(["t"]) if event == "change" else cache.flush()
            elif event == "turn":
                await asyncio.sleep(0)
            else:
                source.gate.clear() if event == "hold" else source.gate.set()
        source.gate.set()
        for least, task in asked:
            assert int((await task).body) >= least
        kept = cache.peek("k")
        assert kept is None or int(kept.body) == source.value

    asyncio.run(run())


@pytest.mark.timeout(20)
async def test_a_hit_is_cheap() -> None:
    """If it fails, the cache costs more than the answer."""
    cache = Cache()
    await cache.get("k", Source())
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(10_000):
            cache.peek("k")
        best = min(best, (time.perf_counter() - began) / 10_000)
    assert best < 2e-6
