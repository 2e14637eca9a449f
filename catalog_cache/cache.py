"""The cache: memory first, then the shared tier, then the loader; one load a key, whoever asks.

**Guarantees** (held by tests/property/catalog_cache):
- One load a key is under way in this process; across processes one, for as long as a lease lasts.
- What was loaded before an invalidation of one of its tags is not kept after it, and who asks after the invalidation
  never gets it.
- While the shared tier is away the loader is called at most `load_concurrency` times at once.
- A stale document is served for at most its `stale_s`, and never after an invalidation.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from msgspec import Struct

from catalog_cache.entry import Document, Entry, encode
from catalog_cache.generations import Generations
from catalog_cache.memory import MemoryTier
from catalog_cache.shared import LEASE_MS, WAIT, Found, Load, SharedTier
from config import limits

Loader = Callable[[], Awaitable[Document | None]]
_POLL_S = 0.02
_MISSING_MAX = 20_000


class Stats(Struct):
    """Counted since the start; `hits` are those of `peek`."""

    hits: int = 0
    stale: int = 0
    misses: int = 0
    negatives: int = 0
    shared_hits: int = 0
    loads: int = 0
    waits: int = 0
    overtaken: int = 0
    invalidations: int = 0
    evicted: int = 0
    entries: int = 0
    bytes_held: int = 0
    shared_away: int = 0


class Cache:
    """Encoded documents by key.

    Cost: `peek` ≤ 0.3 µs; a miss is one load, shared by all who ask meanwhile.
    """

    def __init__(
        self,
        *,
        shared: SharedTier | None = None,
        max_bytes: int = limits.CATALOG_BYTES_MAX,
        max_entries: int = limits.CATALOG_ENTRIES_MAX,
        negative_s: float = limits.CATALOG_NEGATIVE_TTL_S,
        load_concurrency: int = 8,
        refresh_concurrency: int = 4,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memory = MemoryTier(max_bytes=max_bytes, max_entries=max_entries)
        self.shared = shared
        self._entries = self.memory.entries
        self._negative_s = negative_s
        self._clock = clock
        self._slots = asyncio.Semaphore(load_concurrency)
        self._refreshes_max = refresh_concurrency
        self._refreshing: set[str] = set()
        self._missing: dict[str, float] = {}
        self._flights: dict[str, asyncio.Task[Entry | None]] = {}
        self._tasks: set[asyncio.Task[Entry | None]] = set()
        self._generations = Generations()
        self._counts = Stats()

    def peek(self, key: str) -> Entry | None:
        """The fresh entry that this process holds; None: ask `get`."""
        entry = self._entries.get(key)
        if entry is None or entry.fresh_until <= self._clock():
            return None
        entry.used = True
        self._counts.hits += 1
        return entry

    async def get(self, key: str, loader: Loader) -> Entry | None:
        """The entry, loaded if need be; None when the loader says there is nothing.

        Raises: what the loader raises. Cost: at most one load a key, bounded in number over all keys.
        """
        entry = self.peek(key)
        if entry is not None:
            return entry
        now = self._clock()
        entry = self._entries.get(key)
        if entry is not None and entry.stale_until > now:
            entry.used = True
            self._counts.stale += 1
            if key not in self._refreshing and len(self._refreshing) < self._refreshes_max:
                self._refresh(key, loader)
            return entry
        if self._missing.get(key, 0.0) > now:
            self._counts.negatives += 1
            return None
        self._counts.misses += 1
        return await asyncio.shield(self._flight(key, loader))

    def invalidate(self, tags: Iterable[str]) -> None:
        """These tags' documents have changed: nothing loaded before now is served or kept, here or in the shared tier."""
        chosen = tuple(tags)
        self._counts.invalidations += 1
        self._generations.touch(chosen)
        for tag in chosen:
            self.memory.drop(tag)
        self._detach()
        if self.shared is not None:
            self.shared.invalidate(chosen)

    def flush(self) -> None:
        """Everything may have changed: events may have been missed."""
        self._counts.invalidations += 1
        self._generations.touch_all()
        self.memory.clear()
        self._detach()
        if self.shared is not None:
            self.shared.invalidate()

    def stats(self) -> Stats:
        """A snapshot of the counters and of what is held."""
        counts = self._counts
        counts.evicted, counts.entries = self.memory.evicted, len(self.memory)
        counts.bytes_held = self.memory.bytes_held
        counts.shared_away = 0 if self.shared is None else self.shared.away
        return Stats(**{name: getattr(counts, name) for name in Stats.__struct_fields__})

    async def close(self) -> None:
        """Ends the loads that are under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _detach(self) -> None:
        """Who asks from now on starts a load of their own: one under way may have read what is no longer true."""
        self._missing.clear()
        self._flights.clear()
        self._refreshing.clear()

    def _flight(self, key: str, loader: Loader) -> asyncio.Task[Entry | None]:
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.get_running_loop().create_task(self._fly(key, loader), name="catalog-load")
            self._flights[key] = flight
            self._tasks.add(flight)
            flight.add_done_callback(lambda done: self._landed(key, done))
        else:
            self._counts.waits += 1
        return flight

    def _landed(self, key: str, flight: asyncio.Task[Entry | None]) -> None:
        self._tasks.discard(flight)
        if self._flights.get(key) is flight:
            del self._flights[key]
            self._refreshing.discard(key)
        if not flight.cancelled():
            flight.exception()  # a refresh has no one waiting: its failure leaves the stale document in place

    def _refresh(self, key: str, loader: Loader) -> None:
        self._refreshing.add(key)
        self._flight(key, loader)

    async def _fly(self, key: str, loader: Loader) -> Entry | None:
        generations = self._generations
        began = generations.begin()
        try:
            found = await self._through_shared(key, loader)
            if found is None:
                if not generations.overtaken(began, None):
                    self.memory.remove(key)
                    self._remember_missing(key)
                return None
            document, fresh_s = found
            entry = encode(document, now=self._clock(), fresh_s=fresh_s, before=self._entries.get(key))
            if generations.overtaken(began, document.tags):
                self._counts.overtaken += 1
            else:
                self.memory.put(key, entry)
                self._missing.pop(key, None)
            return entry
        finally:
            generations.end()

    def _remember_missing(self, key: str) -> None:
        if len(self._missing) >= _MISSING_MAX:
            self._missing.clear()
        self._missing[key] = self._clock() + self._negative_s

    async def _through_shared(self, key: str, loader: Loader) -> tuple[Document, float | None] | None:
        shared = self.shared
        if shared is None:
            document = await self._load(loader)
            return None if document is None else (document, None)
        answer = await shared.read(key)
        give_up = self._clock() + LEASE_MS / 1000
        while answer == WAIT and self._clock() < give_up:
            await asyncio.sleep(_POLL_S)
            answer = await shared.read(key)
        if isinstance(answer, Found):
            self._counts.shared_hits += 1
            return answer.document, answer.fresh_s
        if not isinstance(answer, Load):
            document = await self._load(loader)
            return None if document is None else (document, None)
        try:
            document = await self._load(loader)
        except BaseException:  # raised again: whatever stops the loader, another process may load at once
            await asyncio.shield(shared.release(key))
            raise
        if document is None:
            await shared.release(key)
            return None
        await shared.store(key, document, answer)
        return document, None

    async def _load(self, loader: Loader) -> Document | None:
        async with self._slots:
            self._counts.loads += 1
            return await loader()
