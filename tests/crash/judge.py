"""The judge of the crash tests: the audit, with everything that needs no worker."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from checkout.audit.model import Charge
from checkout.audit.prove import audit
from config import settings as configuration
from tests.crash.buyers import Buyers

# No worker runs here, so every order still owes its payment: the chain's own tests judge that.
_NOT_HERE = {"outbox_unfinished"}


async def _no_charges() -> AsyncIterator[Charge]:
    for charge in ():
        yield charge


async def judge(buyers: Buyers, db: Any, database_url: str, gate_url: str, *, wait_s: float = 3.0) -> None:
    """Fails with every difference between what buyers were told, what Postgres holds and what the gate counts."""
    wrong = await buyers.check(db)
    plain = configuration.load({"CHECKOUT_ENV": "test"})
    asked = msgspec.structs.replace(plain, database_url=database_url, gate_url=gate_url)
    acknowledged = [one.order_id for one in buyers.purchases if one.order_id is not None]
    report = await audit(asked, acknowledged=acknowledged, wait_s=wait_s, ledger=_no_charges)
    wrong += [
        f"{finding.name}: {finding.figure} {finding.unit} {finding.detail}"
        for finding in report.findings
        if not finding.ok and finding.name not in _NOT_HERE
    ]
    assert not wrong, "\n".join(wrong[:20])


SET_STOCK = """
WITH s AS (SELECT item_id, $2 - (on_hand - reserved) AS delta FROM stock JOIN variants USING (item_id) WHERE sku = $1),
     m AS (INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
           SELECT gen_random_uuid(), item_id, 'adjustment', delta FROM s WHERE delta <> 0),
     q AS (INSERT INTO gate_suspects (item_id) SELECT item_id FROM s ON CONFLICT DO NOTHING)
UPDATE stock SET on_hand = on_hand + s.delta FROM s WHERE stock.item_id = s.item_id"""


async def leave(db: Any, sku: str, units: int) -> None:
    """Adjusts the stock of a SKU so that this many units can be had."""
    await db.execute(SET_STOCK, sku, units)
