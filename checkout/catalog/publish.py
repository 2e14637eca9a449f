"""Put products on sale."""

import uuid
from collections.abc import Sequence

from checkout.catalog import store
from checkout.kit.db import Connection


async def publish(connection: Connection, product_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Publishes these products; the ids of those that were not. Retry: safe. Cost: stock rows locked in item order."""
    async with connection.transaction():
        return await store.publish_products(connection, product_ids)
