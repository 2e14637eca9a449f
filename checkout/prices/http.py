"""`/v1/admin/prices` and `/v1/admin/price-lists`."""

import functools
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid, NotFound, Stale
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Pool, Record
from checkout.kit.query import choice_of, storable, text_of, uuid_of
from checkout.kit.routes import Route
from checkout.prices import plan, set_now, shape, store
from checkout.prices.model import PriceList
from checkout.products.http import id_of, route
from checkout.products.request import moment
from config import limits

_set = msgspec.json.Decoder(shape.PricesToSet)
_new = msgspec.json.Decoder(shape.NewPriceList)
_change = msgspec.json.Decoder(shape.PriceListChange)
_read = functools.partial(body.read, max_bytes=limits.PRODUCT_BODY_MAX_BYTES)
_T = TypeVar("_T")


def routes(pool: Pool, *, permit: Permit) -> list[Route]:
    """The routes of prices and price lists."""

    async def list_prices(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        most, after = page.limit_of(req), _after(req)
        rows = await store.prices(
            pool,
            after=after,
            sku=text_of(req, "sku"),
            currency=text_of(req, "currency"),
            product=uuid_of(req, "product"),
            owner=grant.owner,
            most=most + 1,
        )
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [_price(row) for row in shown],
                "next_cursor": page.cursor(last["item_id"], last["currency"]) if last else None,
            }
        )

    async def set_prices(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        wanted = await _read(req, _set)
        if expected_version(req) is not None:
            raise Stale("The prices have no version together: name in each entry the version that you read.")
        entries, versions = shape.entries_of(wanted.prices), shape.versions_of(wanted.prices)
        return answer({"changed": await set_now.set_now(pool, grant, entries, versions)})

    async def drop_price(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        sku, currency = req.match_info["sku"], req.match_info["currency"]
        if not (storable(sku) and storable(currency)):
            raise NotFound("There is no such price.")
        await set_now.drop(pool, grant, sku, currency, expected_version(req))
        return web.Response(status=204)

    async def list_lists(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        most = page.limit_of(req)
        rows = await store.lists(
            pool,
            after=page.uuid_cursor_of(req),
            status=choice_of(req, "status", ("waiting", "running", "over")),
            owner=grant.owner,
            most=most + 1,
        )
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [_card(row) for row in shown],
                "next_cursor": page.cursor(str(last["id"])) if last else None,
            }
        )

    async def one(list_id: uuid.UUID | None, owner: uuid.UUID | None, *, status: int = 200) -> web.Response:
        found = None if list_id is None else await store.read_list(pool, list_id, owner)
        if found is None:
            raise NotFound("There is no such price list.")
        return answer(_list(*found), status=status, version=found[0]["version"])

    async def make_list(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        wanted = await _read(req, _new)
        planned = PriceList(
            wanted.name,
            _moment(wanted.from_, "from"),
            _moment(wanted.until, "until"),
            shape.entries_of(wanted.prices),
        )
        return await one(await plan.plan(pool, grant, planned), grant.owner, status=201)

    async def read_list(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        return await one(id_of(req), grant.owner)

    async def change_list(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version, wanted = expected_version(req), await _read(req, _change)
        change = plan.ListChange(
            wanted.name,
            _moment(wanted.from_, "from"),
            _moment(wanted.until, "until"),
            msgspec.UNSET if wanted.prices is msgspec.UNSET else shape.entries_of(wanted.prices),
        )
        await plan.change(pool, grant, id_of(req), version, change)
        return await one(id_of(req), grant.owner)

    async def cancel_list(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        await plan.cancel(pool, grant, id_of(req), expected_version(req))
        return web.Response(status=204)

    every, lists = "/v1/admin/prices", "/v1/admin/price-lists"
    return [
        route("GET", every, list_prices, "What SKUs cost now, and regularly", "read", response=shape.CurrentPrices,
              problems=("invalid",),
              query={"sku": "one SKU", "currency": "one currency", "product": "one product's id", **page.QUERY}),
        route("PUT", every, set_prices, "Set regular prices, all or none", "write", request=shape.PricesToSet,
              response=shape.PricesSet, problems=("stale_version",)),
        route("DELETE", every + "/{sku}/{currency}", drop_price, "Stop selling a SKU in a currency", "write", status=204,
              problems=("invalid", "stale_version")),
        route("GET", lists, list_lists, "Price lists, newest first", "read", response=shape.PriceLists,
              problems=("invalid",), query={"status": "waiting, running or over", **page.QUERY}),
        route("POST", lists, make_list, "Plan prices from one moment to another", "write",
              request=shape.NewPriceList, response=shape.PriceListDocument, status=201,
              problems=("price_list_overlaps",)),
        route("GET", lists + "/{id}", read_list, "One price list", "read", response=shape.PriceListDocument),
        route("PATCH", lists + "/{id}", change_list, "Change a list that waits; the name and end of one that runs",
              "write", request=shape.PriceListChange, response=shape.PriceListDocument,
              problems=("price_list_begun", "price_list_overlaps", "stale_version")),
        route("DELETE", lists + "/{id}", cancel_list, "Call off a list that waits; end one that runs", "write",
              status=204, problems=("price_list_begun", "stale_version")),
    ]  # fmt: skip


def _after(req: web.Request) -> tuple[int, str] | None:
    values = page.cursor_of(req, int, str)
    if values is None:
        return None
    if not storable(values[1]):
        raise Invalid("cursor: take it from next_cursor", field="cursor")
    return values[0], values[1]


def _moment(at: _T, field: str) -> _T:
    if isinstance(at, datetime):
        moment(at, field)
    return at


def _price(row: Record) -> dict[str, Any]:
    covered = row["list_id"] is not None
    return {
        "sku": row["sku"],
        "product_id": row["product_id"],
        "currency": row["currency"],
        "amount": row["amount_minor"],
        "compare_at": row["compare_at_minor"],
        "list_id": row["list_id"],
        "regular_amount": row["regular_minor"] if covered else row["amount_minor"],
        "regular_compare_at": row["regular_compare_at_minor"] if covered else row["compare_at_minor"],
        "version": row["version"],
    }


def _card(row: Record) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in ("starts_at", "ends_at")}
    return shown | {"from": row["starts_at"], "until": row["ends_at"]}


def _list(row: Record, entries: Iterable[Record]) -> dict[str, Any]:
    prices = [
        {
            "sku": entry["sku"],
            "currency": entry["currency"],
            "amount": entry["amount_minor"],
            "compare_at": entry["compare_at_minor"],
        }
        for entry in entries
    ]
    return _card(row) | {"entries": len(prices), "prices": prices}
