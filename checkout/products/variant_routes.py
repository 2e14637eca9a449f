"""Variants of a product, by SKU: add, change, remove; and what a scanner reads."""

import functools

import msgspec
from aiohttp import web

from checkout.access.access import Permit
from checkout.catalog import gtin
from checkout.errors import Invalid
from checkout.kit import body
from checkout.kit.answer import answer
from checkout.kit.conditional import expected_version
from checkout.kit.db import Pool
from checkout.kit.query import text_of
from checkout.kit.routes import Route
from checkout.products import request, shape, store
from checkout.products.edit import adding, edit, with_variant
from checkout.products.http import id_of, one_product, route
from config import limits

_new_variants = msgspec.json.Decoder(request.NewVariants)
_variant_change = msgspec.json.Decoder(request.VariantChange)
_read = functools.partial(body.read, max_bytes=limits.PRODUCT_BODY_MAX_BYTES)


def routes(pool: Pool, *, permit: Permit) -> list[Route]:
    """The routes of variants."""

    async def add_variants(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version, wanted = expected_version(req), await _read(req, _new_variants)
        if (wanted.variants is None) == (wanted.options is None):
            raise Invalid("Give either variants or options.", field="variants")
        changed = await edit(
            pool, grant, id_of(req), version,
            adding(
                lambda draft: (
                    request.new_variants(draft.slug, wanted.variants, draft.variants)
                    if wanted.variants is not None
                    else request.variants_of(
                        draft.slug, wanted.options or {}, wanted.each or request.EachVariant(), draft.variants
                    )
                )
            ),
            action="product.add_variants",
        )  # fmt: skip
        return one_product(changed, status=201)

    async def change_variant(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        version, wanted = expected_version(req), await _read(req, _variant_change)
        apply = with_variant(req.match_info["sku"], lambda variant: request.changed_variant(variant, wanted))
        return one_product(await edit(pool, grant, id_of(req), version, apply, action="product.edit_variant"))

    async def remove_variant(req: web.Request) -> web.Response:
        grant = await permit(req, "products:write")
        changed = await edit(
            pool, grant, id_of(req), expected_version(req),
            with_variant(req.match_info["sku"], lambda _: None),
            action="product.remove_variant", keep_used=False,
        )  # fmt: skip
        return one_product(changed)

    async def scan(req: web.Request) -> web.Response:
        grant = await permit(req, "products:read")
        code, sku = text_of(req, "barcode"), text_of(req, "sku")
        if (code is None) == (sku is None):
            raise Invalid("Give either barcode or sku.", field="barcode")
        if code is not None and not gtin.is_valid(code):
            raise Invalid("barcode: 8, 12, 13 or 14 digits with a right check digit", field="barcode")
        barcodes = None if code is None else gtin.spellings(code)
        rows = await store.scanned(pool, barcodes=barcodes, sku=sku, owner=grant.owner)
        return answer({"items": [dict(row) for row in rows], "next_cursor": None})

    one = "/v1/admin/products/{id}"
    variant = one + "/variants/{sku}"
    whole = functools.partial(route, response=shape.AdminProduct)
    return [
        whole("POST", one + "/variants", add_variants, "Add variants, by themselves or from options", "write",
              request=request.NewVariants, status=201, problems=("sku_taken", "last_variant", "stale_version")),
        whole("PATCH", variant, change_variant, "Change a variant", "write", request=request.VariantChange,
              problems=("sku_taken", "slug_taken", "last_variant", "stale_version")),
        whole("DELETE", variant, remove_variant, "Remove a variant that was never stocked or ordered", "write",
              problems=("variant_in_use", "last_variant", "stale_version", "invalid", "sku_taken", "slug_taken")),
        route("GET", "/v1/admin/skus", scan, "What a scanned barcode or a SKU names", "read",
              response=shape.ScannedList, problems=("invalid",),
              query={"barcode": "EAN, UPC or GTIN; leading zeros do not matter", "sku": "the SKU, exactly"}),
    ]  # fmt: skip
