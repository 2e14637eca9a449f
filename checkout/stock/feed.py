"""Take figures from an external inventory system: idempotent by what they say, however often and in whatever order.

A row says how much lay at a location at a moment (`as_of`) by one system's word. What is older than the last row taken
of the same SKU, location and system is ignored, so no Idempotency-Key is needed.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from checkout.access.store import record
from checkout.errors import Unavailable
from checkout.kit.db import RETRYABLE, Connection, Pool, acquired
from checkout.kit.ids import uuid7
from checkout.stock import ledger
from checkout.stock.ledger import By, Move, Unit
from checkout.stock.policy import keeps_promises
from config import limits

Result = Literal["applied", "unchanged", "ignored", "unknown_sku", "unknown_location", "below_reserved"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. Units: units on hand."""

    sku: str
    location: str
    on_hand: int
    as_of: datetime
    source_id: str


@dataclass(slots=True)
class Counting:
    """The locked stock of one chunk while its rows are decided, one after the other. Pure.

    Shape: `there` is on hand by (item, location); `totals` by item; `taken` the last moment by (item, location, source).
    """

    units: dict[str, Unit]
    known: dict[str, bool]
    there: dict[tuple[int, str], int]
    taken: dict[tuple[int, str, str], datetime]
    totals: dict[int, int]

    def decide(self, row: Figure) -> tuple[Result, int]:
        """What becomes of the row, and by how much it moves its location; what it moves counts for the next row."""
        unit = self.units.get(row.sku)
        if unit is None:
            return "unknown_sku", 0
        if row.location not in self.known:
            return "unknown_location", 0
        name = (unit.item_id, row.location, row.source_id)
        last = self.taken.get(name)
        if last is not None and row.as_of <= last:
            return "ignored", 0
        delta = row.on_hand - self.there.get((unit.item_id, row.location), 0)
        total = self.totals.get(unit.item_id, unit.on_hand) + delta
        if (
            delta < 0 and not keeps_promises(on_hand=total, reserved=unit.reserved, limit=unit.limit)
        ) or total > limits.STOCK_MAX:
            return "below_reserved", 0
        self.there[unit.item_id, row.location] = row.on_hand
        self.totals[unit.item_id] = total
        self.taken[name] = row.as_of
        return ("applied" if delta else "unchanged"), delta


async def feed(pool: Pool, rows: Sequence[Figure], by: By) -> list[dict[str, Any]]:
    """Takes the rows in chunks, each a commit of its own; one result a row, in their order.

    Raises: Unavailable; what was taken before it stays. Retry: always, the same rows are then ignored.
    Locks: the chunk's stock rows for its commit.
    """
    results: list[dict[str, Any]] = []
    try:
        for at in range(0, len(rows), limits.STOCK_FEED_CHUNK):
            async with acquired(pool) as connection, connection.transaction():
                results += await _take(connection, rows[at : at + limits.STOCK_FEED_CHUNK], by)
    except RETRYABLE:
        raise Unavailable("This stock is being changed by others; try again.", retry_after_ms=500) from None
    return results


async def _take(connection: Connection, rows: Sequence[Figure], by: By) -> list[dict[str, Any]]:
    units = await ledger.find_units(connection, sorted({row.sku for row in rows}), by.owner)
    known = await ledger.places(connection, [row.location for row in rows])
    named = [(units[r.sku].item_id, r.location, r.source_id) for r in rows if r.sku in units]
    counting = Counting(
        units,
        known,
        await ledger.at_places(connection, [unit.item_id for unit in units.values()], list(known)),
        await ledger.fed(connection, list(dict.fromkeys(named))) if named else {},
        {},
    )
    deltas: dict[tuple[int, str], int] = {}
    last: dict[tuple[int, str, str], tuple[int, str, str, datetime, int]] = {}
    decided = [counting.decide(row) for row in rows]
    # What one location lost another may have got, further down: those that were refused are asked once more.
    decided = [
        counting.decide(row) if result == "below_reserved" else (result, delta)
        for row, (result, delta) in zip(rows, decided, strict=True)
    ]
    for row, (result, delta) in zip(rows, decided, strict=True):
        if result in ("applied", "unchanged"):
            item = units[row.sku].item_id
            deltas[item, row.location] = deltas.get((item, row.location), 0) + delta
            name = (item, row.location, row.source_id)
            if counting.taken[name] == row.as_of:
                last[name] = (*name, row.as_of, row.on_hand)
    answers = [
        {"sku": row.sku, "location": row.location, "status": result, "delta": delta}
        for row, (result, delta) in zip(rows, decided, strict=True)
    ]
    if last:
        await ledger.keep_fed(connection, list(last.values()))
    moves = [Move(item, location, delta) for (item, location), delta in deltas.items() if delta]
    if moves:
        document_id: uuid.UUID = uuid7()
        await ledger.move(connection, document_id, "feed", moves, by)
        await record(
            connection,
            actor=by.actor,
            action="stock.feed",
            subject=str(document_id),
            after={"applied": len(moves), "reason": by.reason},
        )
    return answers
