"""The outbox: retries, dead letters, poison, and invoice numbers."""

import asyncio
import time
import uuid

from checkout.errors import Unavailable
from checkout.invoices.issue import Issuer
from checkout.invoices.model import Seller
from checkout.invoices.personal import open_page
from checkout.invoices.store import InvoiceStore
from checkout.outbox.model import BOOK, INVOICE, TOPICS, Row
from checkout.outbox.work import work_all
from tests.workers.chain import Chain


async def test_a_poisoned_row_is_parked_alone_seen_and_replayed(chain: Chain) -> None:
    """If this fails, one bad row blocks its neighbours, is tried for ever, or vanishes (T9)."""
    bad, good = await chain.place(), await chain.place()
    await chain.knobs(faults=[])
    await chain.step()
    broken = '{"lines": "nonsense"}'
    document = await chain.pool.fetchval(
        "UPDATE orders SET document = $2::json WHERE id = $1 RETURNING document", bad, broken
    )
    assert document == broken
    started = time.monotonic()
    for _ in range(TOPICS[INVOICE].attempts_max + 4):
        await chain.hurry()
        await chain.step()
    assert time.monotonic() - started < 10
    assert await chain.status(good) == "booked"
    parked = await chain.outbox.parked(None, 10)
    assert {row.topic for row in parked} >= {INVOICE}
    assert {row.subject_id for row in parked} == {bad}
    assert all(row.error and row.attempts == TOPICS[row.topic].attempts_max for row in parked)
    assert await chain.outbox.count_parked() == len(parked)
    fine = await chain.pool.fetchval("SELECT document FROM orders WHERE id = $1", good)
    await chain.pool.execute("UPDATE orders SET document = $2::json WHERE id = $1", bad, fine)
    for row in parked:
        assert await chain.outbox.replay(row.id, "test")
        assert not await chain.outbox.replay(row.id, "test")
    await chain.drain()
    assert await chain.status(bad) == "booked"


async def test_a_carrier_that_is_away_is_asked_again_and_books_once(chain: Chain) -> None:
    """If this fails, a lost answer of the carrier gives two parcels or none."""
    order = await chain.place()
    await chain.knobs(faults=[{"operation": "dhl.*", "kind": "reset_after"}])
    await chain.drain()
    assert await chain.status(order) == "booked"
    rows = await chain.pool.fetch("SELECT tracking_number FROM shipments WHERE order_id = $1", order)
    assert len(rows) == 1
    booked = [s for s in chain.sandbox.store.page("shipment", limit=100) if s["reference"] == str(order)]
    assert [s["id"] for s in booked] == [rows[0]["tracking_number"]]


async def test_invoice_numbers_have_no_gap_under_concurrency(chain: Chain) -> None:
    """If this fails, the books have a gap or a number twice."""
    orders = [await chain.place() for _ in range(60)]
    rows = await chain.pool.fetch(
        """UPDATE orders SET status = 'paid', paid_at = now() WHERE id = ANY ($1::uuid[]) RETURNING id""",
        orders,
    )
    ids = await chain.pool.fetch(
        """INSERT INTO outbox (topic, subject_id) SELECT 'invoice.issue', i FROM unnest($1::uuid[]) i
           RETURNING id, subject_id""",
        [row["id"] for row in rows],
    )
    work = [Row(row["id"], row["subject_id"], 1) for row in ids]
    # Every row twice, as after a redelivery, by two workers at once.
    other = Issuer(InvoiceStore(chain.pool, chain.cipher), Seller("S", "A", "1", "B", "DE", "s@example.com"))
    await asyncio.gather(
        work_all(TOPICS[INVOICE], work, chain.verbs[INVOICE], chain.outbox),
        work_all(TOPICS[INVOICE], work[::-1], other.issue, chain.outbox),
    )
    numbers = await chain.pool.fetch("SELECT id, number, pdf, personal FROM invoices ORDER BY number")
    assert [row["number"] for row in numbers] == list(range(1, 61))
    pages = [open_page(chain.cipher, row["id"], row["personal"], row["number"]) for row in numbers]
    assert all(f"{n:06d}".encode() in page for n, page in enumerate(pages, 1))
    assert {row["pdf"] for row in numbers} == {b""}
    assert await chain.pool.fetchval("SELECT next_number FROM invoice_series") == 61
    left = await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'invoice.issue'")
    assert left == 0


async def test_a_row_nobody_finishes_is_parked_at_its_end(chain: Chain) -> None:
    """If this fails, a row whose worker always dies is sent for ever, and no one sees it."""
    order = await chain.place()
    await chain.pool.execute("DELETE FROM outbox")
    await chain.pool.execute(
        "INSERT INTO outbox (topic, subject_id, attempts) VALUES ($1, $2, $3)",
        BOOK,
        order,
        TOPICS[BOOK].attempts_max,
    )
    assert await chain.outbox.take({BOOK: 10}) == {}
    await chain.outbox.give_up()
    assert [row.subject_id for row in await chain.outbox.parked(None, 10)] == [order]
    depth = await chain.outbox.depth()
    assert depth[BOOK].open == 0


async def test_a_row_without_a_connection_is_worked_at_once_when_there_is_one(chain: Chain) -> None:
    """If this fails, a backlog waits a whole deadline for every row that found the pool busy."""
    tries = 0

    async def verb(row: Row) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise Unavailable("No connection was free.", code="database_away")

    row_id = await chain.pool.fetchval(
        "INSERT INTO outbox (topic, subject_id) VALUES ('invoice.issue', gen_random_uuid()) RETURNING id"
    )
    await work_all(TOPICS[INVOICE], [Row(row_id, uuid.uuid4(), 1)], verb, chain.outbox, time_limit_s=10)
    assert tries == 3
    untouched = await chain.pool.fetchrow("SELECT attempts, last_error FROM outbox WHERE id = $1", row_id)
    assert (untouched["attempts"], untouched["last_error"]) == (0, None)
