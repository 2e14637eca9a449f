"""Cancel an unpaid order: units and coupons go back, what the provider may hold is voided; late money is refunded."""

import uuid

from aiohttp import web

from checkout.access.store import record
from checkout.errors import NotFound, Unavailable
from checkout.kit.db import Connection
from checkout.kit.routes import Route
from checkout.orders.http import OrderAccess
from checkout.orders.shape import OrderAnswer
from checkout.orders.show import order_response
from checkout.orders.store import OrderStore
from checkout.outbox.model import Later
from checkout.payments.model import By, OrderState
from checkout.payments.model import cancel as cancelled
from checkout.payments.store import PaymentStore


async def cancel_order(
    order_id: uuid.UUID, *, by: By, store: PaymentStore, actor: str | None = None
) -> OrderState:
    """Cancels an unpaid order; one that is cancelled stays so. Written into the audit log, if an actor does it.

    Raises: NotFound, Conflict `not_cancellable`, Unavailable. Retry: safe.
    Cost: one read, one transaction. Locks: the order's row, then its stock rows in item order.
    """
    state = await store.load(order_id)
    if state is None:
        raise NotFound("There is no such order.")

    async def log(connection: Connection) -> None:
        await record(connection, actor=actor or by, action="order.cancel", subject=str(order_id))

    try:
        return await store.settle(
            state,
            lambda now: None if now.status == "cancelled" else cancelled(now, by),
            also=log if actor else None,
        )
    except Later as error:
        raise Unavailable("The order is being changed; try again.", retry_after_ms=1000) from error


def routes(store: PaymentStore, access: OrderAccess, orders: OrderStore) -> list[Route]:
    """The route of cancelling."""

    async def cancel(request: web.Request) -> web.Response:
        row = await access.order(request)
        await cancel_order(row["id"], by="shopper", store=store)
        return await order_response(orders, row["id"])

    return [
        Route(
            "POST",
            "/v1/orders/{id}/cancel",
            cancel,
            "Cancel an order that is not paid",
            policy="cart",
            response=OrderAnswer,
            problems=("not_cancellable",),
            priority=2,
            tag="orders",
        )
    ]
