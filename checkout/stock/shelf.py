"""What lies on the shelves, as admins and vendors read it."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from checkout.errors import NotFound
from checkout.kit import sql
from checkout.kit.db import Pool, Record, fetch_all, fetch_one
from checkout.stock.policy import Policy, shelf
from config import limits

QUERIES = sql.load(__file__, "shelf.sql")

Live = Callable[[Sequence[int]], Awaitable[list[int] | None]]
"""Items → units that the gate would still admit, or None while it is away."""


class Shelf:
    """Stock as it stands. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, live: Live) -> None:
        self._pool = pool
        self._live = live

    async def listed(
        self,
        after: str,
        *,
        prefix: str,
        owner: uuid.UUID | None,
        location: str | None,
        low: bool,
        most: int,
    ) -> list[dict[str, Any]]:
        """SKUs in order, after this one."""
        rows = await fetch_all(
            self._pool, QUERIES.list_stock, after, prefix, owner, location, low, limits.LOW_STOCK_UNITS, most
        )
        return [_item(row) for row in rows]

    async def one(self, sku: str, owner: uuid.UUID | None) -> tuple[dict[str, Any], int]:
        """(a SKU's stock with its policy and locations, the policy's version). Raises: NotFound."""
        row = await self._find(sku, owner)
        policy = (
            Policy(
                row["backorder"],
                row["safety_stock"],
                row["preorder_units"],
                row["preorder_until"],
                row["low_at"],
                row["version"],
            )
            if row["has_policy"]
            else Policy(backorder=max(0, row["backorder_limit"]))
        )
        orderable = row["on_hand"] + row["backorder_limit"] - row["reserved"]
        free = shelf(on_hand=row["on_hand"], reserved=row["reserved"], safety_stock=policy.safety_stock)
        in_gate = await self._live([row["item_id"]])
        places = await fetch_all(self._pool, QUERIES.stock_by_location, row["item_id"])
        return {
            "sku": row["sku"],
            "product_id": row["product_id"],
            "title": _title(row),
            "on_hand": row["on_hand"],
            "reserved": row["reserved"],
            "available": max(0, free),
            "orderable": orderable,
            "held": None if in_gate is None else max(0, orderable - in_gate[0]),
            "low": free <= (limits.LOW_STOCK_UNITS if policy.low_at is None else policy.low_at),
            "locations": [dict(place) for place in places],
            "policy": policy.document(),
            "version": policy.version,
        }, policy.version

    async def movements(self, sku: str, owner: uuid.UUID | None, before: int, most: int) -> Sequence[Record]:
        """A SKU's movements, newest first, before this id. Raises: NotFound."""
        row = await self._find(sku, owner)
        return await fetch_all(self._pool, QUERIES.movements, row["item_id"], before, most)

    async def _find(self, sku: str, owner: uuid.UUID | None) -> Record:
        row = await fetch_one(self._pool, QUERIES.stock_of_sku, sku, owner)
        if row is None:
            raise NotFound(f"There is no SKU {sku}.")
        return row


def _title(row: Record) -> str:
    return f"{row['product_title']} – {row['title']}" if row["title"] else str(row["product_title"])


def _item(row: Record) -> dict[str, Any]:
    free = shelf(on_hand=row["on_hand"], reserved=row["reserved"], safety_stock=row["safety_stock"])
    return {
        "sku": row["sku"],
        "product_id": row["product_id"],
        "title": _title(row),
        "on_hand": row["on_hand"],
        "reserved": row["reserved"],
        "available": max(0, free),
        "orderable": row["on_hand"] + row["backorder_limit"] - row["reserved"],
        "safety_stock": row["safety_stock"],
        "low": free <= row["low_at"],
        "low_at": row["low_at"],
        "location_on_hand": row["location_on_hand"],
    }
