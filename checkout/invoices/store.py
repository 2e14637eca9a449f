"""The only SQL of invoices."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from checkout.invoices.model import Invoice
from checkout.invoices.page import Page
from checkout.invoices.personal import BUYER, open_page, seal_page
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.kit.together import Together
from checkout.orders.personal import opened_order
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

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._open: set[str] = set()
        self._orders: Together[uuid.UUID, Any] = Together(self._load, most=limits.RELAY_GROUP_MAX)

    async def order(self, order_id: uuid.UUID) -> Any:
        """The paid order that has no invoice yet, or None. Cost: a share of one read."""
        return await self._orders.find(order_id)

    async def _load(self, order_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
        rows = await fetch_all(self._pool, QUERIES.orders_to_invoice, order_ids)
        return {row["id"]: opened_order(self._cipher, row) for row in rows}

    async def issue(self, series: str, batch: Sequence[ToIssue]) -> None:
        """Numbers and keeps the batch in one commit. Raises: with nothing done, when one exists already."""
        ids, documents, sealed = [uuid7() for _ in batch], [], []
        for invoice_id, wanted in zip(ids, batch, strict=True):
            document = wanted.invoice.document()
            buyer = {name: document.pop(name) for name in BUYER}
            documents.append(orjson.dumps(document).decode())
            sealed.append(seal_page(self._cipher, invoice_id, buyer, wanted.page))
        async with acquired(self._pool) as connection:
            if series not in self._open:
                await connection.execute(QUERIES.open_series, series)
                self._open.add(series)
            await connection.fetchval(
                QUERIES.issue_batch,
                series,
                ids,
                [wanted.order_id for wanted in batch],
                documents,
                sealed,
                [wanted.row_id for wanted in batch],
            )

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to issue."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)

    async def pdf(self, order_id: uuid.UUID) -> tuple[str, bytes] | None:
        """(invoice number, PDF) of an order."""
        row = await fetch_one(self._pool, QUERIES.pdf_of, order_id)
        if row is None:
            return None
        pdf, sealed, number = row["pdf"], row["personal"], row["number"]
        if sealed is not None:
            pdf = open_page(self._cipher, row["id"], sealed, number)
        return f"{row['series']}-{number:06d}", pdf
