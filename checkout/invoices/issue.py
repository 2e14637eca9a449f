"""Issue the invoice of a paid order.

Pages are rendered first, the rare dear ones in a thread; numbers are drawn afterwards, for all that wait at that moment in
one commit, because the series' row is locked until the commit is durable.
"""

import asyncio
from collections.abc import Sequence

import orjson

from checkout.invoices.model import Invoice, Seller
from checkout.invoices.render import render, render_plain
from checkout.invoices.store import InvoiceStore, ToIssue
from checkout.kit.db import UniqueViolation
from checkout.kit.grouped import Grouped
from checkout.outbox.model import Row
from config import limits

SERIES_PREFIX = "INV-"


class Issuer:
    """Issues invoices for one process."""

    def __init__(self, store: InvoiceStore, seller: Seller) -> None:
        self._store = store
        self._seller = seller
        self._series: dict[str, Grouped[ToIssue, None]] = {}

    async def issue(self, row: Row) -> None:
        """One order's invoice. Retry: safe: an order has at most one. Cost: its page; shares of a read and of a commit."""
        order = await self._store.order(row.subject_id)
        if order is None:
            await self._store.finish(row.id)
            return
        invoice = Invoice(
            seller=self._seller,
            order_number=order["number"],
            ordered_on=order["placed_at"].date(),
            issued_on=order["issued_at"].date(),
            paid_on=order["paid_at"].date(),
            email=order["email"],
            currency=order["currency"],
            subtotal_minor=order["subtotal_minor"],
            discount_minor=order["discount_minor"],
            shipping_minor=order["shipping_minor"],
            tax_minor=order["tax_minor"],
            total_minor=order["total_minor"],
            order=orjson.loads(order["document"]),
        )
        series = f"{SERIES_PREFIX}{invoice.issued_on.year}"
        page = render_plain(invoice, series)
        if page is None:
            page = await asyncio.to_thread(render, invoice, series)
        try:
            await self._numbered(series).commit(ToIssue(row.id, row.subject_id, invoice, page))
        except UniqueViolation:  # another worker was faster
            await self._store.finish(row.id)

    def _numbered(self, series: str) -> Grouped[ToIssue, None]:
        """The commits of one series, which wait for each other anyway."""
        found = self._series.get(series)
        if found is None:

            async def issue(batch: Sequence[ToIssue]) -> list[None]:
                await self._store.issue(series, batch)
                return [None] * len(batch)

            found = Grouped(issue, most=limits.RELAY_GROUP_MAX, subject=lambda one: one.order_id)
            self._series[series] = found
        return found
