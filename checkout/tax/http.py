"""`/v1/admin/tax-rates`."""

import re
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Invalid, NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.query import storable
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.tax.shape import NewTaxRate, TaxRate, TaxRates, TaxTerms
from checkout.tax.store import Place, TaxStore, rate_id

_new = msgspec.json.Decoder(NewTaxRate)
_terms = msgspec.json.Decoder(TaxTerms)
_ID = re.compile(r"([A-Z]{2})\.(\*|[A-Z0-9-]{1,10})\.([a-z][a-z0-9_-]{0,31})")


def routes(store: TaxStore, *, permit: Permit) -> list[Route]:
    """The routes of tax rates."""

    async def list_rates(request: web.Request) -> web.Response:
        (await permit(request, "tax:read")).over_all()
        most = page.limit_of(request)
        rows, last = page.split(await store.page(_after(request), most + 1), most)
        following = page.cursor(last["country"], last["region"], last["tax_class"]) if last else None
        return answer({"items": [_rate(row) for row in rows], "next_cursor": following})

    async def make(request: web.Request) -> web.Response:
        grant = (await permit(request, "tax:write")).over_all()
        return _one(await store.add(await body.read(request, _new), actor=grant.actor), status=201)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "tax:read")).over_all()
        return _one(await store.one(_place(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "tax:write")).over_all()
        version, place = expected_version(request), _place(request)
        return _one(await store.change(place, await body.read(request, _terms), version, actor=grant.actor))

    async def delete(request: web.Request) -> web.Response:
        grant = (await permit(request, "tax:write")).over_all()
        await store.delete(_place(request), expected_version(request), actor=grant.actor)
        return web.Response(status=204)

    one = "/v1/admin/tax-rates/{id}"
    return [
        route("GET", "/v1/admin/tax-rates", list_rates, "Tax rates by place and class", "tax:read",
              response=TaxRates, query=page.QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/tax-rates", make, "Make a tax rate", "tax:write", request=NewTaxRate,
              response=TaxRate, status=201, problems=("tax_rate_taken",)),
        route("GET", one, read, "One tax rate", "tax:read", response=TaxRate),
        route("PUT", one, change, "Change a tax rate", "tax:write", request=TaxTerms, response=TaxRate,
              problems=("stale_version",)),
        route("DELETE", one, delete, "Delete a tax rate", "tax:write", status=204, problems=("stale_version",)),
    ]  # fmt: skip


def _place(request: web.Request) -> Place:
    found = _ID.fullmatch(request.match_info["id"])
    if found is None:
        raise NotFound("There is no such tax rate.")
    return found[1], "" if found[2] == "*" else found[2], found[3]


def _after(request: web.Request) -> Place:
    key = page.cursor_of(request, str, str, str)
    if key is None:
        return "", "", ""
    if not all(storable(text) for text in key):
        raise Invalid("cursor: take it from next_cursor", field="cursor")
    return key[0], key[1], key[2]


def _rate(row: Record) -> dict[str, Any]:
    return {**row, "id": rate_id(row)}


def _one(row: Record, *, status: int = 200) -> web.Response:
    return answer(_rate(row), status=status, version=row["version"])
