"""A small shop at rest, copied for each test, with a provider's ledger that agrees with it."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import msgspec
import pytest

from checkout.audit.counters import gate_of
from checkout.audit.model import Charge, Report
from checkout.audit.prove import audit
from checkout.stock.rebuild import rebuild
from config.settings import Settings
from tests.api.audit import world as world_sql
from tests.shop import Stores, running

_copies = itertools.count(1)


@dataclass(slots=True)
class World:
    """One test's copy. `ledger` is what the provider says, taken from our payments until a test changes it."""

    settings: Settings
    db: "asyncpg.Connection[asyncpg.Record]"
    ledger: list[Charge] = field(default_factory=list)

    async def load_ledger(self) -> None:
        """The provider agrees with our payments as they are now."""
        rows = await self.db.fetch(world_sql.LEDGER)
        self.ledger = [
            Charge(row["order_id"], row["charges"], row["charged"], row["refunded"]) for row in rows
        ]

    async def read(self) -> AsyncIterator[Charge]:
        """The provider's ledger."""
        for charge in self.ledger:
            yield charge

    async def rebuild_gate(self) -> None:
        """The gate counts as Postgres does now."""
        async with gate_of(self.settings.database_url, self.settings.gate_url) as (gate, stock):
            await rebuild(gate, stock)
            assert gate.is_open

    async def prove(self, *, acknowledged: list[UUID] | None = None, wait_s: float = 0.0) -> Report:
        """An audit of this copy."""
        return await audit(self.settings, acknowledged=acknowledged, wait_s=wait_s, ledger=self.read)

    async def order(self, status: str) -> UUID:
        """The first order of this status."""
        found: UUID = await self.db.fetchval(
            "SELECT id FROM orders WHERE status = $1 ORDER BY number LIMIT 1", status
        )
        return found


async def _build(stores: Stores) -> Settings:
    """Eight real orders, each brought to a state of its own; the shop is closed again."""
    settings = await stores.fresh_settings()
    async with running(settings) as shop:
        ids = []
        for number in range(8):
            status, document = await shop.buy(("MUG-CLASSIC", 1 + number % 3), ("TEE-BLACK-M", 2))
            assert status == 201, document
            ids.append(UUID(document["order"]["id"]))
        for number in range(3):
            await shop.db.execute(world_sql.FINISH, ids[number], f"pi_{number}")
        await shop.db.execute(world_sql.FAIL_PAYMENT, ids[3])
        await shop.db.execute(world_sql.ASK_SHOPPER, ids[4])
        await shop.db.execute(world_sql.CANCEL, ids[5])
        await shop.db.execute(world_sql.OWED_LATER, ids[6])
        await shop.db.execute(world_sql.FINISH, ids[7], "pi_7")
        await shop.db.execute(world_sql.LIMITED_COUPON, ids[0])
    return settings


@pytest.fixture(scope="module")
def resting(stores: Stores) -> Settings:
    """The shop that tests copy."""
    return asyncio.run(_build(stores))


@pytest.fixture
async def world(stores: Stores, resting: Settings) -> AsyncIterator[World]:
    """This test's copy of the shop, with a gate of its own that is yet to be built."""
    name = f"audit_{next(_copies)}"
    original = resting.database_url
    admin = await asyncpg.connect(stores.database_url)
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{_database_of(original)}" STRATEGY file_copy')
    await admin.close()
    url = stores.url_of(name)
    settings = msgspec.structs.replace(resting, database_url=url, gate_url=stores.fresh_gate_url())
    db = await asyncpg.connect(url)
    found = World(settings, db)
    await found.load_ledger()
    try:
        yield found
    finally:
        await db.close()


def _database_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]
