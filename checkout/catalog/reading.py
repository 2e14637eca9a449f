"""What shoppers read of the catalogue, as encoded documents: loaders that the cache calls, and what makes them wrong.

**Guarantees** (held by tests/api/catalog):
- Only published products are shown; a product is made anew after its change was announced.
- Stock in a product's document is at most CACHE_SHARED_S old; `availability` at most AVAILABILITY_S.
"""

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from catalog_cache import Cache, Document, Entry
from checkout.catalog import barcode, store
from checkout.errors import NotFound
from checkout.images.cdn import Pictures
from checkout.kit.db import Pool, Record
from checkout.kit.ids import parse_uuid
from checkout.stock.policy import sellable
from config import limits

AVAILABILITY_S = 1.0
LISTS = "lists"
"""The tag of every document that names more than one product."""

PUBLIC = (
    f"public, max-age={limits.CACHE_BROWSER_S}, s-maxage={limits.CACHE_SHARED_S}, "
    f"stale-while-revalidate={limits.CACHE_STALE_S}, stale-if-error=300"
)
LIVE = f"public, max-age={int(AVAILABILITY_S)}, s-maxage={int(AVAILABILITY_S)}"
IMAGE = f"public, max-age=300, s-maxage={limits.CATALOG_SHARED_TTL_S}, stale-while-revalidate=3600"

Live = Callable[[int], Awaitable[int | None]]
"""Item id → units that the gate would still admit, or None when it cannot say."""


class Reading:
    """The catalogue's documents by what is asked for. `live` asks the gate; without it, or an answer, Postgres is asked."""

    def __init__(
        self, pool: Pool, cache: Cache, *, live: Live | None = None, pictures: Pictures | None = None
    ) -> None:
        self.pool = pool
        self.cache = cache
        self._live = live
        self.pictures = pictures or Pictures()

    def changed(self, *payloads: str) -> None:
        """Takes `catalog` notifications: product ids, `lists` (no product, all lists), or `*` for everything."""
        if "*" in payloads or "" in payloads:
            self.cache.flush()
        else:
            self.cache.invalidate((*payloads, LISTS))

    async def product(self, key: str) -> Entry:
        """The product of this slug or id. Raises: NotFound, Unavailable."""
        if len(key) > limits.TEXT_MAX_CHARS or not key.isprintable():
            raise NotFound("No such product.")
        return self._found(
            await self.cache.get("product/" + key, lambda: self._load_product(key)), "No such product."
        )

    async def categories(self) -> Entry:
        """The tree of categories. Raises: Unavailable."""
        return self._found(await self.cache.get("categories", self._load_categories), "No categories.")

    async def availability(self, sku: str) -> Entry:
        """What can be bought of a SKU now. Raises: NotFound, Unavailable."""
        _sku(sku)
        return self._found(
            await self.cache.get("availability/" + sku, lambda: self._load_availability(sku)), "No such SKU."
        )

    async def barcode(self, sku: str) -> Entry:
        """The SKU's barcode as SVG. Raises: NotFound, Unavailable."""
        _sku(sku)
        return self._found(
            await self.cache.get("barcode/" + sku, lambda: self._load_barcode(sku)), "No such SKU."
        )

    @staticmethod
    def _found(entry: Entry | None, otherwise: str) -> Entry:
        if entry is None:
            raise NotFound(otherwise)
        return entry

    async def _load_product(self, key: str) -> Document | None:
        row = await store.product(self.pool, key, parse_uuid(key))
        if row is None:
            return None
        return Document(
            orjson.dumps(product_document(row, self.pictures)),
            tags=(row["id"],),
            fresh_s=limits.CACHE_SHARED_S,
            stale_s=limits.CATALOG_SHARED_TTL_S,
            cache_control=PUBLIC,
            keys=("product-" + row["id"],),
        )

    async def _load_categories(self) -> Document | None:
        rows = await store.categories(self.pool)
        items = [dict(row) for row in rows]
        return Document(
            orjson.dumps({"items": items, "next_cursor": None}),
            tags=(LISTS,),
            fresh_s=limits.CACHE_SHARED_S,
            stale_s=limits.CATALOG_SHARED_TTL_S,
            cache_control=PUBLIC,
            keys=("categories",),
        )

    async def _load_availability(self, sku: str) -> Document | None:
        row = await store.availability(self.pool, sku)
        if row is None:
            return None
        live = None if self._live is None else await self._live(row["item_id"])
        state = sellable(
            row["on_hand"],
            row["reserved"],
            row["backorder_limit"],
            beyond=row["beyond"],
            preorder_until=row["preorder_until"],
            live=live,
        )
        return Document(
            orjson.dumps({"sku": row["sku"], **state}),
            tags=(row["product_id"],),
            fresh_s=AVAILABILITY_S,
            stale_s=0.0,
            cache_control=LIVE,
            shared=False,
        )

    async def _load_barcode(self, sku: str) -> Document | None:
        row = await store.barcode(self.pool, sku)
        if row is None:
            return None
        image = await asyncio.to_thread(barcode.svg, row["sku"], row["barcode"])
        return Document(
            image,
            tags=(row["product_id"],),
            fresh_s=limits.CATALOG_SHARED_TTL_S,
            stale_s=limits.CATALOG_SHARED_TTL_S,
            content_type="image/svg+xml",
            cache_control=IMAGE,
            keys=("product-" + row["product_id"],),
        )


def _sku(sku: str) -> None:
    if len(sku) > limits.SKU_MAX_CHARS or not sku.isascii() or not sku.isprintable():
        raise NotFound("No such SKU.")


def product_document(row: Record, pictures: Pictures) -> dict[str, Any]:
    """A product as the contract shows it. Units: prices in minor units of the currency that names them."""
    variants = orjson.loads(row["variants"])
    for variant in variants:
        variant["availability"] = sellable(
            variant.pop("on_hand"),
            variant.pop("reserved"),
            variant.pop("backorder_limit"),
            beyond=variant.pop("beyond"),
            preorder_until=variant.pop("preorder_until"),
        )
    return {
        "id": row["id"],
        "slug": row["slug"],
        "title": row["title"],
        "description": row["description"],
        "vendor": row["vendor"],
        "categories": orjson.Fragment(row["categories"]),
        "tags": row["tags"],
        "attributes": orjson.Fragment(row["attributes"]),
        "images": pictures.all_shown(orjson.loads(row["images"]))
        if pictures
        else orjson.Fragment(row["images"]),
        "tax_class": row["tax_class"],
        "rating": None if row["rating"] is None else orjson.Fragment(row["rating"]),
        "variants": variants,
        "published_at": rfc3339(row["published_at"]),
        "updated_at": rfc3339(row["updated_at"]),
    }


def rfc3339(moment: datetime.datetime | None) -> str | None:
    """A time as documents have it."""
    return None if moment is None else moment.astimezone(datetime.UTC).isoformat().replace("+00:00", "Z")
