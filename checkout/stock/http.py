"""`/v1/admin/stock`: what lies where, and what may be sold of it."""

import functools
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid, NotFound, Unavailable
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import RETRYABLE, Pool, acquired
from checkout.kit.routes import Route
from checkout.locations.shape import LOCATION_PATTERN
from checkout.stock import shape
from checkout.stock.ledger import By
from checkout.stock.policy import Policy
from checkout.stock.request import PolicyChange
from checkout.stock.set_policy import set_policy
from checkout.stock.shelf import Shelf
from config import limits

_LOCATION = re.compile(LOCATION_PATTERN)
_policy = msgspec.json.Decoder(PolicyChange)
_NEWEST = 2**63 - 1


def routes(pool: Pool, shelf: Shelf, *, permit: Permit) -> list[Route]:
    """The routes that read stock and set its policy; what moves it is in move_http.py."""

    async def listed(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:read")
        most, after = page.limit_of(request), page.cursor_of(request, str)
        query = request.query
        prefix, location = query.get("sku", ""), query.get("location")
        if query.get("low", "false") not in ("true", "false"):
            raise Invalid("low: true or false", field="low")
        if location is not None and not _LOCATION.fullmatch(location):
            raise Invalid("location: a location by its code", field="location")
        _plain(prefix, "sku")
        last = _plain(after[0], "cursor") if after else ""
        rows = await shelf.listed(
            last,
            prefix=prefix,
            owner=grant.owner,
            location=location,
            low=query.get("low") == "true",
            most=most + 1,
        )
        shown, end = page.split(rows, most)
        return answer({"items": shown, "next_cursor": page.cursor(end["sku"]) if end else None})

    async def read(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:read")
        return await _stock(_sku(request), grant.owner)

    async def change(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:write")
        sku, expected = _sku(request), expected_version(request)
        wanted = await body.read(request, _policy)
        by = By(grant.actor, grant.owner, "")
        try:
            async with acquired(pool) as connection, connection.transaction():
                await set_policy(connection, sku, lambda old: _edited(old, wanted), expected=expected, by=by)
        except RETRYABLE:
            raise Unavailable(
                "This stock is being changed by others; try again.", retry_after_ms=500
            ) from None
        return await _stock(sku, grant.owner)

    async def _stock(sku: str, owner: uuid.UUID | None) -> web.Response:
        document, version = await shelf.one(sku, owner)
        return answer(document, version=version)

    async def movements(request: web.Request) -> web.Response:
        grant = await permit(request, "stock:read")
        most, before = page.limit_of(request), page.cursor_of(request, int)
        rows = await shelf.movements(_sku(request), grant.owner, before[0] if before else _NEWEST, most + 1)
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [_movement(row) for row in shown],
                "next_cursor": page.cursor(last["id"]) if last else None,
            }
        )

    reads = functools.partial(Route, "GET", policy="admin", tag="stock", permission="stock:read")
    at = "/v1/admin/stock"
    return [
        reads(at, listed, "Stock by SKU", response=shape.StockList, problems=("invalid",),
              query={**page.QUERY, "low": "true: only what is at or below its threshold",
                     "location": "only what lies there, by the location's code", "sku": "how the SKU begins"}),
        reads(f"{at}/{{sku}}", read, "The stock of one SKU", response=shape.StockAnswer),
        Route("PATCH", f"{at}/{{sku}}", change, "Set what may be sold of a SKU", policy="admin", tag="stock",
              permission="stock:write", request=PolicyChange, response=shape.StockAnswer,
              problems=("stale_version",)),
        reads(f"{at}/{{sku}}/movements", movements, "The ledger of one SKU", response=shape.Movements,
              query=page.QUERY, problems=("invalid",)),
    ]  # fmt: skip


def _edited(old: Policy, wanted: PolicyChange) -> Policy:
    """The next version of the policy. Raises: Invalid."""
    units, until = old.preorder_units, old.preorder_until
    if wanted.preorder is None:
        units, until = 0, None
    elif wanted.preorder is not msgspec.UNSET:
        units, until = wanted.preorder.units, wanted.preorder.until
        now = datetime.now(UTC)
        if not now < until <= now + timedelta(seconds=limits.PREORDER_AHEAD_MAX_S):
            raise Invalid("preorder.until: a moment to come, within two years", field="preorder.until")
    new = Policy(
        old.backorder if wanted.backorder_limit is msgspec.UNSET else wanted.backorder_limit,
        old.safety_stock if wanted.safety_stock is msgspec.UNSET else wanted.safety_stock,
        units,
        until,
        old.low_at if wanted.low_at is msgspec.UNSET else wanted.low_at,
        old.version + 1,
    )
    if new.beyond > limits.STOCK_MAX:
        raise Invalid(
            f"backorder_limit and preorder.units: together at most {limits.STOCK_MAX}",
            field="backorder_limit",
        )
    return new


def _plain(text: str, field: str) -> str:
    if len(text) > limits.SKU_MAX_CHARS or not (text.isascii() and text.isprintable()):
        raise Invalid(f"{field}: at most {limits.SKU_MAX_CHARS} printable ASCII characters", field=field)
    return text


def _sku(request: web.Request) -> str:
    sku = request.match_info["sku"]
    if len(sku) > limits.SKU_MAX_CHARS or not (sku.isascii() and sku.isprintable()):
        raise NotFound("There is no such SKU.")
    return sku


def _movement(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "movement_id": str(row["movement_id"]),
        "kind": row["kind"],
        "on_hand_delta": row["on_hand_delta"],
        "reserved_delta": row["reserved_delta"],
        "order_id": str(row["order_id"]) if row["order_id"] else None,
        "location": row["location"],
        "reason": row["reason"],
        "actor": row["actor"],
        "document_id": str(row["document_id"]) if row["document_id"] else None,
        "at": row["at"],
    }
