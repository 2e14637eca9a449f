"""Put products on sale, now or at a time, and take them off: what shoppers see changes with the commit."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from checkout.access.model import Grant
from checkout.catalog.archive import archive as archive_now
from checkout.catalog.publish import publish as publish_now
from checkout.catalog.store import lock_stock_of_products
from checkout.errors import Conflict
from checkout.kit.db import Connection, Pool, writing
from checkout.products import store
from checkout.products.edit import log
from checkout.products.model import Stored

_Step = Callable[[Connection, Stored], Awaitable[None]]


async def publish(
    pool: Pool, grant: Grant, product_id: uuid.UUID | None, version: int | None, at: datetime | None
) -> dict[str, Any]:
    """The product, published now, or a draft that the relay publishes at that time by Postgres's clock.

    Raises: NotFound, Stale, Conflict (published already, and a time is given), Unavailable. Retry: safe.
    """

    async def step(connection: Connection, stored: Stored) -> None:
        if at is None:
            await publish_now(connection, [stored["id"]])
            return
        if stored["status"] == "published":
            raise Conflict("It is published already; unpublish it first to publish it at another time.")
        if stored["status"] == "archived":
            await store.withdraw(connection, stored["id"])
        await store.plan(connection, stored["id"], at)

    return await _moved(pool, grant, product_id, version, "product.publish", step)


async def unpublish(
    pool: Pool, grant: Grant, product_id: uuid.UUID | None, version: int | None
) -> dict[str, Any]:
    """The product as a draft again; a planned publication is called off. Raises: NotFound, Stale. Retry: safe."""

    async def step(connection: Connection, stored: Stored) -> None:
        await store.withdraw(connection, stored["id"])

    return await _moved(pool, grant, product_id, version, "product.unpublish", step)


async def archive(
    pool: Pool, grant: Grant, product_id: uuid.UUID | None, version: int | None
) -> dict[str, Any]:
    """The product, off sale for good; orders, stock and ledger keep their rows. Raises: NotFound, Stale. Retry: safe."""

    async def step(connection: Connection, stored: Stored) -> None:
        await archive_now(connection, [stored["id"]])

    return await _moved(pool, grant, product_id, version, "product.archive", step)


async def publish_due(pool: Pool, most: int) -> int:
    """Publishes drafts whose time has come; how many. Retry: safe, also by several relays at once.

    Cost: one read when nothing is due; stock rows locked in item order.
    """
    async with writing(pool) as connection:
        ids = await store.due(connection, most)
        if not ids:
            return 0
        await lock_stock_of_products(connection, ids)
        return len(await store.publish_due(connection, ids))


async def _moved(
    pool: Pool,
    grant: Grant,
    product_id: uuid.UUID | None,
    version: int | None,
    action: str,
    step: _Step,
) -> dict[str, Any]:
    async with writing(pool) as connection:
        before = await store.opened(connection, product_id, grant.owner, version)
        await step(connection, before)
        after = await store.reread(connection, before["id"])
        await log(connection, grant, action, before, after)
        return after
