"""The only SQL of shipments."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, acquired, fetch_all
from checkout.kit.grouped import Grouped
from checkout.kit.ids import uuid7
from checkout.kit.together import Together
from checkout.orders.personal import opened_order
from checkout.outbox.store import finish
from config import limits

QUERIES = sql.load(__file__)
LABEL = "shipments"
"""The table whose column `personal` holds the label, sealed."""


@dataclass(frozen=True, slots=True)
class Booking:
    """What is kept of one order's booking, and the outbox row it finishes. Shape: no `tracking_number`: nothing to ship."""

    order_id: uuid.UUID
    version: int
    row_id: int
    detail: Mapping[str, Any]
    carrier: str = ""
    tracking_number: str | None = None
    label_pdf: bytes | None = None


class ShipmentStore:
    """Shipments in Postgres. Every method may raise Unavailable while Postgres is away.

    Reads and commits of orders that come at the same time share a statement.
    """

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._orders: Together[uuid.UUID, Any] = Together(self._load, most=limits.RELAY_GROUP_MAX)
        self._bookings: Grouped[Booking, bool] = Grouped(
            self._book, most=limits.RELAY_GROUP_MAX, subject=lambda one: one.order_id
        )

    async def order(self, order_id: uuid.UUID) -> Any:
        """What a booking needs of the order, or None. Cost: a share of one read."""
        return await self._orders.find(order_id)

    async def book(self, booking: Booking) -> bool:
        """Commits the booking with its timeline entry; False when the order has changed. Cost: a share of a commit."""
        return await self._bookings.commit(booking)

    async def _load(self, order_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, Any]:
        rows = await fetch_all(self._pool, QUERIES.orders_to_ship, order_ids)
        return {row["id"]: opened_order(self._cipher, row) for row in rows}

    async def _book(self, bookings: Sequence[Booking]) -> list[bool]:
        ids = [uuid7() for _ in bookings]
        rows = await fetch_all(
            self._pool,
            QUERIES.book,
            [one.order_id for one in bookings],
            [one.version for one in bookings],
            ids,
            [one.carrier for one in bookings],
            [one.tracking_number for one in bookings],
            [
                self._sealed(shipment_id, one.label_pdf)
                for shipment_id, one in zip(ids, bookings, strict=True)
            ],
            [orjson.dumps(one.detail).decode() for one in bookings],
            [one.row_id for one in bookings],
        )
        moved = {row["id"] for row in rows}
        return [one.order_id in moved for one in bookings]

    def _sealed(self, shipment_id: uuid.UUID, label_pdf: bytes | None) -> bytes | None:
        return None if label_pdf is None else self._cipher.seal_bytes(LABEL, shipment_id, label_pdf)

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to book."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)
