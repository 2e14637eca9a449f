"""Listings and suggestions as encoded documents, from a cache of their own: questions are without number, and must not wash
the products' pages out of theirs.

**Guarantees** (held by tests/api/search):
- A list is made anew after a change of any product, category or review was announced.
- However many questions are asked, no more than SEARCH_BYTES_MAX of their answers are kept.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from catalog_cache import Cache, Document, Entry, SharedTier
from checkout.catalog.reading import LISTS, PUBLIC, rfc3339
from checkout.kit.db import Pool, Record
from checkout.search.find import Page, find
from checkout.search.model import ListingQuery
from checkout.search.query import cache_key, encode_cursor
from checkout.search.suggest import Suggestions, suggest
from config import limits

FACET_VALUES_MAX = 50


Shown = Callable[[dict[str, Any]], Mapping[str, Any]]
"""A picture as it is stored → as documents have it."""


def search_cache(shared: SharedTier | None = None) -> Cache:
    """A cache for what this module answers, with few loads at once: they may take as long as many of other documents."""
    return Cache(
        shared=shared,
        max_bytes=limits.SEARCH_BYTES_MAX,
        max_entries=limits.SEARCH_ENTRIES_MAX,
        load_concurrency=4,
        refresh_concurrency=2,
    )


class Search:
    """Lists by what is asked for. `shown` rewrites pictures' addresses."""

    def __init__(self, pool: Pool, cache: Cache, *, shown: Shown | None = None) -> None:
        self.pool = pool
        self.cache = cache
        self._shown = shown

    def changed(self, *payloads: str) -> None:
        """Takes `catalog` notifications: products' ids, or `*` for everything."""
        if "*" in payloads or "" in payloads:
            self.cache.flush()
        else:
            self.cache.invalidate((*payloads, LISTS))

    async def listing(self, query: ListingQuery) -> Entry:
        """One page of products with facets. Raises: Invalid (the cursor), Unavailable."""
        return _there(await self.cache.get(cache_key(query), lambda: self._load_listing(query)))

    async def suggestions(self, begun: str) -> Entry:
        """What a text that was begun may become. Raises: Unavailable."""
        return _there(await self.cache.get("suggest/" + begun, lambda: self._load_suggestions(begun)))

    async def _load_listing(self, query: ListingQuery) -> Document | None:
        page = await find(self.pool, query)
        ids = ["product-" + str(card["id"]) for card in page.cards[: query.limit]]
        return _document(listing_document(page, query, self._shown), ids)

    async def _load_suggestions(self, begun: str) -> Document | None:
        return _document(suggestions_document(await suggest(self.pool, begun)), [])


def _there(entry: Entry | None) -> Entry:
    if entry is None:
        raise AssertionError("every question has an answer")
    return entry


def _document(content: dict[str, Any], keys: list[str]) -> Document:
    return Document(
        orjson.dumps(content),
        tags=(LISTS,),
        fresh_s=limits.CATALOG_LIST_TTL_S,
        stale_s=limits.CACHE_STALE_S,
        cache_control=PUBLIC,
        keys=("products", *keys),
    )


def listing_document(page: Page, query: ListingQuery, shown: Shown | None = None) -> dict[str, Any]:
    """A page of cards, where the next begins, and the facets of what matches."""
    more = len(page.keys) > query.limit
    return {
        "items": [_card(row, shown) for row in page.cards[: query.limit]],
        "next_cursor": encode_cursor(query.sort, page.keys[query.limit - 1]) if more else None,
        "total": min(page.matches, limits.SEARCH_MATCHES_MAX),
        "total_is_exact": page.matches <= limits.SEARCH_MATCHES_MAX,
        "read_as": page.read_as,
        "facets": facets_document(page.facets, page.matches),
    }


def _card(row: Record, shown: Shown | None) -> dict[str, Any]:
    image = None if row["image"] is None else orjson.loads(row["image"])
    return {
        "id": str(row["id"]),
        "slug": row["slug"],
        "title": row["title"],
        "vendor": row["vendor"],
        "image": shown(image) if image and shown else image,
        "categories": orjson.Fragment(row["categories"]),
        "tags": row["tags"],
        "attributes": orjson.Fragment(row["attributes"]),
        "prices": orjson.Fragment(row["prices"]),
        "skus": [] if row["skus"] is None else orjson.Fragment(row["skus"]),
        "in_stock": row["in_stock"],
        "rating": None if row["rating"] is None else orjson.Fragment(row["rating"]),
        "published_at": rfc3339(row["published_at"]),
    }


def facets_document(row: Record, matches: int) -> dict[str, Any]:
    """Counts by category, tag and attribute, the most frequent values of each first, and the span of prices."""
    held = (-count for count in row["held"] or ())
    categories = sorted(zip(held, row["slugs"] or (), row["names"] or (), strict=True))
    tags: list[dict[str, Any]] = []
    attributes: dict[str, list[dict[str, Any]]] = {}
    for facet, count in zip(row["facets"] or (), row["carried"] or (), strict=True):
        if facet[0] == "t":
            values, text = tags, facet[1:]
        else:
            name, _, text = facet[1:].partition("=")
            values = attributes.setdefault(name, [])
        if len(values) < FACET_VALUES_MAX:
            values.append({"value": text, "count": count})
    spans = zip(row["currencies"] or (), row["lowest"] or (), row["highest"] or (), strict=True)
    return {
        "categories": [{"slug": slug, "name": name, "count": -less} for less, slug, name in categories],
        "tags": tags,
        "attributes": {name: attributes[name] for name in sorted(attributes) if name not in row["uncounted"]},
        "prices": {currency: {"from": low, "to": high} for currency, low, high in spans},
        "counted": min(matches, limits.SEARCH_FACETS_MAX),
        "are_exact": matches <= limits.SEARCH_FACETS_MAX,
    }


def suggestions_document(found: Suggestions) -> dict[str, Any]:
    """Categories and products, the categories first."""
    return {
        "categories": [{"slug": row["slug"], "name": row["name"]} for row in found.categories],
        "products": [{"slug": row["slug"], "title": row["title"]} for row in found.products],
    }
