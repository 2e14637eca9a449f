"""The catalogue in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import Sequence
from typing import Any

import orjson

from checkout.catalog.attributes import Definition
from checkout.catalog.model import ListingQuery
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, acquired, fetch_all, fetch_one
from checkout.quoting.model import Offer
from config import limits

queries = sql.load(__file__)
_SQL = sql.load(__file__, "write.sql")
FACET_PRODUCTS_MAX = 10_000


async def offers(pool: Pool, skus: Sequence[str], currency: str) -> list[Offer]:
    """The offers of these SKUs that are published and priced in this currency. Raises: Unavailable. Cost: one statement."""
    return [Offer(*row) for row in await fetch_all(pool, queries.offers_by_sku, skus, currency)]


# --- What shoppers read -------------------------------------------------------------------------------


async def product(pool: Pool, key: str, product_id: uuid.UUID | None) -> Record | None:
    """The published product of this slug or id, with variants and categories as JSON text. Raises: Unavailable."""
    return await fetch_one(pool, queries.product_by_key, key, product_id)


class Page:
    """One page of a listing. Shape: `keys` say where each card stands in the order; `facets` are (facet, name, value, n)."""

    def __init__(
        self,
        cards: Sequence[Record],
        keys: Sequence[tuple[int, str, str]],
        facets: Sequence[Record],
        matches: int,
    ) -> None:
        self.cards = cards
        self.keys = keys
        self.facets = facets
        self.matches = matches


def _patterns(text: str) -> list[str]:
    """Each word as an ILIKE pattern, taken literally."""
    words = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").split()
    return [f"%{word}%" for word in words]


async def listing(
    pool: Pool, query: ListingQuery, *, after: tuple[int, str, uuid.UUID] | None, published: Any
) -> Page:
    """One page and its facets, from one snapshot. `published` is the cursor's time when the query is plain.

    Raises: Unavailable. Cost: three or four statements of bounded rows on one connection.
    """
    async with (
        acquired(pool) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        if query.is_plain:
            rows = await connection.fetch(
                queries.page_newest, published, after[2] if after else None, query.limit + 1
            )
            page = [(row["id"], row["key_number"], row["key_text"]) for row in rows]
            ids = [row["id"] for row in await connection.fetch(queries.newest_ids, FACET_PRODUCTS_MAX)]
        else:
            row = await connection.fetchrow(
                queries.page_filtered,
                query.category,
                list(query.tags),
                [orjson.dumps({name: value}).decode() for name, value in query.attributes],
                _patterns(query.q),
                query.q.strip(),
                query.sort,
                query.currency,
                *(after or (None, None, None)),
                FACET_PRODUCTS_MAX,
                query.limit + 1,
            )
            if row is None:
                raise AssertionError("an aggregate without a row")
            page = list(zip(row["page_ids"], row["key_numbers"], row["key_texts"], strict=True))
            ids = row["ids"]
        facets = await connection.fetch(queries.facets, ids)
        found = {
            card["id"]: card for card in await connection.fetch(queries.cards_by_id, [at[0] for at in page])
        }
    return Page(
        [found[at[0]] for at in page if at[0] in found],
        [(at[1], at[2], str(at[0])) for at in page],
        facets,
        len(ids),
    )


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
    product_ids: Sequence[uuid.UUID],
    created_ids: Sequence[uuid.UUID],
) -> list[str]:
    """Makes these the categories of the products; the slugs of older products whose categories changed."""
    changed = await connection.fetch(_SQL.write_memberships, _json(rows), product_ids, created_ids)
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
