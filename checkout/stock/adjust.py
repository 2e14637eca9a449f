"""Adjust one SKU: by a delta, or to what was counted at a location."""

import uuid
from dataclasses import dataclass
from typing import Any

from checkout.access.store import record
from checkout.kit.db import Connection
from checkout.stock.ledger import By, Move, at_places, lock_units, move, movement_id, place, standing


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change of one SKU's stock at a location: by `delta` units, or to `on_hand` units there; exactly one of the two."""

    sku: str
    delta: int | None
    on_hand: int | None
    location: str


async def adjust(connection: Connection, key: uuid.UUID, wanted: Adjustment, by: By) -> dict[str, Any]:
    """Moves the difference, and says how the SKU stands. Raises: NotFound; CheckViolation, see `ledger.refusal`.

    Locks: the stock row.
    """
    unit = (await lock_units(connection, [wanted.sku], by.owner))[wanted.sku]
    await place(connection, wanted.location)
    delta = wanted.delta
    if delta is None:
        there = await at_places(connection, [unit.item_id], [wanted.location])
        delta = (wanted.on_hand or 0) - there.get((unit.item_id, wanted.location), 0)
    one = Move(unit.item_id, wanted.location, delta)
    await move(connection, key, "adjustment", [one], by)
    await record(
        connection,
        actor=by.actor,
        action="stock.adjust",
        subject=wanted.sku,
        before={"on_hand": unit.on_hand},
        after={"delta": delta, "location": wanted.location, "reason": by.reason},
    )
    now = await standing(connection, [(unit.item_id, wanted.location)])
    return {
        "sku": wanted.sku,
        "movement_id": str(movement_id(key, one)),
        "location": wanted.location,
        "delta": delta,
        **now[unit.item_id, wanted.location],
    }
