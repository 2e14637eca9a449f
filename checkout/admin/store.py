"""The only SQL of the admin's figures and adjustments."""

import uuid
from collections.abc import Sequence

from checkout.kit import sql
from checkout.kit.db import (
    Pool,
    Record,
    fetch_all,
    fetch_one,
)

QUERIES = sql.load(__file__)


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
