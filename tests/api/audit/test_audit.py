"""The audit holds on a shop at rest, and finds each kind of damage: exactly that one, and nothing else."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from rich.console import Console

from checkout.audit import command
from checkout.audit.counters import gate_of
from checkout.audit.ledger import LedgerUnread
from checkout.audit.model import INVARIANTS, Charge
from checkout.audit.prove import audit
from checkout.stock.gate import STOCK
from checkout.stock.model import Verdict
from tests.api.audit.conftest import World

FIRST_OF = "(SELECT id FROM orders WHERE status = '{}' ORDER BY number LIMIT 1)"
BOOKED, FAILED, PLACED = (FIRST_OF.format(status) for status in ("booked", "payment_failed", "placed"))
MUG = "(SELECT item_id FROM variants WHERE sku = 'MUG-CLASSIC')"

DAMAGE = {
    "oversold_units": f"""
        ALTER TABLE stock DROP CONSTRAINT stock_never_oversold;
        INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
        SELECT gen_random_uuid(), item_id, 'adjustment', reserved - 1 - on_hand FROM stock WHERE item_id = {MUG};
        UPDATE stock SET on_hand = reserved - 1 WHERE item_id = {MUG}""",
    "reserved_ledger": f"""
        INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta)
        VALUES (gen_random_uuid(), {MUG}, 'adjustment', 1)""",
    "reserved_orders": f"""
        INSERT INTO order_events (order_id, seq, status) SELECT {FAILED}, 3, 'cancelled';
        UPDATE orders SET status = 'cancelled', cancelled_at = now(), timeline_seq = 3 WHERE id = {FAILED}""",
    "on_hand_ledger": f"""
        UPDATE stock_movements SET on_hand_delta = on_hand_delta + 1 WHERE item_id = {MUG} AND kind = 'receipt'""",
    "location_total": f"UPDATE location_stock SET on_hand = on_hand + 1 WHERE item_id = {MUG}",
    "locations": f"""
        INSERT INTO locations (code, name, country) VALUES ('attic', 'Attic', 'DE');
        INSERT INTO location_stock (item_id, location, on_hand) VALUES ({MUG}, 'attic', 2);
        UPDATE location_stock SET on_hand = on_hand - 2 WHERE item_id = {MUG} AND location = 'main'""",
    "allocations": f"UPDATE location_stock SET allocated = allocated + 1 WHERE item_id = {MUG}",
    "transfers": f"""
        INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta, document_id)
        VALUES (gen_random_uuid(), {MUG}, 'transfer', 1, gen_random_uuid());
        UPDATE stock SET on_hand = on_hand + 1 WHERE item_id = {MUG}""",
    "policies": f"""
        INSERT INTO stock_policies (item_id, safety_stock) VALUES ({MUG}, 2);
        UPDATE stock SET backorder_limit = 0 WHERE item_id = {MUG}""",
    "totals": f"UPDATE order_lines SET unit_minor = unit_minor + 1 WHERE order_id = {BOOKED} AND line_no = 1",
    "orphan_lines": f"""
        INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor)
        VALUES (gen_random_uuid(), 1, {MUG}, 1, 100);
        INSERT INTO stock_movements (movement_id, item_id, kind, reserved_delta)
        VALUES (gen_random_uuid(), {MUG}, 'adjustment', -1)""",
    "orphan_records": """
        INSERT INTO notifications_sent (order_id, kind, message_id)
        VALUES (gen_random_uuid(), 'confirmation', 'for nobody')""",
    "order_numbers": f"""
        DO $$ BEGIN EXECUTE (SELECT string_agg(format('DROP INDEX months.%I', indexname), ';') FROM pg_indexes
                             WHERE schemaname = 'months' AND indexdef LIKE '% USING btree (number)'); END $$;
        UPDATE orders SET number = (SELECT number FROM orders WHERE id = {BOOKED}) WHERE id = {FAILED}""",
    "order_claims": f"DELETE FROM order_claims WHERE order_id = {PLACED}",
    "documents": f"""
        UPDATE orders SET document = jsonb_set(document::jsonb, '{{lines,0,unit_price}}', '1')::json
        WHERE id = {BOOKED}""",
    "coupon_limits": f"""
        UPDATE stock SET reserved = 2, backorder_limit = 1 WHERE kind = 'coupon' AND on_hand = 1;
        INSERT INTO order_lines (order_id, line_no, item_id, quantity, unit_minor)
        SELECT {FAILED}, 9, item_id, 1, 0 FROM coupons WHERE code = 'ONCE'""",
    "one_charge": f"""
        DROP INDEX payments_one_success;
        UPDATE payments SET amount_minor = amount_minor - 1 WHERE order_id = {BOOKED};
        INSERT INTO payments (id, order_id, attempt, provider, method, amount_minor, currency, status, settled_at)
        VALUES (gen_random_uuid(), {BOOKED}, 2, 'stripe', 'pm_card_visa', 1, 'EUR', 'succeeded', now())""",
    "payments_status": f"UPDATE payments SET amount_minor = amount_minor - 1 WHERE order_id = {BOOKED}",
    "timelines": f"DELETE FROM order_events WHERE order_id = {BOOKED} AND seq = 2",
    "invoice_numbers": "UPDATE invoices SET number = number + 10 WHERE number = (SELECT max(number) FROM invoices)",
    "work_forgotten": f"DELETE FROM notifications_sent WHERE order_id = {BOOKED}",
    "outbox_unfinished": f"INSERT INTO outbox (topic, subject_id) SELECT 'order.confirm', {BOOKED}",
    "dead_letters": f"""
        INSERT INTO outbox (topic, subject_id, parked_at, last_error)
        SELECT 'order.confirm', {BOOKED}, now(), 'no such mailbox'""",
}
MORE_DAMAGE = {
    "a paid order without payment": (
        "payments_status",
        f"DELETE FROM payments WHERE order_id = {BOOKED}",
    ),
    "money kept for a cancelled order": (
        "payments_status",
        f"""INSERT INTO payments (id, order_id, attempt, provider, method, amount_minor, currency, status, settled_at)
            SELECT gen_random_uuid(), id, 1, 'stripe', 'pm_card_visa', total_minor, 'EUR', 'succeeded', now()
            FROM orders WHERE id = {FIRST_OF.format("cancelled")}""",
    ),
    "an order that nobody will charge": (
        "work_forgotten",
        f"DELETE FROM outbox WHERE subject_id = {PLACED}",
    ),
    "a webhook that nobody will apply": (
        "work_forgotten",
        """INSERT INTO webhook_inbox (id, provider, event_id, kind, payload)
           VALUES (gen_random_uuid(), 'stripe', 'evt_1', 'charge.refunded', '{}')""",
    ),
    "a timeline that does not tell the status": (
        "timelines",
        f"UPDATE order_events SET status = 'paid' WHERE order_id = {BOOKED} AND seq = 3",
    ),
    "an invoice number used by nobody": (
        "invoice_numbers",
        "UPDATE invoice_series SET next_number = next_number + 1",
    ),
    "a total that its parts do not make": (
        "totals",
        f"""ALTER TABLE orders DROP CONSTRAINT orders_total;
            UPDATE orders SET total_minor = total_minor + 1, shipping_minor = shipping_minor WHERE id = {FAILED}""",
    ),
}


async def test_a_shop_at_rest_holds(world: World) -> None:
    """A failure means that the audit cries wolf on a shop in which nothing is wrong."""
    await world.rebuild_gate()
    report = await world.prove(
        acknowledged=[row["id"] for row in await world.db.fetch("SELECT id FROM orders")]
    )
    assert report.ok, report.failed
    assert [finding.name for finding in report.findings] == [invariant.name for invariant in INVARIANTS]
    assert (report.scale.orders, report.scale.acknowledged, report.scale.charges) == (8, 8, 4)


@pytest.mark.parametrize("name", DAMAGE)
async def test_each_damage_is_found(world: World, name: str) -> None:
    """A failure means that this damage goes unseen, or is blamed on something else."""
    await world.db.execute(DAMAGE[name])
    await world.load_ledger()
    await world.rebuild_gate()
    report = await world.prove()
    assert report.failed == (name,)
    found = next(finding for finding in report.findings if finding.name == name)
    assert found.figure >= 1
    assert found.detail


@pytest.mark.parametrize("what", MORE_DAMAGE)
async def test_more_of_the_same_kinds(world: World, what: str) -> None:
    """A failure means that an invariant sees one of its violations and is blind to another."""
    name, damage = MORE_DAMAGE[what]
    await world.db.execute(damage)
    await world.load_ledger()
    await world.rebuild_gate()
    assert (await world.prove()).failed == (name,)


def test_every_postgres_invariant_has_its_damage() -> None:
    """A failure means that an invariant was added which no test has ever seen fail."""
    elsewhere = {"acknowledged_missing", "provider_ledger", "provider_one_charge", "gate_counters"}
    assert set(DAMAGE) | elsewhere == {invariant.name for invariant in INVARIANTS}


async def test_an_acknowledged_order_that_is_missing(world: World, tmp_path: Path) -> None:
    """A failure means that an order which a client was told of may vanish unseen."""
    await world.rebuild_gate()
    gone = uuid4()
    listed = tmp_path / "acknowledged.txt"
    listed.write_text(f"{await world.order('booked')}\n{gone}\n")
    report = await audit(world.settings, acknowledged=listed, wait_s=0, ledger=world.read)
    assert report.failed == ("acknowledged_missing",)
    assert str(gone) in next(f for f in report.findings if not f.ok).detail


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        (
            lambda ledger: [
                msgspec.structs.replace(ledger[0], charged_minor=ledger[0].charged_minor + 7),
                *ledger[1:],
            ],
            7,
        ),
        (lambda ledger: [msgspec.structs.replace(ledger[0], refunded_minor=9), *ledger[1:]], 9),
        (lambda ledger: [*ledger, Charge(uuid4(), 1, 500, 0)], 500),
        (lambda ledger: [*ledger, Charge(None, 1, 300, 0, "pi_of_nobody")], 300),
        (lambda ledger: ledger[1:], None),
    ],
    ids=[
        "other amount",
        "refund we do not know",
        "order we do not know",
        "charge of nobody",
        "charge missing there",
    ],
)
async def test_the_providers_ledger_disagrees(world: World, change: object, figure: int | None) -> None:
    """A failure means that money at the provider which we do not know of, or the reverse, goes unseen."""
    assert callable(change)
    await world.rebuild_gate()
    only_ours = world.ledger[0].charged_minor
    world.ledger = change(world.ledger)
    report = await world.prove()
    assert report.failed == ("provider_ledger",)
    assert next(f for f in report.findings if not f.ok).figure == (
        figure if figure is not None else only_ours
    )


async def test_the_provider_charged_twice(world: World) -> None:
    """A failure means that a shopper may be charged twice for one order without anyone being told."""
    await world.rebuild_gate()
    world.ledger[0] = msgspec.structs.replace(world.ledger[0], charges=2)
    assert (await world.prove()).failed == ("provider_one_charge",)


async def test_a_ledger_that_cannot_be_read_proves_nothing(world: World) -> None:
    """A failure means that an audit is clean only because the provider did not answer."""

    async def silent() -> AsyncIterator[Charge]:
        raise LedgerUnread("nobody there")
        yield

    await world.rebuild_gate()
    report = await audit(world.settings, wait_s=0, ledger=silent)
    assert report.failed == ("provider_ledger", "provider_one_charge")


async def test_a_gate_counter_that_is_off(world: World) -> None:
    """A failure means that the gate may admit too few or too many for ever, unseen."""
    await world.rebuild_gate()
    mug = await world.db.fetchval(f"SELECT {MUG}")
    async with gate_of(world.settings.database_url, world.settings.gate_url) as (gate, _):
        await gate.lane.call(b"HINCRBY", STOCK, mug, 3)
    report = await world.prove()
    assert report.failed == ("gate_counters",)
    assert next(f for f in report.findings if not f.ok).figure == 3


async def test_an_open_claim_is_no_drift(world: World) -> None:
    """A failure means that a shopper in the middle of a checkout breaks the audit of a live shop."""
    await world.rebuild_gate()
    mug = await world.db.fetchval(f"SELECT {MUG}")
    async with gate_of(world.settings.database_url, world.settings.gate_url) as (gate, _):
        admission = await gate.admit(uuid4(), [(mug, 5)])
        assert admission.verdict is Verdict.ADMITTED
    assert (await world.prove()).ok


async def test_a_gate_that_is_away_proves_nothing(world: World) -> None:
    """A failure means that an audit is clean only because the gate was not there to be asked."""
    report = await world.prove()
    assert report.failed == ("gate_counters",)
    assert "not proven" in next(f for f in report.findings if not f.ok).detail


async def test_unfinished_work_is_waited_for(world: World) -> None:
    """A failure means that an audit during normal work fails, or that it never looks again."""
    await world.rebuild_gate()
    await world.db.execute(DAMAGE["outbox_unfinished"])
    steps = []

    def step(text: str) -> None:
        steps.append(text)

    report = await audit(world.settings, wait_s=0.6, ledger=world.read, on_step=step)
    assert report.failed == ("outbox_unfinished",)
    assert 0.6 <= report.waited_s < 3
    assert any("waiting" in text for text in steps)


@pytest.mark.parametrize("beside", ["outbox_unfinished", "dead_letters"])
async def test_the_gate_is_given_its_time_beside_unfinished_work(world: World, beside: str) -> None:
    """A failure means that work under way, or work given up, makes a counter that is about to be mended look broken."""
    await world.rebuild_gate()
    await world.db.execute(DAMAGE[beside])
    mug = await world.db.fetchval(f"SELECT {MUG}")
    async with gate_of(world.settings.database_url, world.settings.gate_url) as (gate, _):
        await gate.lane.call(b"HINCRBY", STOCK, mug, 3)
        proving = asyncio.create_task(world.prove())
        await asyncio.sleep(0.5)
        await gate.lane.call(b"HINCRBY", STOCK, mug, -3)
        report = await proving
    assert report.failed == (beside,)
    assert report.waited_s > 0


async def test_the_command_tells_people_and_machines(world: World, tmp_path: Path) -> None:
    """A failure means that scripts cannot trust the exit code, or people cannot see what is broken."""
    await world.rebuild_gate()
    await world.db.execute(DAMAGE["totals"])
    report = await world.prove()
    with (tmp_path / "out.txt").open("w") as out:
        Console(file=out, width=140).print(command.as_table(report))
    text = (tmp_path / "out.txt").read_text()
    assert all(finding.name in text for finding in report.findings)
    assert f"1 of {len(INVARIANTS)} invariants are broken: totals" in command.verdict(report)
    document = json.loads(command.as_document(report))
    assert document["ok"] is False
    assert document["failed"] == ["totals"]
