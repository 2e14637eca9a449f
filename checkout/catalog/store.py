"""The catalogue in Postgres: the only place that runs queries.sql."""

import sys
import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from checkout.catalog.attributes import Definition
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, fetch_all, fetch_one
from checkout.quoting.model import STANDARD, Offer
from config import limits

queries = sql.load(__file__)
_SQL = sql.load(__file__, "write.sql")


async def offers(pool: Pool, skus: Sequence[str], currency: str) -> list[Offer]:
    """The offers of these SKUs that are published and priced in this currency. Raises: Unavailable. Cost: one statement."""
    return _as_offers(await fetch_all(pool, queries.offers_by_sku, skus, currency), currency)


async def offers_after(pool: Pool, item_id: int, currency: str) -> tuple[list[Offer], int | None]:
    """What is published and priced in this currency among the next 100 items that have a price in it.

    Shape: offers in the order of items, and the item after which to go on; None at the end. Raises: Unavailable.
    """
    rows = await fetch_all(pool, queries.offers_after, item_id, currency)
    return _as_offers([row for row in rows if row["sku"]], currency), rows[-1]["item_id"] if rows else None


def _as_offers(rows: Sequence[Record], currency: str) -> list[Offer]:
    # One text, and one number, for all offers that say the same.
    once: dict[str | int, str | int] = {currency: sys.intern(currency), STANDARD: STANDARD}

    def one(value: Any) -> Any:
        return once.setdefault(value, value) if type(value) in (str, int) else value

    return [Offer(*map(one, row)) for row in rows]


# --- What shoppers read -------------------------------------------------------------------------------


async def product(pool: Pool, key: str, product_id: uuid.UUID | None) -> Record | None:
    """The published product of this slug or id, with variants and categories as JSON text. Raises: Unavailable."""
    return await fetch_one(pool, queries.product_by_key, key, product_id)


async def categories(pool: Pool) -> Sequence[Record]:
    """Every category with its parent and the number of published products below it. Raises: Unavailable."""
    return await fetch_all(pool, queries.category_tree)


async def availability(pool: Pool, sku: str) -> Record | None:
    """The stock row of a published SKU. Raises: Unavailable."""
    return await fetch_one(pool, queries.sku_availability, sku)


async def barcode(pool: Pool, sku: str) -> Record | None:
    """The barcode of a published SKU. Raises: Unavailable."""
    return await fetch_one(pool, queries.sku_barcode, sku)


# --- What writers do; each on the caller's connection, inside the caller's transaction -----------------


def _json(rows: Sequence[dict[str, Any]]) -> str:
    return orjson.dumps(
        rows, default=str
    ).decode()  # ids are of asyncpg's UUID class, which orjson does not know


async def lock_stock_of(connection: Connection, slugs: Sequence[str], skus: Sequence[str]) -> None:
    """Locks the stock rows that a batch may touch, in item order."""
    await connection.execute(_SQL.lock_stock_of, slugs, skus)


async def owners_of_skus(connection: Connection, skus: Sequence[str]) -> dict[str, tuple[int, str]]:
    """SKU → (item id, slug of its product), for the SKUs that exist."""
    rows = await connection.fetch(_SQL.owners_of_skus, skus)
    return {row["sku"]: (row["item_id"], row["slug"]) for row in rows}


async def write_categories(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Upserts one level of the tree; how many changed."""
    return len(await connection.fetch(_SQL.write_categories, _json(rows)))


async def lock_category_tree(connection: Connection) -> None:
    """Nobody else moves a category until this transaction ends."""
    await connection.execute(_SQL.lock_category_tree)


async def circular_category(connection: Connection, slugs: Sequence[str]) -> str | None:
    """One of these categories that is its own ancestor, or lies too deep; None: all is well."""
    found: str | None = await connection.fetchval(_SQL.circular_category, slugs, limits.CATEGORY_DEPTH_MAX)
    return found


async def categories_named(connection: Connection, slugs: Sequence[str]) -> set[str]:
    """Those of the slugs that are categories."""
    return {row["slug"] for row in await connection.fetch(_SQL.categories_named, slugs)}


async def attributes_named(connection: Connection, names: Sequence[str]) -> dict[str, Definition]:
    """Name → definition, for the names that are defined."""
    return {row["name"]: Definition(*row) for row in await connection.fetch(_SQL.attributes_named, names)}


async def write_products(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, bool]:
    """Upserts products; slug → whether it is new, of those that changed."""
    return {row["slug"]: row["created"] for row in await connection.fetch(_SQL.write_products, _json(rows))}


async def products_by_slug(
    connection: Connection, slugs: Sequence[str]
) -> dict[str, tuple[uuid.UUID, uuid.UUID | None]]:
    """Slug → (id, owner)."""
    rows = await connection.fetch(_SQL.products_by_slug, slugs)
    return {row["slug"]: (row["id"], row["owner_id"]) for row in rows}


async def new_item_ids(connection: Connection, count: int) -> list[int]:
    """Fresh item ids."""
    return [row[0] for row in await connection.fetch(_SQL.new_item_ids, count)] if count else []


async def write_stock(
    connection: Connection, rows: Sequence[dict[str, Any]], *, reason: str, actor: str
) -> None:
    """Makes stock rows with their receipts, and tells the gate's reconciler."""
    await connection.execute(_SQL.write_stock, _json(rows), reason, actor)


async def write_backorder_limits(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Sets back-order limits; the items that changed."""
    return [row[0] for row in await connection.fetch(_SQL.write_backorder_limits, _json(rows))]


async def write_variants(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, uuid.UUID]:
    """Upserts variants; SKU → product of those that changed or are new."""
    written = await connection.fetch(_SQL.write_variants, _json(rows))
    return {row["sku"]: row["product_id"] for row in written}


async def write_prices(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Upserts regular prices; the items of those that changed, one entry a price.

    Shape: rows of item_id, currency, amount_minor, compare_at_minor. The only way to set prices: it knows of price lists.
    """
    return [row[0] for row in await connection.fetch(_SQL.write_prices, _json(rows))]


async def drop_prices(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Takes regular prices away; the items of those that there were. Shape: rows of item_id and currency."""
    return [row[0] for row in await connection.fetch(_SQL.drop_prices, _json(rows))]


async def touch_products(
    connection: Connection,
    *,
    ids: Sequence[uuid.UUID] = (),
    items: Sequence[int] = (),
    but: Sequence[str] = (),
) -> list[str]:
    """Moves the version of the products of these ids and items, but of those slugs; the slugs that moved."""
    rows = await connection.fetch(_SQL.touch_products, ids, items, but)
    return [row["slug"] for row in rows]


async def write_memberships(
    connection: Connection,
    rows: Sequence[dict[str, Any]],
    older_ids: Sequence[uuid.UUID],
) -> list[str]:
    """Makes these the categories of the products; the slugs of those whose categories changed, out of `older_ids`: the
    products that were there before the batch."""
    changed = await connection.fetch(_SQL.write_memberships, _json(rows), older_ids)
    return [row["slug"] for row in changed]


async def items_of_skus(connection: Connection, skus: Sequence[str]) -> dict[str, int]:
    """SKU → item id, their stock rows locked in item order."""
    return {row["sku"]: row["item_id"] for row in await connection.fetch(_SQL.items_of_skus, skus)}


async def lock_stock_of_products(connection: Connection, product_ids: Sequence[uuid.UUID]) -> None:
    """Locks the stock rows of these products, in item order."""
    await connection.execute(_SQL.lock_stock_of_products, product_ids)


async def publish_products(connection: Connection, product_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Publishes; those that were not. Locks their stock rows first."""
    await connection.execute(_SQL.lock_stock_of_products, product_ids)
    return [row["id"] for row in await connection.fetch(_SQL.publish_products, product_ids)]


async def archive_products(connection: Connection, product_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Archives; those that were not. Locks their stock rows first."""
    await connection.execute(_SQL.lock_stock_of_products, product_ids)
    return [row["id"] for row in await connection.fetch(_SQL.archive_products, product_ids)]
