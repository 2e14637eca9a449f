"""Put all personal data under the first key, while the shop is open."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checkout.carts.personal import CART
from checkout.kit.db import RETRYABLE
from checkout.personal.model import KEPT, Kept
from checkout.personal.store import PersonalStore
from config import limits

Moved = Callable[[int, int], None]
"""Told of (rows looked at, rows in all)."""


@dataclass(slots=True)
class Rotated:
    """What a rotation did, and what is left: rows by table, and by the key they lie under."""

    sealed: dict[str, int] = field(default_factory=dict)
    left: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether no row is left."""
        return not self.left


async def rotate(store: PersonalStore, current: int, *, moved: Moved = lambda done, total: None) -> Rotated:
    """Seals what is plain or under another key than `current`, then counts again. Retry: safe, what is done is passed over.

    Cost: a scan of each table, one transaction a batch; a last scan proves it.
    """
    counted = await store.by_key()
    total, looked, result = sum(sum(keys.values()) for keys in counted.values()), 0, Rotated()
    for kept in KEPT:
        for attempt in range(limits.RESEAL_PASSES_MAX):
            seen, sealed, missed = await _pass(store, kept, lambda n, at=looked: moved(at + n, total))  # type: ignore[misc]
            result.sealed[kept.table] = result.sealed.get(kept.table, 0) + sealed
            if missed == 0 and (kept.table != CART or sealed == 0):
                break
            # Of a cart a server may be about to keep what it read before.
            pause_s = limits.RESEAL_PAUSE_S * 2**attempt
            await asyncio.sleep(
                max(pause_s, 3 * limits.CART_PERSIST_INTERVAL_S) if kept.table == CART else pause_s
            )
        looked += seen
    for table, keys in (await store.by_key()).items():
        left = {number: rows for number, rows in keys.items() if number != current}
        if left:
            result.left[table] = left
    moved(total, total)
    return result


async def _pass(store: PersonalStore, kept: Kept, moved: Callable[[int], None]) -> tuple[int, int, int]:
    """(rows looked at, rows sealed, rows that others held) of one walk over a table."""
    seen, sealed, missed = 0, 0, 0
    after: Any = kept.first
    while True:
        rows, after, wanted = await store.page(kept, after, limits.RESEAL_BATCH)
        if wanted:
            try:
                done = await store.reseal(kept, wanted)
            except RETRYABLE:
                done = 0
            sealed, missed = sealed + done, missed + len(wanted) - done
            await asyncio.sleep(limits.RESEAL_PAUSE_S)
        seen += rows
        moved(seen)
        if rows < limits.RESEAL_BATCH:
            return seen, sealed, missed
