"""The judge of the crash tests: what buyers were told against Postgres, and the audit but for what needs a worker."""

import asyncio
import time
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


async def judge(buyers: Buyers, db: Any, database_url: str, gate_url: str, *, within_s: float = 10.0) -> None:
    """Fails with every difference between what buyers were told, what Postgres holds and what the gate counts.

    The gate is given `within_s` to heal; what only Postgres knows must be right at once.
    """
    wrong = await buyers.check(db)
    assert not wrong, _first(wrong)
    plain = configuration.load({"CHECKOUT_ENV": "test"})
    asked = msgspec.structs.replace(plain, database_url=database_url, gate_url=gate_url)
    acknowledged = [one.order_id for one in buyers.purchases if one.order_id is not None]
    until = time.monotonic() + within_s
    while time.monotonic() < until and await db.fetchval("SELECT EXISTS (SELECT FROM gate_suspects)"):
        await asyncio.sleep(0.05)
    while True:
        report = await audit(asked, acknowledged=acknowledged, wait_s=0, ledger=_no_charges)
        broken = [one for one in report.findings if not one.ok and one.name not in _NOT_HERE]
        if not broken:
            return
        wrong = [f"{one.name}: {one.figure} {one.unit} {one.detail}" for one in broken]
        assert {one.name for one in broken} == {"gate_counters"}, _first(wrong)
        assert time.monotonic() < until, _first(wrong)
        await asyncio.sleep(0.5)


def _first(wrong: list[str]) -> str:
    return "\n".join(wrong[:20])
