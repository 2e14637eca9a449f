"""`/v1/admin/categories`."""

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.categories import edit, shape, store
from checkout.errors import Invalid
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Pool, Record
from checkout.kit.query import storable
from checkout.kit.routes import Route
from checkout.kit.routes import admin_route as route
from checkout.products.http import id_of

_new = msgspec.json.Decoder(shape.NewCategory)
_change = msgspec.json.Decoder(shape.CategoryChange)


def routes(pool: Pool, *, permit: Permit) -> list[Route]:
    """The routes of categories. Nobody owns a category: a permission for one's own rows alone reaches none."""

    async def list_categories(req: web.Request) -> web.Response:
        grant = await permit(req, "categories:read")
        most, after = page.limit_of(req), page.cursor_of(req, str)
        if after is not None and not storable(after[0]):
            raise Invalid("cursor: take it from next_cursor", field="cursor")
        rows = await store.page(pool, after[0] if after else "", most + 1) if grant.owner is None else []
        shown, last = page.split(rows, most)
        return answer(
            {
                "items": [dict(row) for row in shown],
                "next_cursor": page.cursor(last["slug"]) if last else None,
            }
        )

    async def make(req: web.Request) -> web.Response:
        grant = (await permit(req, "categories:write")).over_all()
        return _one(await edit.make(pool, grant, await body.read(req, _new)), status=201)

    async def read(req: web.Request) -> web.Response:
        (await permit(req, "categories:read")).over_all()
        return _one(await store.read(pool, id_of(req)))

    async def change(req: web.Request) -> web.Response:
        grant = (await permit(req, "categories:write")).over_all()
        version, wanted = expected_version(req), await body.read(req, _change)
        return _one(await edit.change(pool, grant, id_of(req), version, wanted))

    async def delete(req: web.Request) -> web.Response:
        grant = (await permit(req, "categories:write")).over_all()
        await edit.delete(pool, grant, id_of(req), expected_version(req))
        return web.Response(status=204)

    every, one = "/v1/admin/categories", "/v1/admin/categories/{id}"
    return [
        route("GET", every, list_categories, "Categories by slug", "categories:read", response=shape.AdminCategories,
              problems=("invalid",), query=page.QUERY),
        route("POST", every, make, "Make a category", "categories:write", request=shape.NewCategory,
              response=shape.AdminCategory, status=201, problems=("slug_taken",)),
        route("GET", one, read, "One category", "categories:read", response=shape.AdminCategory),
        route("PATCH", one, change, "Rename or move a category", "categories:write", request=shape.CategoryChange,
              response=shape.AdminCategory, problems=("slug_taken", "stale_version")),
        route("DELETE", one, delete, "Delete a category; its products stay", "categories:write", status=204,
              problems=("category_in_use", "stale_version")),
    ]  # fmt: skip


def _one(row: Record, *, status: int = 200) -> web.Response:
    return answer(dict(row), status=status, version=row["version"])
