"""The only SQL of shipments."""

import uuid
from typing import Any

import orjson

from checkout.kit import sql
from checkout.kit.db import Pool, acquired, fetch_one
from checkout.kit.ids import uuid7
from checkout.outbox.store import finish

QUERIES = sql.load(__file__)


class ShipmentStore:
    """Shipments in Postgres. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def order(self, order_id: uuid.UUID) -> Any:
        """What a booking needs of the order, or None."""
        return await fetch_one(self._pool, QUERIES.order_to_ship, order_id)

    async def book(
        self,
        order: Any,
        *,
        carrier: str,
        tracking_number: str | None,
        label_pdf: bytes | None,
        detail: dict[str, Any],
        row_id: int,
    ) -> bool:
        """Commits the booking with its timeline entry; False when the order has changed meanwhile."""
        async with acquired(self._pool) as connection:
            return bool(
                await connection.fetchval(
                    QUERIES.book,
                    order["id"],
                    order["timeline_seq"],
                    uuid7(),
                    carrier,
                    tracking_number,
                    label_pdf,
                    orjson.dumps(detail).decode(),
                    row_id,
                )
            )

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to book."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)
