"""`POST /v1/webhooks/stripe` and `POST /v1/orders/{id}/payments`."""

from typing import Any

import msgspec
from aiohttp import web

from checkout.errors import Invalid
from checkout.kit import body
from checkout.kit.routes import Route
from checkout.orders.http import OrderAccess
from checkout.orders.request import PaymentMethod
from checkout.orders.shape import OrderAnswer
from checkout.orders.show import order_response
from checkout.orders.store import OrderStore
from checkout.payments.ask import Providers
from checkout.payments.pay_again import pay_again
from checkout.payments.providers.protocol import BadSignature
from checkout.payments.store import PaymentStore
from checkout.payments.webhooks import receive
from config import limits


class PaymentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Another try: with another method, or without one, to say that a challenge was met and the provider is to be asked."""

    method: PaymentMethod | None = None


_decoder = msgspec.json.Decoder(PaymentRequest)


def routes(store: PaymentStore, providers: Providers, access: OrderAccess, orders: OrderStore) -> list[Route]:
    """The routes of payments."""

    async def webhook(request: web.Request) -> web.Response:
        raw = await body.whole(request, max_bytes=limits.WEBHOOK_BODY_MAX_BYTES)
        try:
            await receive(providers["stripe"], headers=request.headers, body=raw, store=store)
        except BadSignature as error:
            raise Invalid(
                f"The webhook is refused: {error}.", field="Stripe-Signature", code="bad_signature"
            ) from None
        return web.json_response({"received": True})

    async def pay(request: web.Request) -> web.Response:
        row = await access.order(request)
        wanted = await body.read(request, _decoder)
        await pay_again(row["id"], wanted.method, store=store)
        return await order_response(orders, row["id"], status=202)

    return [
        Route(
            "POST",
            "/v1/webhooks/stripe",
            webhook,
            "Stripe's events, signed",
            policy=None,
            request=dict[str, Any],
            response=dict[str, bool],
            problems=("bad_signature", "too_large"),
            priority=2,
            tag="machines",
        ),
        Route(
            "POST",
            "/v1/orders/{id}/payments",
            pay,
            "Pay again with another method, or have a met challenge looked up",
            policy="cart",
            request=PaymentRequest,
            response=OrderAnswer,
            status=202,
            problems=(
                "not_payable",
                "payment_deadline_passed",
                "payment_in_progress",
                "too_many_payment_attempts",
            ),
            priority=2,
            tag="orders",
        ),
    ]
