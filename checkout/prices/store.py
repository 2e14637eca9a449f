"""Prices and price lists in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from checkout.errors import Conflict, Invalid
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, fetch_all, fetch_one, fetch_planned
from checkout.prices.model import Entry, PriceList

QUERIES = sql.load(__file__)


async def prices(
    pool: Pool,
    *,
    after: tuple[int, str] | None,
    sku: str | None,
    currency: str | None,
    product: uuid.UUID | None,
    owner: uuid.UUID | None,
    most: int,
) -> Sequence[Record]:
    """Prices in order of their items. Raises: Unavailable."""
    return await fetch_planned(
        pool, QUERIES.prices, *(after or (None, None)), sku, currency, product, owner, most
    )


async def lists(
    pool: Pool, *, after: uuid.UUID | None, status: str | None, owner: uuid.UUID | None, most: int
) -> Sequence[Record]:
    """Price lists, newest first. Raises: Unavailable."""
    return await fetch_planned(pool, QUERIES.lists, after, status, owner, most)


async def read_list(
    pool: Pool, list_id: uuid.UUID, owner: uuid.UUID | None
) -> tuple[Record, Sequence[Record]] | None:
    """A price list and its entries. Raises: Unavailable."""
    row = await fetch_one(pool, QUERIES.list, list_id, owner)
    return None if row is None else (row, await fetch_all(pool, QUERIES.entries, list_id))


async def lock_items(
    connection: Connection, entries: Sequence[Entry], owner: uuid.UUID | None
) -> dict[str, int]:
    """SKU → item id, their stock rows locked in item order. Raises: Invalid for SKUs that are not there, or others'."""
    items = await find_items(connection, sorted({entry.sku for entry in entries}), owner)
    unknown = [
        (f"prices[{at}].sku", f"there is no SKU {entry.sku}")
        for at, entry in enumerate(entries)
        if entry.sku not in items
    ]
    if unknown:
        raise Invalid(f"{unknown[0][0]}: {unknown[0][1]}", errors=unknown[:100])
    return items


async def find_items(connection: Connection, skus: Sequence[str], owner: uuid.UUID | None) -> dict[str, int]:
    """SKU → item id of those that are there, their stock rows locked in item order."""
    return {row["sku"]: row["item_id"] for row in await connection.fetch(QUERIES.lock_items, skus, owner)}


async def lock_versions(connection: Connection, skus: Sequence[str]) -> Sequence[Record]:
    """(SKU, its product's version), the products' rows locked by slug; the stock rows are locked before."""
    return await connection.fetch(QUERIES.lock_versions, skus)


def rows_of(entries: Iterable[Entry], items: dict[str, int]) -> list[dict[str, Any]]:
    """The entries as rows of a statement."""
    return [
        {
            "item_id": items[entry.sku],
            "currency": entry.currency,
            "amount_minor": entry.amount_minor,
            "compare_at_minor": entry.compare_at_minor,
        }
        for entry in entries
    ]


async def regular(connection: Connection, items: Sequence[int]) -> Sequence[Record]:
    """The regular prices of these items."""
    return await connection.fetch(QUERIES.regular, items)


async def log_prices(connection: Connection, actor: str, rows: Sequence[dict[str, Any]]) -> None:
    """Writes price changes into the audit log. Shape: rows of sku, before, after."""
    await connection.execute(QUERIES.log_prices, actor, orjson.dumps(rows).decode())


async def lock_list(connection: Connection, list_id: uuid.UUID, owner: uuid.UUID | None) -> Record | None:
    """The list, its row locked until this transaction ends."""
    return await connection.fetchrow(QUERIES.lock_list, list_id, owner)


async def entries_of(connection: Connection, list_id: uuid.UUID) -> tuple[Entry, ...]:
    """The entries of a list."""
    return tuple(Entry(*row) for row in await connection.fetch(QUERIES.entries, list_id))


async def lock_entries(connection: Connection, list_id: uuid.UUID) -> None:
    """Locks the stock rows of the list's entries, in item order."""
    await connection.execute(QUERIES.lock_entries, list_id)


async def refuse_overlap(
    connection: Connection,
    list_id: uuid.UUID,
    rows: Sequence[dict[str, Any]],
    starts_at: datetime,
    ends_at: datetime,
) -> None:
    """Raises: Conflict `price_list_overlaps` when another list covers one of these prices in that time."""
    named = orjson.dumps(rows).decode()
    found = await connection.fetchrow(QUERIES.overlapping, named, starts_at, ends_at, list_id)
    if found is not None:
        raise Conflict(
            f"{found['sku']} has a price in {found['currency']} at that time in the list {found['name']!r}.",
            code="price_list_overlaps",
        )


async def add_list(
    connection: Connection,
    list_id: uuid.UUID,
    wanted: PriceList,
    rows: Sequence[dict[str, Any]],
    *,
    owner: uuid.UUID | None,
    actor: str,
) -> None:
    """Stores a list that waits for its time."""
    await connection.execute(
        QUERIES.add_list, list_id, wanted.name, owner, wanted.starts_at, wanted.ends_at, actor
    )
    await connection.execute(QUERIES.add_entries, list_id, orjson.dumps(rows).decode())


async def change_list(
    connection: Connection, list_id: uuid.UUID, name: str, starts_at: datetime, ends_at: datetime | None
) -> None:
    """Gives a list another name or time."""
    await connection.execute(QUERIES.change_list, list_id, name, starts_at, ends_at)


async def replace_entries(connection: Connection, list_id: uuid.UUID, rows: Sequence[dict[str, Any]]) -> None:
    """Gives a list that waits other entries."""
    await connection.execute(QUERIES.drop_entries, list_id)
    await connection.execute(QUERIES.add_entries, list_id, orjson.dumps(rows).decode())


async def drop_list(connection: Connection, list_id: uuid.UUID) -> None:
    """Deletes a list that never began."""
    await connection.execute(QUERIES.drop_list, list_id)


async def take_due(connection: Connection) -> Record | None:
    """A list that is to begin or to end now, its row locked; None: nothing is due."""
    return await connection.fetchrow(QUERIES.take_due)


async def cover(connection: Connection, list_id: uuid.UUID) -> list[int]:
    """Puts the list's prices into force; the items."""
    return [row["item_id"] for row in await connection.fetch(QUERIES.cover, list_id)]


async def uncover(connection: Connection, list_id: uuid.UUID) -> list[int]:
    """Puts the regular prices back where the list covers them; the items."""
    return [row["item_id"] for row in await connection.fetch(QUERIES.uncover, list_id)]


async def listed(connection: Connection, list_id: uuid.UUID) -> list[dict[str, Any]]:
    """The list's entries as rows of a statement."""
    return [dict(row) for row in await connection.fetch(QUERIES.listed, list_id)]


async def move_list(connection: Connection, list_id: uuid.UUID, status: str, actor: str) -> None:
    """Gives a list its new status, and says so in the audit log."""
    await connection.execute(QUERIES.move_list, list_id, status, actor)
