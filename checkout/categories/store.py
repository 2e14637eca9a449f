"""Categories in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import Sequence

from checkout.catalog.store import circular_category, lock_category_tree
from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, UniqueViolation, fetch_all, fetch_one
from config import limits

QUERIES = sql.load(__file__)


async def page(pool: Pool, after: str, most: int) -> Sequence[Record]:
    """Categories by slug. Raises: Unavailable."""
    return await fetch_all(pool, QUERIES.page, after, most)


async def read(pool: Pool, category_id: uuid.UUID | None) -> Record:
    """One category. Raises: NotFound, Unavailable."""
    return _found(None if category_id is None else await fetch_one(pool, QUERIES.category, category_id))


async def reread(connection: Connection, category_id: uuid.UUID) -> Record:
    """The category as this transaction sees it. Raises: NotFound."""
    return _found(await connection.fetchrow(QUERIES.category, category_id))


async def opened(connection: Connection, category_id: uuid.UUID | None, version: int | None) -> Record:
    """The category, with the tree and its row locked until this transaction ends. Raises: NotFound, Stale."""
    await lock_category_tree(connection)
    current = None if category_id is None else await connection.fetchval(QUERIES.lock_category, category_id)
    if category_id is None or current is None:
        raise NotFound("There is no such category.")
    refuse_stale(current, version)
    return await reread(connection, category_id)


async def parent_id(connection: Connection, slug: str | None) -> uuid.UUID | None:
    """The id of the parent. Raises: Invalid when there is no such category."""
    if slug is None:
        return None
    found: uuid.UUID | None = await connection.fetchval(QUERIES.id_of, slug)
    if found is None:
        raise Invalid(f"parent: there is no category {slug!r}", field="parent")
    return found


async def add(
    connection: Connection,
    category_id: uuid.UUID,
    parent: uuid.UUID | None,
    slug: str,
    name: str,
    position: int,
) -> None:
    """Stores a new category, under the tree's lock. Raises: Conflict `slug_taken`, Invalid (too deep, or too many)."""
    if await connection.fetchval(QUERIES.count_all) >= limits.CATEGORIES_MAX:
        raise Invalid(f"There are {limits.CATEGORIES_MAX} categories already.", field="slug")
    try:
        await connection.execute(QUERIES.add, category_id, parent, slug, name, position)
    except UniqueViolation:
        raise _slug_taken(slug) from None
    await _refuse_circle(connection, category_id)


async def change(
    connection: Connection,
    category_id: uuid.UUID,
    parent: uuid.UUID | None,
    slug: str,
    name: str,
    position: int,
) -> None:
    """Moves or renames a category, under the tree's lock. Raises: Conflict `slug_taken`, Invalid (a circle, too deep)."""
    try:
        await connection.execute(QUERIES.change, category_id, parent, slug, name, position)
    except UniqueViolation:
        raise _slug_taken(slug) from None
    await _refuse_circle(connection, category_id)


async def delete(connection: Connection, category_id: uuid.UUID) -> None:
    """Deletes a category without children, under the tree's lock. Raises: Conflict `category_in_use`."""
    if await connection.fetchval(QUERIES.has_children, category_id):
        raise Conflict("Other categories are below it; move or delete them first.", code="category_in_use")
    await connection.execute(QUERIES.delete, category_id)


async def _refuse_circle(connection: Connection, category_id: uuid.UUID) -> None:
    slugs = [row["slug"] for row in await connection.fetch(QUERIES.branch, category_id)]
    if await circular_category(connection, slugs) is not None:
        raise Invalid(
            f"parent: a category cannot be below itself, nor deeper than {limits.CATEGORY_DEPTH_MAX}",
            field="parent",
        )


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such category.")
    return row


def _slug_taken(slug: str) -> Conflict:
    return Conflict(f"The slug {slug!r} belongs to another category.", code="slug_taken")
