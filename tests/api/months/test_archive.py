"""Old months leave and come back, and every invariant of Postgres holds before, between and after."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from checkout.commands.archive import archive_now, list_now, restore_now
from checkout.errors import Invalid
from checkout.kit import db
from checkout.retention.model import first_to_stay, months_before
from checkout.retention.store import RetentionStore, archive_month, months, why_it_stays
from config import limits
from config.settings import Settings
from tests.api.months.old_shop import FILL
from tests.api.months.test_migrating import broken
from tests.shop import Stores

OLD = "2024_03"
AT = "2024-03-01 00:00+00"
# The days of an old shop, moved from now to the month's, so that some orders lie in each of two months.
SHIFTED = (
    FILL.replace("claim_id, fingerprint, cart_id", "claim_id, cart_id")
    .replace("md5('print' || n)::uuid, ", "")
    .replace(
        "now() - n * interval '1 day'", f"timestamptz '{AT}' + interval '15 days' - n * interval '4 hours'"
    )
)
REST = """
SELECT make_order_months('2024-02-01', '2024-03-31');
UPDATE orders SET status = 'cancelled', cancelled_at = placed_at WHERE status = 'payment_failed';
UPDATE order_events e SET status = o.status FROM orders o WHERE o.id = e.order_id;
INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta, order_id)
SELECT overlay(md5('late' || id) PLACING replace(left(id::text, 13), '-', '') FROM 1)::uuid, item_id, 'release', -3, order_id
FROM orders JOIN order_lines ON order_id = id
WHERE status = 'cancelled' AND NOT EXISTS (SELECT FROM stock_movements m WHERE m.order_id = orders.id);
UPDATE stock_movements SET movement_id = overlay(movement_id::text PLACING left(order_id::text, 13) FROM 1)::uuid
WHERE order_id IS NOT NULL;
UPDATE stock s SET reserved = l.units
FROM (SELECT item_id, sum(reserved_delta) AS units FROM stock_ledger GROUP BY item_id) l WHERE l.item_id = s.item_id;
DELETE FROM outbox;
INSERT INTO invoice_series (series, next_number) SELECT 'T', count(*) + 1 FROM orders WHERE paid_at IS NOT NULL;
INSERT INTO invoices (id, series, number, order_id, document, pdf)
SELECT gen_random_uuid(), 'T', row_number() OVER (), id, '{}', 'pdf' FROM orders WHERE paid_at IS NOT NULL;
INSERT INTO notifications_sent (order_id, kind, message_id) SELECT id, 'confirmation', 'm' FROM orders WHERE paid_at IS NOT NULL;
UPDATE orders SET status = 'booked' WHERE status = 'paid';
UPDATE order_events e SET status = o.status FROM orders o WHERE o.id = e.order_id;
INSERT INTO order_claims (claim_id, order_id, fingerprint, cart_id)
SELECT claim_id, id, claim_id, CASE WHEN status <> 'cancelled' THEN cart_id END FROM orders"""


@pytest.fixture
async def settings(stores: Stores) -> Settings:
    """Settings of a shop whose 150 orders lie in two months long ago; all are at rest, their claims still there."""
    made = await stores.fresh_settings()
    connection = await asyncpg.connect(made.database_url)
    await connection.execute("TRUNCATE stock CASCADE")
    await connection.execute(SHIFTED)
    await connection.execute(REST)
    await connection.close()
    return made


@pytest.fixture
async def connection(settings: Settings) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to that shop."""
    made = await asyncpg.connect(settings.database_url)
    try:
        yield made
    finally:
        await made.close()


async def forgotten(settings: Settings) -> None:
    """The relay has forgotten what is past its time."""
    pool = await db.open_pool(settings.database_url, purpose="test")
    store = RetentionStore(pool)
    while await store.forget():
        pass
    await pool.close()


async def test_keys_are_forgotten_in_batches_and_only_old_ones(
    settings: Settings, connection: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, claims pile up for ever, or the key of a fresh order is forgotten and orders twice."""
    fresh = "UPDATE orders SET id = uuid_at(now() - interval '29 days') WHERE number = (SELECT max(number) FROM orders) RETURNING id"
    young = await connection.fetchval(fresh)
    await connection.execute(
        "UPDATE order_claims SET order_id = $1 WHERE claim_id = (SELECT claim_id FROM orders WHERE id = $1)",
        young,
    )
    monkeypatch.setattr(limits, "RETENTION_BATCH", 40)
    pool = await db.open_pool(settings.database_url, purpose="test")
    store = RetentionStore(pool)
    left = []
    while await store.forget():
        left.append(await connection.fetchval("SELECT count(*) FROM order_claims"))
        assert "order_claims" not in await broken(settings.database_url)
    await pool.close()
    assert left == [111, 72, 33]
    assert [row["order_id"] for row in await connection.fetch("SELECT order_id FROM order_claims")] == [young]


async def test_a_month_leaves_and_comes_back(
    settings: Settings, connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """If this fails, archiving loses orders, or stock no longer equals its ledger."""
    everything = (
        "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines), (SELECT count(*) FROM order_events), "
        "(SELECT count(*) FROM stock_movements), (SELECT count(*) FROM notifications_sent), "
        "(SELECT sum(reserved_delta) FROM stock_ledger)"
    )
    before = await connection.fetchrow(everything)
    assert await broken(settings.database_url) == []
    await forgotten(settings)
    gone = await archive_month(connection, OLD)
    assert 0 < gone < 150
    assert await connection.fetchval("SELECT count(*) FROM orders") == 150 - gone
    assert await connection.fetchval(f"SELECT count(*) FROM archive.orders_{OLD}") == gone
    assert await connection.fetchval("SELECT count(*) FROM stock_movements WHERE kind = 'opening'") > 0
    assert await broken(settings.database_url) == []
    assert await restore_now(settings, "2024-03") == 0
    assert await connection.fetchrow(everything) == before
    assert await broken(settings.database_url) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("SELECT 1", "keys of its orders are still remembered"),
        (
            "UPDATE orders SET status = 'placed', cancelled_at = NULL WHERE id = (SELECT id FROM orders WHERE "
            "status = 'cancelled' ORDER BY id DESC LIMIT 1)",
            "1 orders wait for their payment",
        ),
        (
            "INSERT INTO outbox (topic, subject_id) SELECT 'order.confirm', id FROM orders ORDER BY id DESC LIMIT 1",
            "1 steps are still owed",
        ),
        (
            f"UPDATE claims_kept SET since = uuid_at(now()); UPDATE order_lines SET quantity = 4 WHERE order_id = "
            f"(SELECT order_id FROM months.stock_movements_{OLD} ORDER BY order_id DESC LIMIT 1)",
            "of 1 items its ledger is not what its orders hold",
        ),
    ],
)
async def test_a_month_that_is_not_at_rest_stays(
    connection: "asyncpg.Connection[asyncpg.Record]", change: str, reason: str
) -> None:
    """If this fails, a month is archived under orders that still move, or with a ledger that does not add up."""
    await connection.execute(change)
    assert await why_it_stays(connection, OLD) == reason
    with pytest.raises(asyncpg.RestrictViolationError, match=reason):
        await archive_month(connection, OLD)
    assert await connection.fetchval("SELECT count(*) FROM orders") == 150


async def test_the_command_archives_lists_and_restores(
    settings: Settings, connection: "asyncpg.Connection[asyncpg.Record]", capsys: pytest.CaptureFixture[str]
) -> None:
    """If this fails, `checkout archive` does not say or do what it is asked."""
    await forgotten(settings)
    assert await archive_now(settings, "2024-04", dry_run=True) == 0
    assert await connection.fetchval("SELECT count(*) FROM orders") == 150
    assert await archive_now(settings, "2024-04", dry_run=False) == 0
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await broken(settings.database_url) == []
    assert await list_now(settings) == 0
    told = capsys.readouterr().out
    assert "2 months" in told
    assert "would be archived" in told
    assert "archive" in told
    with pytest.raises(Invalid, match="not in the archive"):
        await restore_now(settings, "2023-01")
    assert await restore_now(settings, "2024-02") == 0
    assert await connection.fetchval("SELECT count(*) FROM orders") > 0


async def test_young_months_stay(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """If this fails, last year's orders can be archived by a slip of the keyboard."""
    now = datetime(2026, 11, 26, tzinfo=UTC)
    assert first_to_stay(now) == "2025-10"
    known = await months(connection)
    assert [m.name for m in months_before("2025-10", known, now)] == ["2024_02", "2024_03"]
    assert [m.name for m in months_before("2024-03", known, now)] == ["2024_02"]
    for wrong in ("2025-11", "2026-11", "soon", "2024-13"):
        with pytest.raises(Invalid):
            months_before(wrong, known, now)
