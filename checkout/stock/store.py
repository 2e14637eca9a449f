"""The only SQL of stock and of the gate's state."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all, fetch_one
from checkout.stock.gate import GateState
from checkout.stock.model import Item
from config import limits

QUERIES = sql.load(__file__)


class StockStore:
    """Stock in Postgres. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def gate_state(self) -> GateState:
        row = await fetch_one(self._pool, QUERIES.gate_state)
        if row is None:
            raise LookupError("gate_state has no row: run the migrations")
        return GateState(row["epoch"], row["run_id"], row["forgets_for_s"])

    async def gate_age_s(self) -> float:
        """Seconds since the gate was last rebuilt, by Postgres's clock."""
        row = await fetch_one(self._pool, QUERIES.gate_state)
        return row["age_s"] if row else 0.0

    async def add_suspects(self, item_ids: Sequence[int]) -> None:
        """These counters are to be repaired. Retry: safe."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.add_suspects, list(item_ids))

    async def suspect_claims(self, claim_ids: Sequence[uuid.UUID]) -> None:
        """The counters of these claims' orders are to be repaired. Retry: safe."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.suspects_of_claims, list(claim_ids))

    async def claims_placed(self, claim_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        """Which of the claims are orders."""
        rows = await fetch_all(self._pool, QUERIES.claims_placed, list(claim_ids))
        return {row["claim_id"] for row in rows}

    async def counters_after(self, item_id: int, most: int) -> list[Item]:
        """(item, units available) in item order, after `item_id`."""
        rows = await fetch_all(self._pool, QUERIES.counters, item_id, most)
        return [(row["item_id"], row["available"]) for row in rows]

    async def available(self, item_ids: Sequence[int]) -> dict[int, int]:
        """Units to be had by Postgres's word."""
        rows = await fetch_all(self._pool, QUERIES.counters_of, list(item_ids))
        return {row["item_id"]: row["available"] for row in rows}

    async def suspects(self) -> int:
        row = await fetch_one(self._pool, QUERIES.count_suspects)
        return int(row[0]) if row else 0

    async def recent_claims(self, oldest_id: uuid.UUID, most: int) -> list[tuple[uuid.UUID, datetime]]:
        """Claims of the newest orders, newest first, none older than the UUIDv7 `oldest_id`."""
        rows = await fetch_all(self._pool, QUERIES.recent_claims, oldest_id, most)
        return [(row["claim_id"], row["placed_at"]) for row in rows]

    async def remembered(self, epoch: int, since: datetime | None) -> None:
        """The gate remembers all claims settled since then (None: the whole window)."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.gate_remembers, epoch, since, float(limits.IDEMPOTENCY_MEMORY_S))

    @asynccontextmanager
    async def suspects_locked(self, most: int) -> AsyncIterator["Locked"]:
        """Suspects with their stock rows locked, so that nothing on them commits until this block is left."""
        async with acquired(self._pool) as connection, connection.transaction():
            rows = await connection.fetch(QUERIES.take_suspects, most)
            items = [row["item_id"] for row in rows]
            counters = {}
            if items:
                locked = await connection.fetch(QUERIES.lock_counters, items)
                counters = {row["item_id"]: row["available"] for row in locked}
            yield Locked(connection, counters, items)

    @asynccontextmanager
    async def rebuilding(self) -> AsyncIterator["Rebuilding | None"]:
        """The right to rebuild the gate, or None while another process has it."""
        async with acquired(self._pool) as connection:
            if not await connection.fetchval(QUERIES.try_rebuild_lock):
                yield None
                return
            try:
                yield Rebuilding(connection)
            finally:
                await connection.execute(QUERIES.rebuild_unlock)


class Locked:
    """Suspect items and their true counters, while their rows are locked."""

    def __init__(self, connection: Connection, available: dict[int, int], items: list[int]) -> None:
        self._connection = connection
        self.available = available
        self.items = items

    async def claims_placed(self, claim_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        rows = await self._connection.fetch(QUERIES.claims_placed, list(claim_ids))
        return {row["claim_id"] for row in rows}

    async def repaired(self) -> None:
        """The suspects are no longer suspect, once this block commits."""
        await self._connection.execute(QUERIES.drop_suspects, self.items)


class Rebuilding:
    """What one rebuild asks of Postgres, on the connection that holds the rebuild lock."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def state(self) -> tuple[int, str]:
        row = await self._connection.fetchrow(QUERIES.gate_state)
        return (row["epoch"], row["run_id"]) if row else (0, "")

    async def next_epoch(self) -> int:
        return int(await self._connection.fetchval(QUERIES.next_epoch))

    async def counters_after(self, item_id: int, most: int) -> list[Item]:
        rows = await self._connection.fetch(QUERIES.counters, item_id, most)
        return [(row["item_id"], row["available"]) for row in rows]

    async def built(self, epoch: int, run_id: str) -> None:
        await self._connection.execute(QUERIES.gate_built, epoch, run_id, float(limits.IDEMPOTENCY_MEMORY_S))
