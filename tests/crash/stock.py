"""Stock for the crash tests, put there as an operator would: by the ledger, the gate told of it."""

from typing import Any

PLENTY = 100_000
_ADJUST = """
WITH s AS (SELECT item_id, $2 - (on_hand - reserved) AS delta FROM stock JOIN variants USING (item_id) WHERE sku = $1),
     m AS (INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
           SELECT gen_random_uuid(), item_id, 'adjustment', delta FROM s WHERE delta <> 0),
     q AS (INSERT INTO gate_suspects (item_id) SELECT item_id FROM s ON CONFLICT DO NOTHING)
UPDATE stock SET on_hand = on_hand + s.delta FROM s WHERE stock.item_id = s.item_id"""
_SOLD_HERE = """
SELECT sku FROM variants JOIN stock USING (item_id) JOIN prices USING (item_id)
WHERE on_hand > 0 AND currency = 'EUR' ORDER BY sku LIMIT $1"""


async def leave(db: Any, sku: str, units: int) -> None:
    """Adjusts the stock of a SKU so that this many units can be had."""
    await db.execute(_ADJUST, sku, units)


async def plentiful(db: Any, count: int) -> list[str]:
    """This many SKUs, each with more units than a test can sell."""
    skus = [row["sku"] for row in await db.fetch(_SOLD_HERE, count)]
    for sku in skus:
        await leave(db, sku, PLENTY)
    return skus
