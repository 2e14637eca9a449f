"""Transfer units between locations: two movements that add to zero, so that none is lost on the way and the total stays."""

import uuid
from collections.abc import Sequence
from typing import Any

from checkout.access.store import record
from checkout.kit.db import Connection
from checkout.stock.ledger import By, Move, lock_units, move, place, standing


async def transfer(
    connection: Connection,
    document_id: uuid.UUID,
    origin: str,
    destination: str,
    lines: Sequence[tuple[str, int]],
    by: By,
) -> dict[str, Any]:
    """Moves each line's (SKU, units) from one location to the other, all or none.

    Raises: NotFound, Conflict `location_inactive`; CheckViolation, see `ledger.refusal`. Locks: the stock rows.
    """
    units = await lock_units(connection, [sku for sku, _ in lines], by.owner)
    await place(connection, origin)
    await place(connection, destination, takes_in=True)
    moves = []
    for sku, quantity in lines:
        moves += [
            Move(units[sku].item_id, origin, -quantity),
            Move(units[sku].item_id, destination, quantity),
        ]
    await move(connection, document_id, "transfer", moves, by)
    await record(
        connection,
        actor=by.actor,
        action="stock.transfer",
        subject=str(document_id),
        after={"from": origin, "to": destination, "reason": by.reason, "lines": dict(lines)},
    )
    now = await standing(connection, [(one.item_id, one.location) for one in moves])
    return {
        "id": str(document_id),
        "from": origin,
        "to": destination,
        "lines": [
            {
                "sku": sku,
                "quantity": quantity,
                "from_on_hand": now[units[sku].item_id, origin]["location_on_hand"],
                "to_on_hand": now[units[sku].item_id, destination]["location_on_hand"],
                "on_hand": now[units[sku].item_id, origin]["on_hand"],
            }
            for sku, quantity in lines
        ],
    }
