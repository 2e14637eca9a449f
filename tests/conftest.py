"""Fixtures that every folder of tests may use: the run's stores, and a shop per test."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from checkout.catalog.demo import seed_demo
from checkout.kit.migrate import migrate
from checkout.quoting.store import seed_rulebook
from config.local import start_stores
from tests.shop import Stores, TestShop, running

_MEMORY, _NEEDED_BYTES = Path("/dev/shm"), 8 * 1024**3


def _memory() -> Path | None:
    """A file system in memory, if it has room: every database is seven hundred files, made and deleted in a second."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _NEEDED_BYTES:
        return _MEMORY
    return None


@pytest.fixture(scope="session")
def stores() -> Iterator[Stores]:
    """Embedded stores, once a run; nothing of them outlives it."""
    folder = Path(tempfile.mkdtemp(prefix="checkout-tests-", dir=_memory()))
    started = start_stores(folder / "stores", durable=False)
    found = Stores(started.database_url, started.gate_url, started.broker_url, folder)
    asyncio.run(make_template(found))
    try:
        yield found
    finally:
        started.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def make_template(stores: Stores) -> None:
    """A migrated database with the demo catalogue, to be copied for each test."""
    admin = await asyncpg.connect(stores.database_url)
    await admin.execute("CREATE DATABASE template_shop")
    await admin.close()
    stores.template = "template_shop"
    connection = await asyncpg.connect(stores.url_of("template_shop"))
    await migrate(connection)
    await seed_rulebook(connection)
    await seed_demo(connection)
    await connection.close()


@pytest.fixture
async def shop(stores: Stores) -> AsyncIterator[TestShop]:
    """A shop with the demo catalogue, without limits, for this test alone."""
    settings = await stores.fresh_settings()
    async with running(settings) as started:
        yield started
    await stores.drop(settings.database_url)
