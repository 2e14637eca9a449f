"""`POST /v1/checkouts` and `GET /v1/orders/{id}`."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from catalog_cache import encoded
from checkout.errors import Invalid, NotFound
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.ids import claim_id, fingerprint, parse_uuid
from checkout.kit.routes import Route
from checkout.kit.tokens import opens
from checkout.orders.document import order_document
from checkout.orders.place import Caller, Placer
from checkout.orders.request import CheckoutRequest
from checkout.orders.shape import OrderAnswer, PlacedAnswer
from checkout.orders.store import OrderStore
from config import limits

_decoder = msgspec.json.Decoder(CheckoutRequest)

IdentifyCaller = Callable[[web.Request], Caller]


class OrderAccess:
    """Who may see an order: its token's holder, its account, support and admins. Everybody else gets a 404."""

    def __init__(
        self, store: OrderStore, *, secret: bytes, may_see: Callable[[web.Request, Any], Awaitable[bool]]
    ) -> None:
        self._store = store
        self._secret = secret
        self._may_see = may_see

    async def order(self, request: web.Request) -> Any:
        """The row of the order that the path names. Raises: NotFound, also for what the caller may not see."""
        order_id = parse_uuid(request.match_info["id"])
        if order_id is None:
            raise NotFound("There is no such order.")
        allowed = self.holds_token(request, order_id)
        row = await self._store.by_id(order_id)
        if row is None or not (allowed or await self._may_see(request, row["account_id"])):
            raise NotFound("There is no such order, or the token is not its own.")
        return row

    def holds_token(self, request: web.Request, order_id: uuid.UUID) -> bool:
        """Whether the request carries this order's token."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        return kind.lower() == "bearer" and token.startswith("ot_") and opens(self._secret, order_id, token)


def idempotency_key(request: web.Request) -> str:
    """The request's Idempotency-Key. Raises: Invalid when it is missing, too long or not printable ASCII."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise Invalid(
            "Send an Idempotency-Key header: a fresh random text for each purchase, the same for its retries.",
            field="Idempotency-Key",
            code="idempotency_key_missing",
        )
    key = key.strip()
    if not key or len(key) > limits.IDEMPOTENCY_KEY_MAX_CHARS or not (key.isascii() and key.isprintable()):
        raise Invalid(
            f"Idempotency-Key: 1 to {limits.IDEMPOTENCY_KEY_MAX_CHARS} printable ASCII characters",
            field="Idempotency-Key",
            code="idempotency_key_invalid",
        )
    return key


def routes(
    placer: Placer,
    store: OrderStore,
    access: OrderAccess,
    *,
    caller_of: IdentifyCaller,
) -> list[Route]:
    """The routes of placing and reading orders."""

    async def place(request: web.Request) -> web.Response:
        key = idempotency_key(request)
        raw = await body.raw(request, max_bytes=limits.CHECKOUT_BODY_MAX_BYTES)
        caller = caller_of(request)
        wanted = body.decode(raw, _decoder)
        scope = str(caller.account_id) if caller.account_id else "guest"
        placed = await placer.place(
            wanted, claim_id=claim_id(scope, key), fingerprint=fingerprint(raw), caller=caller
        )
        response = encoded(placed.body, status=201)
        if placed.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response

    async def read(request: web.Request) -> web.Response:
        row = await access.order(request)
        document = order_document(row, await store.follow_up(row["id"]))
        return answer(document, cache_control="private, no-store")

    return [
        Route(
            "POST",
            "/v1/checkouts",
            place,
            "Place an order from a cart, or with lines inline",
            policy="checkout",
            request=CheckoutRequest,
            response=PlacedAnswer,
            status=201,
            problems=(
                "idempotency_key_missing",
                "idempotency_key_invalid",
                "unauthenticated",
                "400 unknown_sku",
                "unknown_coupon",
                "unknown_shipping_option",
                "no_shipping_to_country",
                "unknown_cart",
                "out_of_stock",
                "total_changed",
                "coupon_used_up",
                "coupon_expired",
                "coupon_not_yet_valid",
                "coupon_not_applicable",
                "cart_ordered",
                "cart_empty",
                "in_progress",
                "idempotency_mismatch",
                "outcome_unknown",
            ),
            limited_along=True,
            priority=2,
            tag="orders",
        ),
        Route(
            "GET",
            "/v1/orders/{id}",
            read,
            "One order: its state, payment, shipments and timeline",
            response=OrderAnswer,
            policy="cart",
            priority=2,
            tag="orders",
        ),
    ]
