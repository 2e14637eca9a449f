"""Products in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import (
    Connection,
    ForeignKeyViolation,
    Pool,
    Record,
    UniqueViolation,
    fetch_all,
    fetch_one,
    fetch_planned,
)
from checkout.products.model import decoded

QUERIES = sql.load(__file__)
_LAST = "\U0010ffff"


async def read(pool: Pool, product_id: uuid.UUID | None, owner: uuid.UUID | None) -> dict[str, Any]:
    """The product, if it is the owner's. Raises: NotFound, Unavailable."""
    row = None if product_id is None else await fetch_one(pool, QUERIES.product, product_id, owner)
    if row is None:
        raise NotFound("There is no such product.")
    return decoded(row.items())


async def page(
    pool: Pool,
    *,
    after: uuid.UUID | None,
    status: str | None,
    owner: uuid.UUID | None,
    words: str | None,
    most: int,
) -> tuple[Sequence[Record], uuid.UUID | None]:
    """(At most `most` products, newest first, the last one's id when there are more). Raises: Unavailable. Cost: 2 reads."""
    if words is None:
        found = await fetch_planned(pool, QUERIES.newest, after, status, owner, most + 1)
    else:
        small = words.lower()
        found = await fetch_planned(
            pool,
            QUERIES.beginning_with,
            after,
            status,
            owner,
            most + 1,
            small,
            small + _LAST,
            words,
            words + _LAST,
            words,
        )
    ids = [row["id"] for row in found[:most]]
    cards = await fetch_all(pool, QUERIES.cards, ids) if ids else []
    return cards, (ids[-1] if len(found) > most else None)


async def opened(
    connection: Connection, product_id: uuid.UUID | None, owner: uuid.UUID | None, version: int | None
) -> dict[str, Any]:
    """The product with its stock rows and its own row locked until this transaction ends.

    Raises: NotFound, Stale when it has another version.
    """
    if product_id is None:
        raise NotFound("There is no such product.")
    await connection.execute(QUERIES.lock_stock_of_product, product_id)
    current = await connection.fetchval(QUERIES.lock_product, product_id, owner)
    if current is None:
        raise NotFound("There is no such product.")
    refuse_stale(current, version)
    return await reread(connection, product_id)


async def reread(connection: Connection, product_id: uuid.UUID) -> dict[str, Any]:
    """The product as this transaction sees it."""
    row = await connection.fetchrow(QUERIES.product, product_id, None)
    if row is None:
        raise NotFound("There is no such product.")
    return decoded(row.items())


async def rename(connection: Connection, product_id: uuid.UUID, slug: str) -> None:
    """Gives the product another slug. Raises: Conflict `slug_taken`."""
    try:
        await connection.execute(QUERIES.rename, product_id, slug)
    except UniqueViolation:
        raise Conflict(f"The slug {slug!r} belongs to another product.", code="slug_taken") from None


async def give_to(connection: Connection, product_id: uuid.UUID, owner: uuid.UUID | None) -> None:
    """Makes the product this account's, or the shop's. Raises: Invalid when there is no such account."""
    try:
        await connection.execute(QUERIES.give_to, product_id, owner)
    except ForeignKeyViolation:
        raise Invalid("owner_id: there is no such account", field="owner_id") from None


async def plan(connection: Connection, product_id: uuid.UUID, at: datetime | None) -> None:
    """Sets when a draft is published."""
    await connection.execute(QUERIES.plan, product_id, at)


async def withdraw(connection: Connection, product_id: uuid.UUID) -> None:
    """Makes the product a draft again."""
    await connection.execute(QUERIES.withdraw, product_id)


async def used_items(connection: Connection, items: Sequence[int]) -> set[int]:
    """Those of the items that orders or the ledger know."""
    return {row["item_id"] for row in await connection.fetch(QUERIES.used_items, items)}


async def remove_variants(connection: Connection, items: Sequence[int]) -> None:
    """Deletes variants that nobody ordered or stocked."""
    await connection.execute(QUERIES.remove_variants, items)
    await connection.execute(QUERIES.suspect, items)


async def due(connection: Connection, most: int) -> list[uuid.UUID]:
    """Products whose time to be published has come."""
    return [row["id"] for row in await connection.fetch(QUERIES.due, most)]


async def publish_due(connection: Connection, ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Publishes those of them that are still due; the stock rows are locked already."""
    return [row["id"] for row in await connection.fetch(QUERIES.publish_due, ids)]


async def scanned(
    pool: Pool, *, barcodes: Sequence[str] | None, sku: str | None, owner: uuid.UUID | None
) -> Sequence[Record]:
    """Variants by any of these barcodes, or by SKU. Raises: Unavailable."""
    if barcodes is not None:
        return await fetch_all(pool, QUERIES.by_barcode, barcodes, owner)
    return await fetch_all(pool, QUERIES.by_sku, sku, owner)
