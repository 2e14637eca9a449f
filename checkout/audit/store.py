"""The only SQL of the audit."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from checkout.audit.model import Finding, Invariant, Scale
from checkout.kit import sql
from checkout.kit.db import OwnConnection, connect

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True)
class Money:
    """What we hold of one order. Units: minor units. `busy`: a payment of it is under way."""

    order_id: UUID
    known: bool
    charges: int
    charged_minor: int
    refunded_minor: int
    busy: bool


@dataclass(frozen=True, slots=True)
class AllMoney:
    """What we hold of all orders. Units: minor units."""

    orders: int
    charged_minor: int
    refunded_minor: int


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator["AuditStore"]:
    """A store over one connection of its own, whose reads may take as long as they need."""
    connection = await connect(database_url, purpose="audit")
    try:
        await connection.execute("SET statement_timeout = 0; SET work_mem = '64MB'")
        yield AuditStore(connection)
    finally:
        await connection.close()


class AuditStore:
    """Postgres as the audit asks it. Reads inside `snapshot()` see one moment."""

    def __init__(self, connection: OwnConnection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """One read-only moment for everything asked inside. Cost: holds back vacuum while it lasts; locks nothing."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def started(self) -> datetime:
        """Postgres's own clock."""
        at: datetime = await self._connection.fetchval(QUERIES.started)
        return at

    async def scale(self) -> Scale:
        """How much there is to look at."""
        row = await self._connection.fetchrow(QUERIES.scale)
        return Scale(row["orders"], row["lines"], row["items"]) if row else Scale()

    async def ask(self, invariant: Invariant, before: datetime) -> Finding:
        """The invariant's figure; work owed after `before` is not yet late."""
        began = time.perf_counter()
        query = getattr(QUERIES, invariant.name)
        row = await self._connection.fetchrow(query, *([before] if "$1" in query else []))
        figure = int(row["figure"]) if row else 0
        culprits = (row["culprits"] if row else None) or []
        return Finding(
            invariant.name,
            invariant.proves,
            invariant.unit,
            figure,
            figure == 0,
            ", ".join(culprits),
            round((time.perf_counter() - began) * 1000),
        )

    async def unfinished(self, before: datetime) -> int:
        """Owed work that is not done."""
        row = await self._connection.fetchrow(QUERIES.outbox_unfinished, before)
        return int(row["figure"]) if row else 0

    async def missing(self, order_ids: Sequence[UUID]) -> list[UUID]:
        """Which of these are no orders."""
        return [row["id"] for row in await self._connection.fetch(QUERIES.missing_of, order_ids)]

    async def money_of(self, order_ids: Sequence[UUID], before: datetime) -> dict[UUID, Money]:
        """What we hold of these orders, known or not."""
        rows = await self._connection.fetch(QUERIES.money_of, order_ids, before)
        return {
            row["id"]: Money(
                row["id"],
                row["known"],
                row["charges"],
                row["charged_minor"],
                row["refunded_minor"],
                row["busy"],
            )
            for row in rows
        }

    async def all_money(self, before: datetime) -> AllMoney:
        """What we hold of all orders whose payments are at rest."""
        row = await self._connection.fetchrow(QUERIES.money_ours, before)
        return AllMoney(*row.values()) if row else AllMoney(0, 0, 0)

    @asynccontextmanager
    async def items_locked(self, item_ids: Sequence[int]) -> AsyncIterator[dict[int, int]]:
        """Units available by item, with the rows held still until this block is left.

        Cost: no order on these items commits meanwhile.
        """
        async with self._connection.transaction():
            rows = await self._connection.fetch(QUERIES.lock_items, item_ids)
            yield {row["item_id"]: row["available"] for row in rows}
