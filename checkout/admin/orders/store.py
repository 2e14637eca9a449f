"""The only SQL of searching orders."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from checkout.accounts.model import plain_email
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, fetch_all, fetch_one, fetch_planned
from checkout.orders.personal import opened_order
from config import limits

QUERIES = sql.load(__file__)
FIRST, LAST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Search:
    """Which orders are wanted; None: all. Shape: ids from `oldest` until before `before`; ids are ordered by time."""

    before: uuid.UUID = LAST
    oldest: uuid.UUID = FIRST
    number: int | None = None
    email: str | None = None
    status: str | None = None
    sku: str | None = None
    owner: uuid.UUID | None = None


class SearchStore:
    """Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher

    async def search(self, wanted: Search, most: int) -> tuple[list[dict[str, Any]], uuid.UUID | None]:
        """(orders, newest first; where looking stopped before there were enough, or None).

        Cost: one read of at most ORDERS_LOOKED_AT_MAX orders, however rare what is wanted.
        """
        item_id = None
        if wanted.sku is not None:
            row = await fetch_one(self._pool, QUERIES.item_of, wanted.sku, wanted.owner)
            if row is None:
                return [], None
            item_id = row["item_id"]
        address = None if wanted.email is None else plain_email(wanted.email)
        rows = await fetch_planned(
            self._pool,
            QUERIES.search,
            wanted.before,
            wanted.oldest,
            wanted.number,
            None if address is None else self._cipher.index(address),
            wanted.status,
            item_id,
            wanted.owner,
            limits.ORDERS_LOOKED_AT_MAX,
            most,
            address,
        )
        found = [opened_order(self._cipher, row) for row in rows if row["id"] is not None]
        return found, rows[0]["stopped_at"]

    async def owned(self, product_ids: Iterable[uuid.UUID], owner: uuid.UUID) -> set[str]:
        """Which of these products are the owner's."""
        rows = await fetch_all(self._pool, QUERIES.owned, list(set(product_ids)), owner)
        return {str(row["id"]) for row in rows}
