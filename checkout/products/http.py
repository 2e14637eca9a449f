"""`/v1/admin/products`: make, find, change, publish. Their variants are in variant_routes.py."""

import functools
import uuid
from typing import Any

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.errors import Forbidden, Invalid
from checkout.kit import body, page
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Pool
from checkout.kit.ids import parse_uuid
from checkout.kit.query import choice_of, text_of
from checkout.kit.routes import Handler, Route, admin_route
from checkout.products import publish, request, shape, store
from checkout.products.create import create
from checkout.products.edit import edit
from config import limits

_new = msgspec.json.Decoder(request.NewProduct)
_whole = msgspec.json.Decoder(request.WholeProduct)
_change = msgspec.json.Decoder(request.ProductChange)
_publish = msgspec.json.Decoder(request.PublishBody)
_read = functools.partial(body.read, max_bytes=limits.PRODUCT_BODY_MAX_BYTES)
_STATUSES = ("draft", "published", "archived")


def routes(pool: Pool, *, permit: Permit) -> list[Route]:
    """The routes of products."""

    async def list_products(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        most, after = page.limit_of(req), page.uuid_cursor_of(req)
        status, words = choice_of(req, "status", _STATUSES), text_of(req, "q")
        cards, last = await store.page(
            pool, after=after, status=status, owner=grant.owner, words=words, most=most
        )
        return answer(
            {
                "items": [dict(card) for card in cards],
                "next_cursor": None if last is None else page.cursor(str(last)),
            }
        )

    async def make(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        wanted = await _read(req, _new)
        if wanted.owner_id is not None and grant.owner is not None:
            raise Forbidden("owner_id: only an admin says whose a product is; leave it out.")
        at = None if wanted.publish_at is None else request.moment(wanted.publish_at, "publish_at")
        if at is not None and wanted.status == "published":
            raise Invalid("publish_at: a published product has no time to wait for", field="publish_at")
        draft = request.new_draft(wanted)
        made = await create(pool, grant, draft, owner=wanted.owner_id, publish_at=at)
        return one_product(made, status=201)

    async def read(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        return one_product(await store.read(pool, id_of(req), grant.owner))

    async def replace(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version, wanted = expected_version(req), await _read(req, _whole)
        return one_product(
            await edit(pool, grant, id_of(req), version, lambda draft: request.whole_draft(draft, wanted))
        )

    async def change(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version, wanted = expected_version(req), await _read(req, _change)
        if wanted.owner_id is not msgspec.UNSET and grant.owner is not None:
            raise Forbidden("owner_id: only an admin says whose a product is; leave it out.")
        return one_product(
            await edit(
                pool, grant, id_of(req), version,
                lambda draft: request.changed_product(draft, wanted),
                owner=wanted.owner_id,
            )
        )  # fmt: skip

    async def put_on_sale(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version = expected_version(req)
        wanted = await _read(req, _publish) if req.body_exists else request.PublishBody()
        at = None if wanted.at is None else request.moment(wanted.at, "at")
        return one_product(await publish.publish(pool, grant, id_of(req), version, at))

    async def take_off_sale(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        return one_product(await publish.unpublish(pool, grant, id_of(req), expected_version(req)))

    async def archive(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        return one_product(await publish.archive(pool, grant, id_of(req), expected_version(req)))

    everything, one = "/v1/admin/products", "/v1/admin/products/{id}"
    whole = functools.partial(route, response=shape.AdminProduct)
    return [
        route("GET", everything, list_products, "Products of any status, newest first", "read",
              response=shape.ProductCards, problems=("invalid",),
              query={"status": "draft, published or archived",
                     "q": "How its slug, title or SKU begins, or its barcode.", **page.QUERY}),
        whole("POST", everything, make, "Make a product; from options, with a variant for each combination", "write",
              request=request.NewProduct, status=201, problems=("slug_taken", "sku_taken")),
        whole("GET", one, read, "One product, whole", "read"),
        whole("PUT", one, replace, "Replace a product", "write", request=request.WholeProduct,
              problems=("slug_taken", "sku_taken", "last_variant", "stale_version")),
        whole("PATCH", one, change, "Change fields of a product", "write", request=request.ProductChange,
              problems=("slug_taken", "sku_taken", "last_variant", "stale_version")),
        whole("POST", one + "/publish", put_on_sale, "Publish now or at a time", "write",
              request=request.PublishBody, problems=("conflict", "stale_version")),
        whole("POST", one + "/unpublish", take_off_sale, "Make it a draft again", "write",
              problems=("stale_version",)),
        whole("POST", one + "/archive", archive, "Take it off sale for good", "write",
              problems=("stale_version",)),
    ]  # fmt: skip


def route(method: str, path: str, handler: Handler, summary: str, asks: str, **more: Any) -> Route:
    """A route that asks for `products:` and this action."""
    return admin_route(method, path, handler, summary, f"products:{asks}", **more)


def id_of(req: web.Request) -> uuid.UUID | None:
    """The product that the path names; None: its text is no id."""
    return parse_uuid(req.match_info["id"])


def one_product(stored: dict[str, Any], *, status: int = 200) -> web.Response:
    """The product with its ETag."""
    shown = stored | {
        "variants": [
            {name: value for name, value in variant.items() if name != "item_id"}
            for variant in stored["variants"]
        ]
    }
    return answer(shown, status=status, version=stored["version"])
