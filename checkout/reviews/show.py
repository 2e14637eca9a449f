"""The public reviews of a product as an encoded document, from the cache of lists."""

import uuid
from datetime import datetime
from typing import Any

import orjson

from catalog_cache import Cache, Document, Entry
from checkout.catalog.reading import PUBLIC, rfc3339
from checkout.errors import NotFound
from checkout.kit import page
from checkout.kit.db import Record
from checkout.reviews.model import average
from checkout.reviews.store import ReviewStore
from config import limits

After = tuple[datetime, uuid.UUID]


class PublicReviews:
    """What shoppers read."""

    def __init__(self, store: ReviewStore, cache: Cache) -> None:
        self._store = store
        self._cache = cache

    async def page(self, key: str, most: int, after: After | None) -> Entry:
        """A page of the approved reviews of the product with this slug or id. Raises: NotFound, Unavailable."""
        named = f"reviews/{key}/{most}/{after}"
        entry = self._cache.peek(named) or await self._cache.get(named, lambda: self._load(key, most, after))
        if entry is None:
            raise NotFound("No such product.")
        return entry

    async def _load(self, key: str, most: int, after: After | None) -> Document | None:
        product_id = await self._store.product_of(key)
        if product_id is None:
            return None
        rows, rating = await self._store.public(product_id, after, most + 1)
        return Document(
            orjson.dumps(reviews_document(rows, rating, most)),
            tags=(str(product_id),),
            fresh_s=limits.CACHE_SHARED_S,
            stale_s=limits.CACHE_STALE_S,
            cache_control=PUBLIC,
            keys=(f"product-{product_id}",),
        )


def reviews_document(rows: Any, rating: Record | None, most: int) -> dict[str, Any]:
    """A page, where the next begins, and what all reviews come to."""
    shown, last = page.split(rows, most)
    count = rating["reviews"] if rating else 0
    return {
        "items": [
            {
                "id": str(row["id"]),
                "stars": row["stars"],
                "title": row["title"],
                "text": row["body"],
                "author": row["author"] or None,
                "created_at": rfc3339(row["created_at"]),
            }
            for row in shown
        ],
        "next_cursor": page.cursor(last["created_at"].isoformat(), str(last["id"])) if last else None,
        "rating": {
            "average": average(rating["stars"], count) if rating else None,
            "count": count,
            "by_stars": {str(stars): rating[f"stars_{stars}"] if rating else 0 for stars in range(1, 6)},
        },
    }
