"""Issue the invoice of a paid order.

Pages are rendered first, in a thread; numbers are drawn afterwards, for all that wait at that moment in one commit,
because the series' row is locked until the commit is durable.
"""

import asyncio

import orjson

from checkout.invoices.model import Invoice, Seller
from checkout.invoices.render import render
from checkout.invoices.store import InvoiceStore, ToIssue
from checkout.outbox.model import Row

SERIES_PREFIX = "INV-"


class Issuer:
    """Issues invoices for one process."""

    def __init__(self, store: InvoiceStore, seller: Seller) -> None:
        self._store = store
        self._seller = seller
        self._waiting: dict[str, list[tuple[ToIssue, asyncio.Future[None]]]] = {}
        self._turn = asyncio.Lock()

    async def issue(self, row: Row) -> None:
        """One order's invoice. Retry: safe: an order has at most one. Cost: one read, 1–2 ms of CPU, a share of a commit."""
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
        page = await asyncio.to_thread(render, invoice, series)
        await self._number(series, ToIssue(row.id, row.subject_id, invoice, page))

    async def _number(self, series: str, wanted: ToIssue) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(series, []).append((wanted, answer))
        async with self._turn:
            batch = self._waiting.pop(series, [])
            if batch:
                await self._commit(series, batch)
        await answer

    async def _commit(self, series: str, batch: list[tuple[ToIssue, asyncio.Future[None]]]) -> None:
        try:
            if not await self._store.issue(series, [wanted for wanted, _ in batch]):
                for wanted, _ in batch:
                    if not await self._store.issue(series, [wanted]):
                        await self._store.finish(wanted.row_id)
        except BaseException as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
                    answer.exception()
            raise
        for _, answer in batch:
            if not answer.done():
                answer.set_result(None)
