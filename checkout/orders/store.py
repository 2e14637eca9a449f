"""The only SQL of placing and showing orders."""

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from checkout.kit import db, sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import NOT_REACHED, Pool, Record, acquired, fetch_all
from checkout.kit.together import Together
from checkout.orders.batch import LINES, ORDERS, packed_lines, packed_orders
from checkout.orders.model import Draft, Placed
from checkout.orders.personal import opened_order
from config import limits

QUERIES = sql.load(__file__)


@dataclass(slots=True)
class StockRow:
    """What Postgres shows of an item now."""

    available: int
    offer_version: int


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """An order found by its claim."""

    id: uuid.UUID
    fingerprint: uuid.UUID
    number: int
    placed_at: datetime
    payment_deadline: datetime


@dataclass(slots=True)
class FollowUp:
    """What came of an order since it was placed. Shape: payments by attempt; timeline entries after the first."""

    payments: list[Record] = field(default_factory=list)
    shipments: list[Record] = field(default_factory=list)
    events: list[Record] = field(default_factory=list)
    invoice: Record | None = None


class BatchConnection:
    """A committer's own connection, made again whenever it was lost."""

    def __init__(self, database_url: str, *, payment_window_s: float) -> None:
        self._url = database_url
        self._payment_window_s = payment_window_s
        self._connection: db.OwnConnection | None = None
        self._place: Any = None
        self._order_type = self._line_type = 0

    async def ready(self) -> bool:
        """Whether statements can be sent now; connects if needed."""
        if self._connection is not None and not self._connection.is_closed():
            return True
        try:
            self._connection = await db.connect(self._url, purpose="committer")
            await self._connection.execute(
                "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off"
            )
            self._order_type = await db.as_packed(self._connection, ORDERS)
            self._line_type = await db.as_packed(self._connection, LINES)
            self._place = await self._connection.prepare(QUERIES.place_batch)
        except (*NOT_REACHED, asyncpg.PostgresError):
            self._connection = None
            return False
        return True

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*NOT_REACHED, asyncpg.PostgresError):
                await self._connection.close(timeout=1)

    async def place(self, drafts: Sequence[Draft]) -> dict[object, Placed]:
        """Sends the drafts, sorted by claim, as one statement; gives what was placed by order id.

        Raises: CheckViolation (nothing was done), RETRYABLE (nothing was done), NOT_REACHED (unknown).
        """
        placed = await self._place.fetchrow(
            packed_orders(drafts, self._order_type),
            packed_lines(drafts, self._line_type),
            [d.id for d in drafts if not d.epoch],
            self._payment_window_s,
            timeout=limits.STATEMENT_TIMEOUT_S + 1,
        )
        ids, numbers, placed_at, payment_deadline = placed
        return {
            id: Placed(number, placed_at, payment_deadline)
            for id, number in zip(ids or (), numbers or (), strict=True)
        }

    async def by_claim(self, claim_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ClaimRow]:
        """Orders by claim."""
        if not await self.ready() or self._connection is None:
            raise OSError("Postgres is away")
        rows = await self._connection.fetch(QUERIES.orders_by_claim, list(claim_ids))
        return {row["claim_id"]: _claim_row(row) for row in rows}

    async def stock_of(self, item_ids: Sequence[int]) -> dict[int, StockRow]:
        """What is available, by item."""
        if not await self.ready() or self._connection is None:
            raise OSError("Postgres is away")
        rows = await self._connection.fetch(QUERIES.stock_of, list(item_ids))
        return {row["item_id"]: StockRow(row["available"], row["offer_version"]) for row in rows}


def _claim_row(row: Record) -> ClaimRow:
    return ClaimRow(row["id"], row["fingerprint"], row["number"], row["placed_at"], row["payment_deadline"])


class OrderStore:
    """Reads of orders. Raises: Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._claims = Together(self._by_claims, most=limits.BATCH_MAX)
        self._orders = Together(self._by_ids, most=limits.BATCH_MAX)
        self._follow_ups = Together(self._following, most=limits.BATCH_MAX)

    async def by_claim(self, claim_id: uuid.UUID) -> ClaimRow | None:
        """The order of this claim. Cost: a share of one query: many ask at once when a drop has sold out."""
        return await self._claims.find(claim_id)

    async def _by_claims(self, claim_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, ClaimRow]:
        rows = await fetch_all(self._pool, QUERIES.orders_by_claim, claim_ids)
        return {row["claim_id"]: _claim_row(row) for row in rows}

    async def by_id(self, order_id: uuid.UUID) -> dict[str, Any] | None:
        """The order's row, opened. Cost: a share of one query."""
        row = await self._orders.find(order_id)
        return None if row is None else opened_order(self._cipher, row)

    async def _by_ids(self, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Record]:
        rows = await fetch_all(self._pool, QUERIES.orders_by_id, order_ids)
        return {row["id"]: row for row in rows}

    async def follow_up(self, order_id: uuid.UUID) -> FollowUp:
        """What came of an order since it was placed. Cost: a share of four queries."""
        return await self._follow_ups.find(order_id) or FollowUp()

    async def _following(self, order_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, FollowUp]:
        found = {order_id: FollowUp() for order_id in order_ids}
        async with acquired(self._pool) as connection:
            for row in await connection.fetch(QUERIES.payments_of, order_ids):
                found[row["order_id"]].payments.append(row)
            for row in await connection.fetch(QUERIES.shipments_of, order_ids):
                found[row["order_id"]].shipments.append(row)
            for row in await connection.fetch(QUERIES.events_of, order_ids, 1):
                found[row["order_id"]].events.append(row)
            for row in await connection.fetch(QUERIES.invoices_of, order_ids):
                found[row["order_id"]].invoice = row
        return found
