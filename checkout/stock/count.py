"""Count a location (stocktake): what was found is kept, and the difference is moved."""

import uuid
from collections.abc import Sequence
from typing import Any

from checkout.access.store import record
from checkout.kit.db import Connection
from checkout.stock.ledger import By, Move, at_places, keep_counts, lock_units, move, place, standing


async def count(
    connection: Connection, document_id: uuid.UUID, location: str, lines: Sequence[tuple[str, int]], by: By
) -> dict[str, Any]:
    """Makes each line's (SKU, units found) what the location holds, all or none; a count that agrees is kept too.

    Raises: NotFound; CheckViolation, see `ledger.refusal`. Locks: the stock rows.
    """
    units = await lock_units(connection, [sku for sku, _ in lines], by.owner)
    await place(connection, location)
    there = await at_places(connection, [unit.item_id for unit in units.values()], [location])
    found = [
        (units[sku].item_id, there.get((units[sku].item_id, location), 0), counted) for sku, counted in lines
    ]
    await keep_counts(connection, document_id, location, found, by.actor)
    moves = [Move(item_id, location, counted - expected) for item_id, expected, counted in found]
    await move(connection, document_id, "count", moves, by)
    await record(
        connection,
        actor=by.actor,
        action="stock.count",
        subject=str(document_id),
        before={"lines": {sku: expected for (sku, _), (_, expected, _) in zip(lines, found, strict=True)}},
        after={"location": location, "reason": by.reason, "lines": dict(lines)},
    )
    now = await standing(connection, [(one.item_id, location) for one in moves])
    return {
        "id": str(document_id),
        "location": location,
        "lines": [
            {
                "sku": sku,
                "expected": expected,
                "counted": counted,
                "delta": counted - expected,
                **now[item, location],
            }
            for (sku, _), (item, expected, counted) in zip(lines, found, strict=True)
        ],
    }
