"""`/v1/me/orders` and `/v1/me/carts`: what a person bought, buying it again, and where the open carts are."""

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import orjson
from aiohttp import web

from checkout.accounts.auth import Auth
from checkout.accounts.own.shape import OpenCarts, OwnOrders, Reordered
from checkout.accounts.own.store import OwnStore
from checkout.carts.model import LINE, Cart, Op
from checkout.errors import Conflict, NotFound
from checkout.kit import page
from checkout.kit.answer import answer
from checkout.kit.db import Record
from checkout.kit.ids import parse_uuid
from checkout.kit.routes import Route
from checkout.quoting.model import Offer

PRIVATE = "private, no-store"
_LINE_FIELDS = ("sku", "title", "quantity")


class Carts(Protocol):
    """Where carts begin."""

    async def create(
        self, currency: str, ops: Sequence[Op], *, country: str | None, account_id: uuid.UUID | None = None
    ) -> Cart: ...


class Pricing(Protocol):
    """What is sold."""

    async def offer(self, sku: str, currency: str) -> Offer | None: ...


def routes(store: OwnStore, auth: Auth, carts: Carts, pricing: Pricing) -> list[Route]:
    """The routes of a person's orders and carts."""

    async def read_all(request: web.Request) -> web.Response:
        account_id = auth.require(request).account_id
        most, before = page.limit_of(request), page.uuid_cursor_of(request)
        rows, last = page.split(await store.orders(account_id, before, most + 1), most)
        following = None if last is None else page.cursor(str(last["id"]))
        items = [order_item(row) for row in rows]
        return answer({"items": items, "next_cursor": following}, cache_control=PRIVATE)

    async def reorder(request: web.Request) -> web.Response:
        account_id, order_id = auth.require(request).account_id, parse_uuid(request.match_info["id"])
        order = await store.order(account_id, order_id) if order_id is not None else None
        if order is None:
            raise NotFound("There is no such order of yours.")
        currency, ops, gone = order["currency"], list[Op](), []
        for line in orjson.loads(order["document"])["lines"]:
            if await pricing.offer(line["sku"], currency) is None:
                gone.append({name: line[name] for name in _LINE_FIELDS})
            else:
                ops.append(("Q", LINE + line["sku"], str(line["quantity"])))
        if not ops:
            raise Conflict("Nothing of this order is sold any more.", code="nothing_to_reorder")
        cart = await carts.create(currency, ops, country=order["country"] or None, account_id=account_id)
        document = {"cart_id": cart.id, "currency": currency, "not_available": gone}
        response = answer(document, status=201, cache_control=PRIVATE)
        response.headers["Location"] = f"/v1/carts/{cart.id}"
        return response

    async def open_carts(request: web.Request) -> web.Response:
        rows = await store.carts(auth.require(request).account_id)
        items = [{"id": row["cart_id"], "currency": row["currency"]} for row in rows]
        return answer({"items": items, "next_cursor": None}, cache_control=PRIVATE)

    def route(method: str, path: str, handler: Any, summary: str, **more: Any) -> Route:
        given = {"policy": "cart", "permission": "any", "tag": "me", **more}
        return Route(method, f"/v1/me{path}", handler, summary, **given)

    return [
        route(
            "GET",
            "/orders",
            read_all,
            "Your orders, newest first",
            response=OwnOrders,
            query=page.QUERY,
            problems=("invalid",),
        ),
        route(
            "POST",
            "/orders/{id}/reorder",
            reorder,
            "Begin a cart with what is still sold of an order",
            response=Reordered,
            status=201,
            problems=("nothing_to_reorder",),
        ),
        route("GET", "/carts", open_carts, "Where your open carts are", response=OpenCarts),
    ]


def order_item(row: Record) -> dict[str, Any]:
    """An order in a list."""
    lines = orjson.loads(row["document"])["lines"]
    return {
        "id": str(row["id"]),
        "number": str(row["number"]),
        "status": row["status"],
        "currency": row["currency"],
        "total": row["total_minor"],
        "placed_at": row["placed_at"],
        "lines": [{name: line[name] for name in (*_LINE_FIELDS, "total")} for line in lines],
    }
