"""A shop of the version before months is migrated with its rows where they are, and stays provable."""

import itertools
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from checkout.audit.model import POSTGRES
from checkout.audit.store import opened
from checkout.kit import migrate as migrating
from checkout.payments.store import movement_id
from tests.api.months.old_shop import FILL, PARTITIONS
from tests.shop import Stores

BEFORE = "0022"
_names = itertools.count(1)


@pytest.fixture
async def old_url(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A shop with orders under the migrations before months, its later ones yet to come."""
    earlier = tmp_path_factory.mktemp("earlier")
    for path in migrating.FOLDER.glob("[0-9]*.sql"):
        if path.name < BEFORE:
            (earlier / path.name).write_text(path.read_text())
    name = f"old_{next(_names)}"
    admin = await asyncpg.connect(stores.database_url)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    url = stores.url_of(name)
    connection = await asyncpg.connect(url)
    with monkeypatch.context() as patch:
        patch.setattr(migrating, "FOLDER", earlier)
        await migrating.migrate(connection)
    await connection.execute(FILL)
    await connection.close()
    return url


@pytest.fixture
async def migrated(old_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """That shop after `checkout migrate`."""
    connection = await asyncpg.connect(old_url)
    await migrating.migrate(connection)
    try:
        yield connection
    finally:
        await connection.close()


async def broken(url: str) -> list[str]:
    """Names of the invariants that Postgres alone can break and that do not hold."""
    async with opened(url) as store, store.snapshot():
        before = await store.started()
        return [i.name for i in POSTGRES if not (await store.ask(i, before)).ok]


async def test_nothing_is_lost_or_broken(
    old_url: str, migrated: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """If this fails, migrating an existing shop loses rows or leaves it unprovable."""
    assert await broken(old_url) == ["outbox_unfinished"]
    counts = [
        await migrated.fetchval(question)
        for question in (
            "SELECT count(*) FROM orders",
            "SELECT count(*) FROM order_lines",
            "SELECT count(*) FROM order_events",
            "SELECT count(*) FROM order_claims",
            "SELECT count(*) FROM order_claims WHERE cart_id IS NOT NULL",
        )
    ]
    assert counts == [150, 150, 150, 150, 37]


async def test_rows_stay_where_they_are(migrated: "asyncpg.Connection[asyncpg.Record]") -> None:
    """If this fails, the migration rewrites orders, which takes hours in a large shop."""
    month = datetime.now(UTC).strftime("until_%Y_%m")
    for table in ("orders", "order_lines", "order_events"):
        parts = [row["name"] for row in await migrated.fetch(PARTITIONS, table)]
        assert f"{table}_{month}" in parts
        assert len(parts) == 5
        held = await migrated.fetch(f"SELECT tableoid::regclass::text AS part FROM {table} GROUP BY 1")
        assert [row["part"] for row in held] == [f"months.{table}_{month}"]


async def test_causes_keep_their_names(migrated: "asyncpg.Connection[asyncpg.Record]") -> None:
    """If this fails, a cause that moved units before the migration moves them again after it."""
    rows = await migrated.fetch(
        "SELECT movement_id, order_id FROM stock_movements WHERE order_id IS NOT NULL"
    )
    assert len(rows) == 38
    assert all(row["movement_id"].bytes[:6] == row["order_id"].bytes[:6] for row in rows)
    assert movement_id(rows[0]["order_id"], 1, "release").bytes[:6] == rows[0]["order_id"].bytes[:6]


async def test_what_others_added_is_carried_over(
    old_url: str, migrated: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """If this fails, an index, a constraint or a trigger of these tables is gone after the migration."""
    indexes = {
        row[0] for row in await migrated.fetch("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    }
    assert {"orders_unpaid", "orders_pkey", "stock_movements_item", "order_claims_cart"} <= indexes
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await migrated.execute(
            "INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta) VALUES ($1, 999, 'receipt', 1)",
            uuid.uuid4(),
        )
    with pytest.raises(asyncpg.CheckViolationError):
        await migrated.execute("UPDATE orders SET total_minor = total_minor + 1")
    with pytest.raises(asyncpg.UniqueViolationError):
        await migrated.execute("UPDATE orders SET number = 100002")
