"""The shop at a glance: small, live, and cheap however often it is asked.

Each part is read at most once per its own age limit and process, whoever asks; a part that is too old is read by one
caller while the others wait for it.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from checkout.admin.store import AdminStore
from checkout.kit.db import FastUUID
from checkout.outbox.store import OutboxStore
from config import limits

# Orders read for one figure; a count that reaches it says "at least".
_ORDERS_MAX = 200_000
_LIVE_S, _HOUR_S, _DAY_S = 1.0, 5.0, 30.0
_DAY_MS = 24 * 3600 * 1000


class _Aged:
    """One part of the figures, read again when it is older than `age_s`."""

    def __init__(self, read: Callable[[], Awaitable[Any]], age_s: float) -> None:
        self._read, self._age_s = read, age_s
        self._turn = asyncio.Lock()
        self._value: Any = None
        self._until = 0.0

    async def get(self) -> Any:
        if time.monotonic() >= self._until:
            async with self._turn:
                if time.monotonic() >= self._until:
                    self._value = await self._read()
                    self._until = time.monotonic() + self._age_s
        return self._value


class Stats:
    """The figures of one process. `gate` tells whether this process's gate is open."""

    def __init__(self, store: AdminStore, outbox: OutboxStore, *, gate_is_open: Callable[[], bool]) -> None:
        self._store = store
        self._outbox = outbox
        self._gate_is_open = gate_is_open
        self._minute = _Aged(lambda: self._orders(60_000), _LIVE_S)
        self._hour = _Aged(lambda: self._orders(3_600_000), _HOUR_S)
        self._today = _Aged(lambda: self._orders(time.time_ns() // 1_000_000 % _DAY_MS), _DAY_S)
        self._work = _Aged(self._owed, _LIVE_S)
        self._stock = _Aged(lambda: store.low_stock(limits.LOW_STOCK_UNITS), _DAY_S)
        self._gate = _Aged(store.gate, _LIVE_S)

    async def read(self) -> dict[str, Any]:
        """All figures. Raises: Unavailable. Cost: none while they are fresh, else a few indexed reads."""
        minute, hour, today, work, stock, gate = await asyncio.gather(
            *(p.get() for p in (self._minute, self._hour, self._today, self._work, self._stock, self._gate))
        )
        return {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "orders": {"last_minute": minute, "last_hour": hour, "today": today},
            "orders_per_s": round(minute["placed"] / 60, 2),
            "outbox": work,
            "gate": {
                "open": self._gate_is_open(),
                "epoch": gate["epoch"] if gate else 0,
                "built_at": gate["built_at"] if gate else None,
                "suspects": gate["suspects"] if gate else 0,
            },
            "stock": {"sold_out": stock[0], "low": stock[1], "low_is_at_most": limits.LOW_STOCK_UNITS},
        }

    async def _orders(self, window_ms: int) -> dict[str, Any]:
        rows = await self._store.orders_since(oldest_id(window_ms), _ORDERS_MAX)
        by_status: dict[str, int] = {}
        revenue: dict[str, int] = {}
        for row in rows:
            by_status[row["status"]] = by_status.get(row["status"], 0) + row["orders"]
            if row["status"] in ("paid", "booked", "shipped", "delivered"):
                revenue[row["currency"]] = revenue.get(row["currency"], 0) + row["total_minor"]
        placed = sum(by_status.values())
        return {
            "placed": placed,
            "at_least": placed >= _ORDERS_MAX,
            "by_status": by_status,
            "revenue": [
                {"currency": currency, "amount": minor} for currency, minor in sorted(revenue.items())
            ],
        }

    async def _owed(self) -> dict[str, Any]:
        depth = await self._outbox.depth()
        return {
            "open": sum(d.open for d in depth.values()),
            "oldest_s": round(max((d.oldest_s for d in depth.values()), default=0.0), 1),
            "parked": await self._outbox.count_parked(),
            "topics": {topic: d.open for topic, d in depth.items() if d.open},
        }


def oldest_id(window_ms: int) -> uuid.UUID:
    """The least UUIDv7 of the last `window_ms`."""
    start_ms = max(0, time.time_ns() // 1_000_000 - window_ms)
    return FastUUID((start_ms << 80).to_bytes(16, "big"))
