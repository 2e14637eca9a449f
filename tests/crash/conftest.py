"""Stores that the crash tests may break: the other tests' stores are left alone."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config import local
from tests.conftest import make_template
from tests.shop import Stores


@dataclass(slots=True)
class BreakableStores(Stores):
    """A run's stores with the servers behind them, to be killed and started again."""

    servers: local.Stores = field(kw_only=True)

    async def start(self, name: str) -> None:
        """Starts a store that was killed; others go on meanwhile. It ends with the thread that calls this."""
        process = self.servers[name]
        process.spawn()
        async with asyncio.timeout(60):
            while not process.ready():
                if not process.alive():
                    assert process.again(), process.reason()
                    process.spawn()
                await asyncio.sleep(0.01)
        self.servers.publish()


@pytest.fixture(scope="package")
def stores() -> Iterator[BreakableStores]:
    """Stores for the crash tests alone; Postgres waits for its disk, as production's does."""
    folder = Path(tempfile.mkdtemp(prefix="checkout-crash-"))
    started = local.start_stores(folder / "stores", durable=True)
    try:
        found = BreakableStores(
            started.database_url, started.gate_url, started.broker_url, folder, servers=started
        )
        asyncio.run(make_template(found))
        yield found
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _whole(stores: BreakableStores) -> Iterator[None]:
    """Whatever a test broke and did not mend is mended for the next one."""
    yield
    for name, process in stores.servers.processes.items():
        if not process.alive():
            stores.servers.start(name)
