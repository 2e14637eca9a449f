"""Receive goods at a location. What was sold ahead of them is no longer expected."""

import uuid
from collections.abc import Sequence
from typing import Any

from checkout.access.store import record
from checkout.kit.db import Connection
from checkout.stock.ledger import By, Move, arrived, lock_units, move, place, standing


async def receive(
    connection: Connection, document_id: uuid.UUID, location: str, lines: Sequence[tuple[str, int]], by: By
) -> dict[str, Any]:
    """Adds each line's (SKU, units) to the location, all or none.

    Raises: NotFound, Conflict `location_inactive`; CheckViolation, see `ledger.refusal`. Locks: the stock rows.
    """
    units = await lock_units(connection, [sku for sku, _ in lines], by.owner)
    await place(connection, location, takes_in=True)
    await arrived(connection, [(units[sku].item_id, quantity) for sku, quantity in lines])
    moves = [Move(units[sku].item_id, location, quantity) for sku, quantity in lines]
    await move(connection, document_id, "receipt", moves, by)
    await record(
        connection,
        actor=by.actor,
        action="stock.receive",
        subject=str(document_id),
        after={"location": location, "reason": by.reason, "lines": dict(lines)},
    )
    now = await standing(connection, [(one.item_id, location) for one in moves])
    return {
        "id": str(document_id),
        "location": location,
        "lines": [
            {"sku": sku, "delta": quantity, **now[units[sku].item_id, location]} for sku, quantity in lines
        ],
    }
