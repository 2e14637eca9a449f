"""Take products off sale for good; orders, stock and ledger keep their rows."""

import uuid
from collections.abc import Sequence

from checkout.catalog import store
from checkout.kit.db import Connection


async def archive(connection: Connection, product_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Archives these products; the ids of those that were not. Open quotes of them are refused from the commit on.

    Retry: safe. Cost: stock rows locked in item order.
    """
    async with connection.transaction():
        return await store.archive_products(connection, product_ids)
