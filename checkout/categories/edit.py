"""Make, move, rename and delete categories: one transaction under the tree's lock, in the audit log."""

import uuid
from typing import Any

from msgspec import UnsetType

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.catalog.model import slugify
from checkout.catalog.store import lock_category_tree
from checkout.categories import store
from checkout.categories.shape import CategoryChange, NewCategory
from checkout.errors import Invalid
from checkout.kit.db import Pool, Record, writing
from checkout.kit.ids import uuid7


async def make(pool: Pool, grant: Grant, wanted: NewCategory) -> Record:
    """The new category. Raises: Invalid, Conflict `slug_taken`, Unavailable."""
    slug = wanted.slug or slugify(wanted.name)
    if not slug:
        raise Invalid("slug: the name has no letters for one; give it", field="slug")
    category_id = uuid7()
    async with writing(pool) as connection:
        await lock_category_tree(connection)
        parent = await store.parent_id(connection, wanted.parent)
        await store.add(connection, category_id, parent, slug, wanted.name, wanted.position)
        made = await store.reread(connection, category_id)
        await record(
            connection,
            actor=grant.actor,
            action="category.create",
            subject=str(category_id),
            after=_shown(made),
        )
        return made


async def change(
    pool: Pool, grant: Grant, category_id: uuid.UUID | None, version: int | None, wanted: CategoryChange
) -> Record:
    """The category after the change. Raises: NotFound, Stale, Invalid (a circle), Conflict `slug_taken`, Unavailable."""
    async with writing(pool) as connection:
        before = await store.opened(connection, category_id, version)
        parent = before["parent"] if isinstance(wanted.parent, UnsetType) else wanted.parent
        await store.change(
            connection,
            before["id"],
            await store.parent_id(connection, parent),
            before["slug"] if isinstance(wanted.slug, UnsetType) else wanted.slug,
            before["name"] if isinstance(wanted.name, UnsetType) else wanted.name,
            before["position"] if isinstance(wanted.position, UnsetType) else wanted.position,
        )
        after = await store.reread(connection, before["id"])
        if after["version"] != before["version"]:
            await record(
                connection,
                actor=grant.actor,
                action="category.edit",
                subject=str(before["id"]),
                before=_shown(before),
                after=_shown(after),
            )
        return after


async def delete(pool: Pool, grant: Grant, category_id: uuid.UUID | None, version: int | None) -> None:
    """Deletes it; its products stay. Raises: NotFound, Stale, Conflict `category_in_use`, Unavailable."""
    async with writing(pool) as connection:
        before = await store.opened(connection, category_id, version)
        await store.delete(connection, before["id"])
        await record(
            connection,
            actor=grant.actor,
            action="category.delete",
            subject=str(before["id"]),
            before=_shown(before),
        )


def _shown(row: Record) -> dict[str, Any]:
    return {name: row[name] for name in ("slug", "name", "parent", "position")}
