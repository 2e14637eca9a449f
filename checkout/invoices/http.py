"""`GET /v1/orders/{id}/invoice.pdf`."""

from aiohttp import web

from checkout.errors import NotFound
from checkout.invoices.store import InvoiceStore
from checkout.kit.routes import Route
from checkout.orders.http import OrderAccess


def routes(store: InvoiceStore, access: OrderAccess) -> list[Route]:
    """The routes of invoices."""

    async def read(request: web.Request) -> web.Response:
        order = await access.order(request)
        found = await store.pdf(order["id"])
        if found is None:
            raise NotFound(
                "This order has no invoice yet; it is written when the order is paid.", code="no_invoice_yet"
            )
        number, pdf = found
        return web.Response(
            body=pdf,
            content_type="application/pdf",
            headers={
                "Content-Disposition": f'inline; filename="{number}.pdf"',
                "Cache-Control": "private, no-store",
            },
        )

    return [
        Route(
            "GET",
            "/v1/orders/{id}/invoice.pdf",
            read,
            "The invoice of a paid order",
            policy="cart",
            content_type="application/pdf",
            problems=("no_invoice_yet",),
            tag="orders",
        )
    ]
