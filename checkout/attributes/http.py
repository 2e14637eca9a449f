"""`/v1/admin/attributes`."""

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.attributes import shape
from checkout.attributes.store import AttributeStore
from checkout.errors import Invalid, NotFound
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Record
from checkout.kit.query import storable
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route

_new = msgspec.json.Decoder(shape.NewAttribute)
_terms = msgspec.json.Decoder(shape.AttributeTerms)


def routes(store: AttributeStore, *, permit: Permit) -> list[Route]:
    """The routes of attributes. Nobody owns a definition: a permission for one's own rows alone reaches none."""

    async def list_attributes(req: web.Request) -> web.Response:
        grant = await permit(req, "attributes:read")
        most, after = page.limit_of(req), page.cursor_of(req, str)
        if after is not None and not storable(after[0]):
            raise Invalid("cursor: take it from next_cursor", field="cursor")
        rows = await store.page(after[0] if after else "", most + 1) if grant.owner is None else []
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [dict(row) for row in shown],
                "next_cursor": page.cursor(last["name"]) if last else None,
            }
        )

    async def define(req: web.Request) -> web.Response:
        grant = (await permit(req, "attributes:write")).over_all()
        wanted = await body.read(req, _new)
        return _one(await store.define(grant, shape.definition_of(wanted.name, wanted)), status=201)

    async def read(req: web.Request) -> web.Response:
        (await permit(req, "attributes:read")).over_all()
        return _one(await store.one(_name(req)))

    async def change(req: web.Request) -> web.Response:
        grant = (await permit(req, "attributes:write")).over_all()
        version, wanted = expected_version(req), await body.read(req, _terms)
        return _one(await store.change(grant, shape.definition_of(_name(req), wanted), version))

    async def delete(req: web.Request) -> web.Response:
        grant = (await permit(req, "attributes:write")).over_all()
        await store.delete(grant, _name(req), expected_version(req))
        return web.Response(status=204)

    every, one = "/v1/admin/attributes", "/v1/admin/attributes/{name}"
    return [
        route("GET", every, list_attributes, "Attributes by name", "attributes:read", response=shape.AdminAttributes,
              problems=("invalid",), query=page.QUERY),
        route("POST", every, define, "Define an attribute", "attributes:write", request=shape.NewAttribute,
              response=shape.AdminAttribute, status=201, problems=("attribute_taken",)),
        route("GET", one, read, "One attribute", "attributes:read", response=shape.AdminAttribute),
        route("PUT", one, change, "Change an attribute; products keep their values", "attributes:write",
              request=shape.AttributeTerms, response=shape.AdminAttribute, problems=("stale_version",)),
        route("DELETE", one, delete, "Forget a definition; products keep their values", "attributes:write", status=204,
              problems=("stale_version",)),
    ]  # fmt: skip


def _name(req: web.Request) -> str:
    name = req.match_info["name"]
    if not storable(name):
        raise NotFound("There is no such attribute.")
    return name


def _one(row: Record, *, status: int = 200) -> web.Response:
    return answer(dict(row), status=status, version=row["version"])
