"""The routes of carts: parse → verb → encode. Every edit answers with the whole cart and its ETag."""

import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from checkout.carts.carts import Carts
from checkout.carts.claim import Claims
from checkout.carts.encode import cart_answer, offered
from checkout.carts.hold import Holds
from checkout.carts.model import COUPON, LINE, Cart, Op
from checkout.carts.price import Pricing
from checkout.carts.request import CartAddress, CouponEntry, LineQuantity, NewCart, ShippingChoice
from checkout.carts.shape import CappedLine, CartAnswer, ClaimAnswer, Leftover, ShippingOptions
from checkout.edge.client import TOLL
from checkout.errors import Conflict, Invalid, NotFound, Unauthenticated
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.routes import Route
from checkout.quoting.discount import obstacle
from checkout.quoting.model import Problem
from checkout.quoting.quote import refusal
from config import limits
from ratelimit.toll import Toll

_NEW = msgspec.json.Decoder(NewCart)
_QUANTITY = msgspec.json.Decoder(LineQuantity)
_COUPON = msgspec.json.Decoder(CouponEntry)
_ADDRESS = msgspec.json.Decoder(CartAddress)
_CHOICE = msgspec.json.Decoder(ShippingChoice)
_PRIVATE = "private, no-store"
_ENCODE_ADDRESS = msgspec.json.Encoder()
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")


AccountOf = Callable[[web.Request], str | None]
"""The signed-in caller's account."""


class CartRoutes:
    """The handlers, with what they need."""

    def __init__(
        self, carts: Carts, pricing: Pricing, holds: Holds, claims: Claims, account_of: AccountOf
    ) -> None:
        self._carts = carts
        self._pricing = pricing
        self._holds = holds
        self._claims = claims
        self._account_of = account_of

    def _who(self, request: web.Request) -> str:
        """The signed-in caller's account, or empty: a cart of an account is there for it alone."""
        return (self._account_of(request) or "") if "Authorization" in request.headers else ""

    async def _answer(self, cart: Cart, status: int = 200, claimed: Leftover | None = None) -> web.Response:
        document = cart_answer(cart, await self._pricing.of(cart), now_ms=int(time.time() * 1000))
        if claimed is not None:
            document = ClaimAnswer(**msgspec.structs.asdict(document), claimed=claimed)
        response = answer(document, status=status, cache_control=_PRIVATE, version=cart.version)
        if status == 201:
            response.headers["Location"] = f"/v1/carts/{cart.id}"
        return response

    async def create(self, request: web.Request) -> web.Response:
        """POST /v1/carts"""
        wanted, toll = await body.read(request, _NEW), request[TOLL]
        quantities: dict[str, int] = {}
        for index, line in enumerate(wanted.lines):
            units = quantities.get(line.sku, 0) + line.quantity
            if units > limits.LINE_QUANTITY_MAX:
                raise Invalid(
                    f"At most {limits.LINE_QUANTITY_MAX} units of one article.",
                    field=f"lines[{index}].quantity",
                )
            if not await self._sells(line.sku, wanted.currency, toll):
                raise Invalid(
                    f"{line.sku} is not sold here in {wanted.currency}.",
                    field=f"lines[{index}].sku",
                    code="unknown_sku",
                )
            quantities[line.sku] = units
        ops: list[Op] = [("Q", LINE + sku, str(units)) for sku, units in quantities.items()]
        cart = await self._carts.create(wanted.currency, ops, country=wanted.country, toll=toll)
        return await self._answer(cart, 201)

    async def read(self, request: web.Request) -> web.Response:
        """GET /v1/carts/{id}"""
        return await self._answer(
            await self._carts.read(request.match_info["id"], who=self._who(request), toll=request[TOLL])
        )

    async def set_line(self, request: web.Request) -> web.Response:
        """PUT /v1/carts/{id}/lines/{sku}"""
        cart_id, sku = request.match_info["id"], request.match_info["sku"]
        expected, who, toll = expected_version(request), self._who(request), request[TOLL]
        quantity = (await body.read(request, _QUANTITY)).quantity
        if quantity == 0:
            return await self._drop(request, expected)
        currency = await self._carts.currency(cart_id, who=who, toll=toll)
        if _SKU.fullmatch(sku) is None or not await self._sells(sku, currency, toll):
            raise NotFound("This article is not sold here in the cart's currency.", code="unknown_sku")
        ops: list[Op] = [("Q", LINE + sku, str(quantity))]
        return await self._answer(await self._holds.edit(cart_id, ops, expected=expected, who=who, toll=toll))

    async def _sells(self, sku: str, currency: str, toll: Toll) -> bool:
        if self._pricing.knows(sku, currency):
            return True
        await toll.pay()  # a request over its limit asks Postgres nothing
        return await self._pricing.offer(sku, currency) is not None

    async def drop_line(self, request: web.Request) -> web.Response:
        """DELETE /v1/carts/{id}/lines/{sku}"""
        return await self._drop(request, expected_version(request))

    async def _drop(self, request: web.Request, expected: int | None) -> web.Response:
        cart_id, sku = request.match_info["id"], request.match_info["sku"]
        who, toll = self._who(request), request[TOLL]
        ops: list[Op] = [("D", LINE + sku, "")] if _SKU.fullmatch(sku) else []
        return await self._answer(await self._holds.edit(cart_id, ops, expected=expected, who=who, toll=toll))

    async def add_coupon(self, request: web.Request) -> web.Response:
        """POST /v1/carts/{id}/coupons"""
        cart_id = request.match_info["id"]
        expected, who, toll = expected_version(request), self._who(request), request[TOLL]
        code = (await body.read(request, _COUPON)).code.strip().upper()
        coupon = self._pricing.rulebook.coupons.get(code)
        if coupon is None:
            raise refusal(Problem("unknown_coupon", "code", "This is not a coupon of this shop."))
        cart = await self._carts.read(cart_id, who=who, toll=toll)
        quoted = (await self._pricing.of(cart)).quote
        problem = obstacle(
            coupon,
            currency=cart.currency,
            subtotal=quoted.totals.subtotal_minor,
            now_ms=int(time.time() * 1000),
        )
        if problem is not None:
            raise refusal(problem)
        cart = await self._holds.edit(cart_id, [("Q", COUPON + code, "1")], expected=expected, who=who)
        return await self._answer(cart)

    async def drop_coupon(self, request: web.Request) -> web.Response:
        """DELETE /v1/carts/{id}/coupons/{code}"""
        code = request.match_info["code"].strip().upper()
        ops: list[Op] = [("D", COUPON + code, "")] if len(code) <= limits.COUPON_CODE_MAX_CHARS else []
        cart_id, expected, who = request.match_info["id"], expected_version(request), self._who(request)
        return await self._answer(
            await self._holds.edit(cart_id, ops, expected=expected, who=who, toll=request[TOLL])
        )

    async def set_address(self, request: web.Request) -> web.Response:
        """PUT /v1/carts/{id}/address"""
        expected, who = expected_version(request), self._who(request)
        address = await body.read(request, _ADDRESS)
        cart_id = request.match_info["id"]
        return await self._answer(
            await self._carts.set_address(cart_id, address, expected=expected, who=who, toll=request[TOLL])
        )

    async def shipping_options(self, request: web.Request) -> web.Response:
        """GET /v1/carts/{id}/shipping-options"""
        cart = await self._carts.read(request.match_info["id"], who=self._who(request), toll=request[TOLL])
        priced = await self._pricing.of(cart)
        items = []
        if priced.quote.requires_shipping:
            items = [offered(option) for option in self._pricing.options(priced, country=_country(cart))]
        return answer(ShippingOptions(items, None, cart.currency), cache_control=_PRIVATE)

    async def choose_shipping(self, request: web.Request) -> web.Response:
        """PUT /v1/carts/{id}/shipping"""
        cart_id, expected, who = request.match_info["id"], expected_version(request), self._who(request)
        option = (await body.read(request, _CHOICE)).option
        cart = await self._carts.read(cart_id, who=who, toll=request[TOLL])
        _country(cart)
        priced = await self._pricing.of(cart, shipping_code=option)
        for problem in priced.quote.problems:
            if problem.code in ("unknown_shipping_option", "no_shipping_to_country"):
                raise refusal(Problem(problem.code, "option", problem.detail))
        ship: list[Op] = [("S", "ship", option)]
        return await self._answer(await self._carts.edit(cart_id, ship, expected=expected, who=who))

    async def place_hold(self, request: web.Request) -> web.Response:
        """POST /v1/carts/{id}/hold"""
        expected, who = expected_version(request), self._who(request)
        return await self._answer(
            await self._holds.place(request.match_info["id"], expected=expected, who=who, toll=request[TOLL])
        )

    async def end_hold(self, request: web.Request) -> web.Response:
        """DELETE /v1/carts/{id}/hold"""
        expected, who = expected_version(request), self._who(request)
        return await self._answer(
            await self._holds.end(request.match_info["id"], expected=expected, who=who, toll=request[TOLL])
        )

    async def claim(self, request: web.Request) -> web.Response:
        """POST /v1/carts/{id}/claim"""
        account = self._account_of(request)
        if account is None:
            raise Unauthenticated("Sign in first; then the cart can become yours.")
        claimed = await self._claims.claim(request.match_info["id"], uuid.UUID(account), toll=request[TOLL])
        capped = [CappedLine(sku, wanted, limits.LINE_QUANTITY_MAX) for sku, wanted in claimed.capped]
        return await self._answer(claimed.cart, claimed=Leftover(capped, list(claimed.coupons_left_out)))


def _country(cart: Cart) -> str:
    if cart.country is None:
        raise Conflict("Give the cart an address first.", code="address_required")
    return cart.country


def routes(
    carts: Carts, pricing: Pricing, holds: Holds, claims: Claims, *, account_of: AccountOf
) -> list[Route]:
    """The routes of carts. A cart of an account is there for that account alone."""
    at = CartRoutes(carts, pricing, holds, claims, account_of)
    edits = ("unknown_cart", "stale_version", "cart_ordered", "cart_merged")
    lines = (*edits, "unknown_sku", "cart_full", "out_of_stock", "coupon_used_up")

    def route(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
        given = {"priority": 1, "tag": "carts", "response": CartAnswer, **more}
        return Route(method, f"/v1/carts{path}", handler, summary, policy="cart", limited_along=True, **given)

    return [
        route(
            "POST", "", at.create, "Begin a cart", request=NewCart, status=201, problems=("400 unknown_sku",)
        ),
        route("GET", "/{id}", at.read, "The cart with its totals", problems=("unknown_cart",)),
        route(
            "PUT",
            "/{id}/lines/{sku}",
            at.set_line,
            "Set the quantity of an article; 0 removes it",
            request=LineQuantity,
            problems=lines,
        ),
        route("DELETE", "/{id}/lines/{sku}", at.drop_line, "Remove an article", problems=lines),
        route(
            "POST",
            "/{id}/coupons",
            at.add_coupon,
            "Enter a coupon",
            request=CouponEntry,
            problems=(
                *lines,
                "unknown_coupon",
                "coupon_expired",
                "coupon_not_yet_valid",
                "coupon_not_applicable",
            ),
        ),
        route("DELETE", "/{id}/coupons/{code}", at.drop_coupon, "Take a coupon out", problems=edits),
        route(
            "PUT",
            "/{id}/address",
            at.set_address,
            "Say where to: the country alone gives an estimate",
            request=CartAddress,
            problems=edits,
        ),
        route(
            "GET",
            "/{id}/shipping-options",
            at.shipping_options,
            "The ways to ship this cart, cheapest first",
            response=ShippingOptions,
            problems=("unknown_cart", "address_required"),
        ),
        route(
            "PUT",
            "/{id}/shipping",
            at.choose_shipping,
            "Choose a shipping option",
            request=ShippingChoice,
            problems=(*edits, "address_required", "unknown_shipping_option", "no_shipping_to_country"),
        ),
        route(
            "POST",
            "/{id}/hold",
            at.place_hold,
            "Reserve every line for a while",
            problems=(*edits, "cart_empty", "out_of_stock", "coupon_used_up", "gate_away"),
        ),
        route("DELETE", "/{id}/hold", at.end_hold, "Give the reserved units back", problems=edits),
        route(
            "POST",
            "/{id}/claim",
            at.claim,
            "Take a guest's cart: it becomes the account's, or its lines go into the account's open cart",
            response=ClaimAnswer,
            permission="any",
            problems=("unknown_cart", "cart_ordered", "cart_full"),
        ),
    ]
