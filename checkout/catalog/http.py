"""The catalogue's routes. A hit is: find the entry, compare a tag, send bytes that were made before."""

import functools

from aiohttp import web

from catalog_cache import answer
from checkout.catalog import documents
from checkout.catalog.reading import Reading
from checkout.kit.routes import Route


def routes(reading: Reading) -> list[Route]:
    """GET product, categories, availability and barcode, all from the cache."""
    peek = reading.cache.peek

    async def product(request: web.Request) -> web.Response:
        key = request.match_info["key"]
        entry = peek("product/" + key)
        return answer(request, await reading.product(key) if entry is None else entry)

    async def categories(request: web.Request) -> web.Response:
        entry = peek("categories")
        return answer(request, await reading.categories() if entry is None else entry)

    async def availability(request: web.Request) -> web.Response:
        sku = request.match_info["sku"]
        entry = peek("availability/" + sku)
        return answer(request, await reading.availability(sku) if entry is None else entry)

    async def barcode(request: web.Request) -> web.Response:
        sku = request.match_info["sku"]
        entry = peek("barcode/" + sku)
        return answer(request, await reading.barcode(sku) if entry is None else entry)

    get = functools.partial(Route, "GET", policy="browse", priority=0, tag="catalog")
    return [
        get(
            "/v1/products/{key}",
            product,
            "One product, by id or slug, with its variants",
            response=documents.Product,
            problems=("not_found",),
        ),
        get("/v1/categories", categories, "The tree of categories", response=documents.Categories),
        get(
            "/v1/skus/{sku}/availability",
            availability,
            "What can be bought of a SKU now",
            response=documents.SkuAvailability,
            problems=("not_found",),
        ),
        get(
            "/v1/skus/{sku}/barcode.svg",
            barcode,
            "The SKU's barcode as a picture",
            content_type="image/svg+xml",
            problems=("not_found",),
        ),
    ]
