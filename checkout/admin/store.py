"""The only SQL of the admin's figures and adjustments."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from checkout.errors import Conflict, Mismatch, NotFound
from checkout.kit import sql
from checkout.kit.db import (
    CheckViolation,
    Connection,
    Pool,
    Record,
    UniqueViolation,
    acquired,
    fetch_all,
    fetch_one,
)

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of one SKU's stock: by `delta` units, or to `on_hand` units; of an owner's SKU only, when one is given."""

    sku: str
    delta: int | None
    on_hand: int | None
    location: str
    reason: str
    actor: str
    owner: uuid.UUID | None = None


class AdminStore:
    """Figures and adjustments. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def orders_since(self, oldest_id: uuid.UUID, most: int) -> Sequence[Record]:
        """Orders and their totals by status and currency, of the newest `most` since then."""
        return await fetch_all(self._pool, QUERIES.orders_since, oldest_id, most)

    async def low_stock(self, units: int) -> tuple[int, int]:
        """(sold out, low): how many variants."""
        row = await fetch_one(self._pool, QUERIES.low_stock, units)
        return (row["sold_out"], row["low"]) if row else (0, 0)

    async def gate(self) -> Record | None:
        """The gate's epoch and how many counters wait for repair."""
        return await fetch_one(self._pool, QUERIES.gate)

    async def adjust(
        self, key: uuid.UUID, fingerprint: uuid.UUID, wanted: Adjustment
    ) -> tuple[dict[str, Any], bool]:
        """Commits the adjustment; (answer, whether it is an earlier one of this key).

        Raises: Mismatch, NotFound, Conflict `below_reserved`. Retry: with the same key.
        Locks: the stock row.
        """
        async with acquired(self._pool) as connection:
            try:
                async with connection.transaction():
                    earlier = await _earlier(connection, key, fingerprint)
                    if earlier is not None:
                        return earlier, True
                    return await _adjusted(connection, key, fingerprint, wanted), False
            except UniqueViolation:
                earlier = await _earlier(connection, key, fingerprint)
                if earlier is None:
                    raise
                return earlier, True
            except CheckViolation:
                raise Conflict(
                    "The adjustment would leave less stock than is reserved, or more than the shop can count.",
                    code="below_reserved",
                ) from None


async def _earlier(connection: Connection, key: uuid.UUID, fingerprint: uuid.UUID) -> dict[str, Any] | None:
    row = await connection.fetchrow(QUERIES.earlier_answer, key)
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise Mismatch("This Idempotency-Key was used for another request; take a new key.")
    answer: dict[str, Any] = orjson.loads(row["answer"])
    return answer


async def _adjusted(
    connection: Connection, key: uuid.UUID, fingerprint: uuid.UUID, wanted: Adjustment
) -> dict[str, Any]:
    unit = await connection.fetchrow(QUERIES.lock_unit, wanted.sku, wanted.owner)
    if unit is None:
        raise NotFound(f"There is no SKU {wanted.sku}.")
    delta = wanted.delta if wanted.delta is not None else (wanted.on_hand or 0) - unit["on_hand"]
    row = await connection.fetchrow(
        QUERIES.adjust, key, unit["item_id"], delta, wanted.location, wanted.reason, wanted.actor, wanted.sku
    )
    answer = {
        "sku": wanted.sku,
        "movement_id": str(key),
        "delta": delta,
        "on_hand": row["on_hand"] if row else 0,
        "reserved": row["reserved"] if row else 0,
        "available": row["available"] if row else 0,
    }
    await connection.execute(QUERIES.keep_answer, key, fingerprint, orjson.dumps(answer).decode())
    return answer
