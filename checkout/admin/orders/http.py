"""`/v1/admin/orders`: search, see, cancel. A vendor sees the lines of its own products, and nothing of the customer."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import orjson
from aiohttp import web

from checkout.access.access import Permit
from checkout.access.model import Grant
from checkout.admin.orders.shape import AdminOrder, FoundOrders
from checkout.admin.orders.store import FIRST, LAST, Search, SearchStore
from checkout.errors import Invalid, NotFound
from checkout.kit import page
from checkout.kit.answer import answer
from checkout.kit.ids import parse_uuid
from checkout.kit.query import choice_of, text_of, time_of
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.orders.cancel import cancel_order
from checkout.orders.document import order_document
from checkout.orders.shape import Status
from checkout.orders.store import OrderStore
from checkout.payments.store import PaymentStore
from config import limits

_QUERY = {
    "number": "the order of this number",
    "email": "orders of this address",
    "status": "orders in this state",
    "sku": "orders with this SKU",
    "from": "orders placed at this time and later",
    "to": "orders placed before this time",
    **page.QUERY,
}
_STATUSES = get_args(Status)
_STEP = ("seq", "status", "at")
_Lines = list[dict[str, Any]]


def routes(search: SearchStore, orders: OrderStore, payments: PaymentStore, *, permit: Permit) -> list[Route]:
    """The routes of orders, for support, admins and vendors."""

    async def list_orders(request: web.Request) -> web.Response:
        grant = await permit(request, "orders:read")
        most = page.limit_of(request)
        rows, stopped = await search.search(_wanted(request, grant), most + 1)
        shown, last = page.split(rows, most)
        after = last["id"] if last else stopped
        documents = [orjson.loads(row["document"]) for row in shown]
        lines = await _visible([document["lines"] for document in documents], grant)
        return answer(
            {
                "items": [_found(row, seen, grant) for row, seen in zip(shown, lines, strict=True)],
                "next_cursor": page.cursor(str(after)) if after else None,
            }
        )

    async def read(request: web.Request) -> web.Response:
        return await _show(request, await permit(request, "orders:read"))

    async def cancel(request: web.Request) -> web.Response:
        grant = await permit(request, "orders:write")
        order_id = parse_uuid(request.match_info["id"])
        if order_id is None or grant.owner is not None:  # who has some of its lines cannot cancel the whole
            raise NotFound("There is no such order.")
        await cancel_order(order_id, by="support", store=payments, actor=grant.actor)
        return await _show(request, grant)

    async def _show(request: web.Request, grant: Grant) -> web.Response:
        order_id = parse_uuid(request.match_info["id"])
        row = await orders.by_id(order_id) if order_id else None
        if row is None:
            raise NotFound("There is no such order.")
        whole = order_document(row, await orders.follow_up(row["id"]))
        [lines] = await _visible([whole["lines"]], grant)
        if not lines:
            raise NotFound("There is no such order.")
        document = _found(row, lines, grant) | {
            "shipments": whole["shipments"],
            "timeline": [{name: step[name] for name in _STEP} for step in whole["timeline"]],
        }
        if grant.owner is None:
            document["order"] = whole
        return answer(document, cache_control="private, no-store")

    async def _visible(orders_lines: list[_Lines], grant: Grant) -> list[_Lines]:
        """The lines that the caller may see, order by order."""
        if grant.owner is None:
            return orders_lines
        products = [uuid.UUID(line["product_id"]) for lines in orders_lines for line in lines]
        owned = await search.owned(products, grant.owner)
        return [[line for line in lines if line["product_id"] in owned] for lines in orders_lines]

    one = "/v1/admin/orders/{id}"
    return [
        route("GET", "/v1/admin/orders", list_orders, "Search orders, newest first", "orders:read",
              response=FoundOrders, query=_QUERY, problems=("invalid",)),
        route("GET", one, read, "One order", "orders:read", response=AdminOrder),
        route("POST", f"{one}/cancel", cancel, "Cancel an order that is not paid", "orders:write",
              response=AdminOrder, problems=("not_cancellable",)),
    ]  # fmt: skip


def _wanted(request: web.Request, grant: Grant) -> Search:
    since, until = time_of(request, "from"), time_of(request, "to")
    before, oldest = page.uuid_cursor_of(request) or LAST, _id_at(since) if since else FIRST
    email = text_of(request, "email", most=limits.EMAIL_MAX_CHARS)
    if email is not None and grant.owner is not None:
        raise Invalid("email: only for those who may see customers", field="email")
    return Search(
        before=min(before, _id_at(until)) if until else before,
        oldest=oldest,
        number=_number(request),
        email=email,
        status=choice_of(request, "status", _STATUSES),
        sku=text_of(request, "sku", most=limits.SKU_MAX_CHARS),
        owner=grant.owner,
    )


def _number(request: web.Request) -> int | None:
    text = request.query.get("number")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid("number: an order's number, such as 100001", field="number")
    return int(text)


def _id_at(at: datetime) -> uuid.UUID:
    """The least UUIDv7 of this moment."""
    return uuid.UUID(int=max(0, int(at.timestamp() * 1000)) << 80)


def _found(row: Mapping[str, Any], lines: _Lines, grant: Grant) -> dict[str, Any]:
    document = {
        "id": str(row["id"]),
        "number": str(row["number"]),
        "status": row["status"],
        "currency": row["currency"],
        "placed_at": row["placed_at"],
        "lines": lines,
    }
    if grant.owner is None:
        document |= {
            "total": row["total_minor"],
            "email": row["email"],
            "account_id": None if row["account_id"] is None else str(row["account_id"]),
        }
    return document
