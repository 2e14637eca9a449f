"""`/v1/admin/shipping-zones`."""

from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.shipping.shape import ShippingZoneAnswer, ShippingZones, ZoneTerms
from checkout.shipping.store import ZoneStore
from checkout.shipping.terms import refuse_nonsense
from config import limits

_terms = msgspec.json.Decoder(ZoneTerms)
_ID_MAX = 2**31 - 1


def routes(store: ZoneStore, *, permit: Permit) -> list[Route]:
    """The routes of shipping zones."""

    async def list_zones(request: web.Request) -> web.Response:
        (await permit(request, "shipping:read")).over_all()
        most, after = page.limit_of(request), page.cursor_of(request, int)
        zones, last = page.split(await store.page(_int(after[0] if after else 0), most + 1), most)
        return answer({"items": zones, "next_cursor": page.cursor(int(last["id"])) if last else None})

    async def make(request: web.Request) -> web.Response:
        grant = (await permit(request, "shipping:write")).over_all()
        return _one(await store.add(await _wanted(request), actor=grant.actor), status=201)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "shipping:read")).over_all()
        return _one(await store.one(_id(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "shipping:write")).over_all()
        version, zone_id = expected_version(request), _id(request)
        return _one(await store.change(zone_id, await _wanted(request), version, actor=grant.actor))

    async def delete(request: web.Request) -> web.Response:
        grant = (await permit(request, "shipping:write")).over_all()
        await store.delete(_id(request), expected_version(request), actor=grant.actor)
        return web.Response(status=204)

    one = "/v1/admin/shipping-zones/{id}"
    return [
        route("GET", "/v1/admin/shipping-zones", list_zones, "Shipping zones with their rates", "shipping:read",
              response=ShippingZones, query=page.QUERY, problems=("invalid",)),
        route("POST", "/v1/admin/shipping-zones", make, "Make a shipping zone", "shipping:write",
              request=ZoneTerms, response=ShippingZoneAnswer, status=201, problems=("zone_taken",)),
        route("GET", one, read, "One shipping zone", "shipping:read", response=ShippingZoneAnswer),
        route("PUT", one, change, "Change a shipping zone", "shipping:write", request=ZoneTerms,
              response=ShippingZoneAnswer, problems=("zone_taken", "stale_version")),
        route("DELETE", one, delete, "Delete a shipping zone", "shipping:write", status=204,
              problems=("stale_version",)),
    ]  # fmt: skip


async def _wanted(request: web.Request) -> ZoneTerms:
    terms = await body.read(request, _terms, max_bytes=limits.PRODUCT_BODY_MAX_BYTES)
    refuse_nonsense(terms)
    return terms


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= _ID_MAX):
        raise NotFound("There is no such shipping zone.")
    return int(text)


def _int(number: int) -> int:
    return min(max(number, 0), _ID_MAX)


def _one(document: dict[str, Any], *, status: int = 200) -> web.Response:
    return answer(document, status=status, version=document["version"])
