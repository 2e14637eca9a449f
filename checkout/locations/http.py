"""`/v1/admin/locations`: list, open, read, change, remove."""

import functools
import re

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.routes import Route
from checkout.locations.model import Location, changed
from checkout.locations.shape import (
    LOCATION_PATTERN,
    LocationAnswer,
    LocationChange,
    LocationList,
    NewLocation,
)
from checkout.locations.store import LocationStore

_new = msgspec.json.Decoder(NewLocation)
_change = msgspec.json.Decoder(LocationChange)
_CODE = re.compile(LOCATION_PATTERN)


def routes(store: LocationStore, *, permit: Permit) -> list[Route]:
    """The routes of locations."""

    async def listed(request: web.Request) -> web.Response:
        (await permit(request, "locations:read")).over_all()
        most, after = page.limit_of(request), page.cursor_of(request, str)
        rows = await store.after(after[0] if after and after[0].isprintable() else "", most + 1)
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [location.document() for location in shown],
                "next_cursor": page.cursor(last.code) if last else None,
            }
        )

    async def create(request: web.Request) -> web.Response:
        grant = (await permit(request, "locations:write")).over_all()
        wanted = await body.read(request, _new)
        new = Location(
            wanted.code, wanted.name, wanted.country, wanted.region, wanted.priority, wanted.active
        )
        await store.add(new, actor=grant.actor)
        return _answer(new, status=201)

    async def read(request: web.Request) -> web.Response:
        (await permit(request, "locations:read")).over_all()
        return _answer(await store.find(_code(request)))

    async def change(request: web.Request) -> web.Response:
        grant = (await permit(request, "locations:write")).over_all()
        expected = expected_version(request)
        wanted = await body.read(request, _change)
        fields = {name: getattr(wanted, name) for name in wanted.__struct_fields__}
        new = await store.change(
            _code(request),
            lambda old: changed(old, **fields),
            expected=expected,
            actor=grant.actor,
        )
        return _answer(new)

    async def remove(request: web.Request) -> web.Response:
        grant = (await permit(request, "locations:write")).over_all()
        await store.remove(_code(request), expected=expected_version(request), actor=grant.actor)
        return web.Response(status=204)

    route = functools.partial(Route, policy="admin", tag="stock")
    one = "/v1/admin/locations/{code}"
    return [
        route("GET", "/v1/admin/locations", listed, "Locations, by code", response=LocationList,
              query=page.QUERY, permission="locations:read", problems=("invalid",)),
        route("POST", "/v1/admin/locations", create, "Open a location", request=NewLocation,
              response=LocationAnswer, status=201, permission="locations:write",
              problems=("conflict", "location_taken")),
        route("GET", one, read, "One location", response=LocationAnswer, permission="locations:read"),
        route("PATCH", one, change, "Change a location", request=LocationChange, response=LocationAnswer,
              permission="locations:write", problems=("stale_version",)),
        route("DELETE", one, remove, "Remove a location that never held anything", status=204,
              permission="locations:write", problems=("stale_version", "location_in_use")),
    ]  # fmt: skip


def _code(request: web.Request) -> str:
    code = request.match_info["code"]
    if not _CODE.fullmatch(code):
        raise NotFound("There is no such location.")
    return code


def _answer(location: Location, *, status: int = 200) -> web.Response:
    return answer(location.document(), status=status, version=location.version)
