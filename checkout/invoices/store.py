"""The only SQL of invoices."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from checkout.invoices.model import Invoice
from checkout.invoices.render import Page
from checkout.kit import sql
from checkout.kit.db import Pool, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.kit.together import Together
from checkout.outbox.store import finish
from config import limits

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True)
class ToIssue:
    """A rendered invoice that waits for its number, and the outbox row that it finishes."""

    row_id: int
    order_id: uuid.UUID
    invoice: Invoice
    page: Page


class InvoiceStore:
    """Invoices in Postgres. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._open: set[str] = set()
        self._orders: Together[uuid.UUID, Any] = Together(self._load, most=limits.RELAY_GROUP_MAX)

    async def order(self, order_id: uuid.UUID) -> Any:
        """The paid order that has no invoice yet, or None. Cost: a share of one read."""
        return await self._orders.find(order_id)

    async def _load(self, order_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
        return {row["id"]: row for row in await fetch_all(self._pool, QUERIES.orders_to_invoice, order_ids)}

    async def issue(self, series: str, batch: Sequence[ToIssue]) -> None:
        """Numbers and keeps the batch in one commit. Raises: with nothing done, when one exists already."""
        async with acquired(self._pool) as connection:
            if series not in self._open:
                await connection.execute(QUERIES.open_series, series)
                self._open.add(series)
            await connection.fetchval(
                QUERIES.issue_batch,
                series,
                [uuid7() for _ in batch],
                [wanted.order_id for wanted in batch],
                [orjson.dumps(wanted.invoice.document()).decode() for wanted in batch],
                [wanted.page.pdf for wanted in batch],
                [wanted.page.number_at for wanted in batch],
                [wanted.row_id for wanted in batch],
            )

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to issue."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)

    async def pdf(self, order_id: uuid.UUID) -> tuple[str, bytes] | None:
        """(invoice number, PDF) of an order."""
        row = await fetch_one(self._pool, QUERIES.pdf_of, order_id)
        return (f"{row['series']}-{row['number']:06d}", row["pdf"]) if row else None
