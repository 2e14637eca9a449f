"""Make a product."""

import uuid
from datetime import datetime
from typing import Any

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.catalog.model import ProductDraft
from checkout.catalog.store import products_by_slug
from checkout.catalog.write import write_batch
from checkout.kit.db import Pool, writing
from checkout.products import store
from checkout.products.model import differences


async def create(
    pool: Pool,
    grant: Grant,
    draft: ProductDraft,
    *,
    owner: uuid.UUID | None = None,
    publish_at: datetime | None = None,
) -> dict[str, Any]:
    """The product as stored; a vendor's is its own.

    Raises: Invalid, Conflict (`slug_taken`, `sku_taken`), Unavailable. Retry: safe, the slug is taken then.
    """
    async with writing(pool) as connection:
        await write_batch(
            connection,
            [draft],
            reason="first stock",
            actor=grant.actor,
            owner=grant.owner,
            only_new=True,
        )
        product_id = (await products_by_slug(connection, [draft.slug]))[draft.slug][0]
        if owner is not None:
            await store.give_to(connection, product_id, owner)
        if publish_at is not None:
            await store.plan(connection, product_id, publish_at)
        made = await store.reread(connection, product_id)
        await record(
            connection,
            actor=grant.actor,
            action="product.create",
            subject=str(product_id),
            after=differences(None, made)[1],
        )
        return made
