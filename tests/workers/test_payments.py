"""Paying an order, in all the ways that it can go, against real Postgres and the sandbox's Stripe."""

import asyncio
import uuid

import pytest

from checkout.errors import Conflict
from checkout.orders.cancel import cancel_order
from checkout.outbox.model import CAPTURE, VOID
from checkout.payments.pay_again import pay_again
from tests.workers.chain import Chain


async def test_a_declined_order_is_paid_by_another_method(chain: Chain) -> None:
    """If this fails, a shopper whose card was declined cannot buy, or is charged by the dead attempt."""
    order = await chain.place(method="pm_card_visa_chargeDeclined")
    await chain.step()
    assert await chain.status(order) == "payment_failed"
    await pay_again(order, "pm_card_visa", store=chain.payments)
    assert await chain.status(order) == "placed"
    await chain.drain()
    assert await chain.status(order) == "booked"
    assert (await chain.attempts(order))[-1] == (2, "succeeded")
    assert (await chain.ledger())[str(order)]["charges"] == 1
    assert await chain.timeline(order) == ["payment_failed", "placed", "paid", "booked"]


async def test_a_second_attempt_waits_for_the_first(chain: Chain) -> None:
    """If this fails, two attempts run at once and both may be charged."""
    order = await chain.place()
    with pytest.raises(Conflict) as refused:
        await pay_again(order, "pm_card_visa", store=chain.payments)
    assert refused.value.code == "payment_in_progress"


async def test_a_challenge_is_met_and_the_order_paid(chain: Chain) -> None:
    """If this fails, 3-D Secure orders never get paid."""
    order = await chain.place(method="pm_card_authenticationRequired")
    await chain.step()
    assert await chain.status(order) == "action_required"
    row = await chain.pool.fetchrow("SELECT * FROM payments WHERE order_id = $1", order)
    assert row["client_secret"].startswith(row["provider_ref"])
    await approve(chain, row["action_url"])
    await pay_again(order, None, store=chain.payments)
    await chain.drain()
    assert await chain.status(order) == "booked"
    assert await chain.timeline(order) == ["action_required", "paid", "booked"]


async def approve(chain: Chain, url: str) -> None:
    """The shopper approves the challenge."""
    import aiohttp

    async with aiohttp.ClientSession() as client, client.post(url, json={"result": "approve"}) as answer:
        assert answer.status < 400, await answer.text()


async def test_an_unpaid_order_ends_at_its_deadline_and_gives_its_units_back(chain: Chain) -> None:
    """If this fails, declined orders keep stock for ever, or an abandoned challenge can be charged later."""
    orders = [
        await chain.place(method=method, quantity=3, deadline_s=0.3)
        for method in ("pm_card_visa_chargeDeclined", "pm_card_authenticationRequired")
    ]
    await chain.step(only=CAPTURE)
    assert await chain.reserved() == 6
    await asyncio.sleep(0.35)
    assert await chain.payments.owe_overdue(10) == 2
    assert await chain.payments.owe_overdue(10) == 0
    await chain.drain()
    for order in orders:
        assert await chain.status(order) == "cancelled"
        assert (await chain.attempts(order))[-1] == (1, "voided")
        assert (await chain.timeline(order))[-1] == "cancelled"
    assert await chain.reserved() == 0
    assert (
        await chain.pool.fetchval("SELECT count(*) FROM gate_suspects WHERE item_id = $1", chain.item_id) == 1
    )


async def test_a_payment_found_at_the_deadline_counts(chain: Chain) -> None:
    """If this fails, a shopper who paid in time, with the answer lost, loses the order."""
    order = await chain.place(deadline_s=0.3)
    await chain.knobs(faults=[{"operation": "stripe.payment_intents.create", "kind": "reset_after"}])
    await chain.step(only=CAPTURE)
    assert await chain.status(order) == "placed"
    await asyncio.sleep(0.35)
    await chain.payments.owe_overdue(10)
    await chain.hurry()
    await chain.step(only=VOID)
    assert await chain.status(order) == "paid"
    assert (await chain.ledger())[str(order)]["charges"] == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after", "error_after", "error", "rate_limit"])
async def test_an_unknown_outcome_is_asked_again_and_charged_once(chain: Chain, kind: str) -> None:
    """If this fails, a lost answer is taken for a success or a failure, or the shopper is charged twice."""
    order = await chain.place()
    await chain.knobs(faults=[{"operation": "stripe.payment_intents.create", "kind": kind, "count": 2}])
    await chain.step()
    assert await chain.status(order) == "placed"
    await chain.drain()
    assert await chain.status(order) == "booked"
    assert (await chain.ledger())[str(order)]["charges"] == 1


async def test_the_shopper_cancels_and_late_money_goes_back(chain: Chain) -> None:
    """If this fails, a cancelled order keeps stock, or the money of a capture that was under way."""
    order = await chain.place(quantity=2)
    await chain.knobs(latency_ms=300, operations=["stripe.payment_intents.create"])
    working = asyncio.create_task(chain.step(only=CAPTURE))
    await asyncio.sleep(0.1)
    state = await cancel_order(order, by="shopper", store=chain.payments)
    assert state.status == "cancelled"
    assert await chain.reserved() == 0
    await working
    await chain.drain()
    assert await chain.status(order) == "cancelled"
    assert await chain.attempts(order) == [(1, "refunded")]
    money = (await chain.ledger())[str(order)]
    assert money["charged"] == money["refunded"] == 2490
    ours = await chain.pool.fetchrow(
        "SELECT amount_minor, refunded_minor FROM payments WHERE order_id = $1", order
    )
    assert ours["amount_minor"] == ours["refunded_minor"] == 2490
    assert await chain.reserved() == 0


@pytest.mark.parametrize("units_left", [True, False])
async def test_money_after_the_deadline_takes_the_units_again_or_goes_back(
    chain: Chain, units_left: bool
) -> None:
    """If this fails, late money is kept for nothing, or an order is resurrected without stock."""
    order = await chain.place(quantity=2, deadline_s=0.2)
    await chain.knobs(latency_ms=600, operations=["stripe.payment_intents.create"])
    working = asyncio.create_task(chain.step(only=CAPTURE))
    await asyncio.sleep(0.25)
    await chain.payments.owe_overdue(10)
    await chain.step(only=VOID)
    assert await chain.status(order) == "cancelled"
    if not units_left:
        await chain.pool.execute("UPDATE stock SET on_hand = 1 WHERE item_id = $1", chain.item_id)
    await working
    await chain.knobs(latency_ms=0)
    await chain.drain()
    assert await chain.status(order) == ("booked" if units_left else "cancelled")
    assert await chain.reserved() == (2 if units_left else 0)
    money = (await chain.ledger())[str(order)]
    assert money["refunded"] == (0 if units_left else 2490)


async def test_cancelling_twice_changes_nothing_and_a_paid_order_cannot(chain: Chain) -> None:
    """If this fails, a retried cancellation releases stock twice, or a paid order loses its stock."""
    order, paid = await chain.place(method="pm_card_visa_chargeDeclined"), await chain.place()
    await chain.drain()
    await cancel_order(order, by="shopper", store=chain.payments)
    before = await chain.reserved()
    await cancel_order(order, by="shopper", store=chain.payments)
    assert await chain.reserved() == before == 1
    with pytest.raises(Conflict) as refused:
        await cancel_order(paid, by="shopper", store=chain.payments)
    assert refused.value.code == "not_cancellable"
    await chain.drain()


async def test_a_free_order_needs_no_provider(chain: Chain) -> None:
    """If this fails, an order that a coupon made free waits for a payment that nobody can make."""
    order = await chain.place(unit_minor=0, requires_shipping=False)
    await chain.pool.execute("UPDATE orders SET shipping_minor = 0, total_minor = 0 WHERE id = $1", order)
    await chain.drain()
    assert await chain.status(order) == "booked"
    assert str(order) not in await chain.ledger()
    assert await chain.pool.fetchval("SELECT count(*) FROM shipments WHERE order_id = $1", order) == 0


async def test_an_unknown_row_is_finished(chain: Chain) -> None:
    """If this fails, a row about an order that is not there is worked for ever."""
    await chain.pool.execute(
        "INSERT INTO outbox (topic, subject_id) VALUES ('payment.capture', $1)", uuid.uuid4()
    )
    await chain.drain(wait_s=3)
