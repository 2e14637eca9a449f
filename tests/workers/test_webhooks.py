"""The webhook inbox against real Postgres: forged, replayed, doubled, shuffled, early (T7, T8)."""

import hashlib
import hmac
import random
import time
import uuid
from typing import Any

import orjson
import pytest

from checkout.kit.ids import uuid7
from checkout.outbox.model import WEBHOOK
from checkout.payments.providers.protocol import BadSignature
from checkout.payments.providers.stripe import StripeProvider
from checkout.payments.webhooks import receive
from config import limits
from tests.workers.chain import Chain

_KINDS = {
    "pending": ("processing", "payment_intent.processing"),
    "action_required": ("requires_action", "payment_intent.requires_action"),
    "declined": ("requires_payment_method", "payment_intent.payment_failed"),
    "succeeded": ("succeeded", "payment_intent.succeeded"),
    "voided": ("canceled", "payment_intent.canceled"),
}


def event(order_id: uuid.UUID, state: str, *, attempt: int = 1, amount: int = 1490) -> bytes:
    """A Stripe event about an attempt."""
    status, kind = _KINDS[state]
    intent: dict[str, Any] = {
        "id": f"pi_{order_id.hex}_{attempt}",
        "object": "payment_intent",
        "status": status,
        "amount": amount,
        "amount_received": amount if state == "succeeded" else 0,
        "currency": "eur",
        "client_secret": "secret",
        "metadata": {"order_id": str(order_id), "reference": f"{order_id}:{attempt}"},
    }
    if state == "declined":
        intent["last_payment_error"] = {
            "code": "card_declined",
            "decline_code": "generic_decline",
            "message": "no",
        }
    return orjson.dumps(
        {
            "id": f"evt_{order_id.hex}_{attempt}_{state}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": intent},
        }
    )


def signed(body: bytes, *, secret: str = "whsec_sandbox", at: int | None = None) -> dict[str, str]:
    """Stripe's signature header."""
    at = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at},v1={digest}"}


async def test_doubled_shuffled_and_early_webhooks_give_one_final_state(chain: Chain) -> None:
    """If this fails, a webhook's order or number of deliveries decides what becomes of an order."""
    rng, provider = random.Random(11), chain.outside.providers["stripe"]
    plans = (
        (("pending", "action_required", "succeeded"), "paid"),
        (("action_required", "declined"), "payment_failed"),
        (("declined", "succeeded"), "paid"),
        (("pending", "voided"), "payment_failed"),
    )
    orders = [(uuid7(), *plans[n % len(plans)]) for n in range(100)]
    early = {order for order, _, _ in orders if rng.random() < 0.3}
    for order, _, _ in orders:
        if order not in early:
            await chain.place(order_id=order)
    deliveries = [
        event(order, state)
        for order, states, _ in orders
        for state in states
        for _ in range(rng.randint(1, 10))
    ]
    rng.shuffle(deliveries)
    fresh = 0
    for body in deliveries:
        fresh += await receive(provider, headers=signed(body), body=body, store=chain.payments)
    assert fresh == sum(len(states) for _, states, _ in orders)
    while await chain.step(only=WEBHOOK):
        pass
    for order in early:
        await chain.place(order_id=order)
    await chain.hurry()
    while await chain.step(only=WEBHOOK):
        pass
    for order, _, final in orders:
        assert await chain.status(order) == final
        await chain.timeline(order)
    assert await chain.pool.fetchval("SELECT count(*) FROM webhook_inbox WHERE handled_at IS NULL") == 0
    assert await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'webhook.apply'") == 0
    assert await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'invoice.issue'") == 50


async def test_a_webhook_whose_order_never_came_is_parked_and_applied_when_it_does(chain: Chain) -> None:
    """If this fails, money for an order that we hear of late is forgotten, or its webhook is tried for ever."""
    order, provider = uuid7(), chain.outside.providers["stripe"]
    body = event(order, "succeeded")
    await receive(provider, headers=signed(body), body=body, store=chain.payments)
    await chain.pool.execute(
        "UPDATE webhook_inbox SET received_at = now() - make_interval(secs => $1)",
        float(limits.WEBHOOK_UNKNOWN_ORDER_S),
    )
    await chain.step(only=WEBHOOK)
    assert await chain.pool.fetchval("SELECT status FROM webhook_inbox") == "parked"
    assert await chain.payments.owe_parked_webhooks(10) == 0
    await chain.place(order_id=order)
    assert await chain.payments.owe_parked_webhooks(10) == 1
    await chain.step(only=WEBHOOK)
    assert await chain.status(order) == "paid"


@pytest.mark.parametrize("how", ["unsigned", "forged", "altered", "old", "future"])
async def test_a_webhook_without_a_good_signature_leaves_no_trace(chain: Chain, how: str) -> None:
    """If this fails, anybody can mark an order as paid (T8)."""
    order = await chain.place()
    body, provider, now = event(order, "succeeded"), chain.outside.providers["stripe"], int(time.time())
    headers = {
        "unsigned": {},
        "forged": signed(body, secret="whsec_guess"),
        "altered": signed(event(order, "declined")),
        "old": signed(body, at=now - limits.WEBHOOK_TOLERANCE_S - 5),
        "future": signed(body, at=now + limits.WEBHOOK_TOLERANCE_S + 5),
    }[how]
    with pytest.raises(BadSignature):
        await receive(provider, headers=headers, body=body, store=chain.payments)
    assert await chain.pool.fetchval("SELECT count(*) FROM webhook_inbox") == 0
    assert await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'webhook.apply'") == 0


async def test_the_old_secret_works_while_secrets_are_changed(chain: Chain) -> None:
    """If this fails, rotating the signing secret loses webhooks (T8)."""
    order = await chain.place()
    rotating = StripeProvider(api_key="sk", webhook_secrets=("whsec_new", "whsec_old"))
    for state, secret in (("action_required", "whsec_old"), ("succeeded", "whsec_new")):
        body = event(order, state)
        assert await receive(rotating, headers=signed(body, secret=secret), body=body, store=chain.payments)
        assert not await receive(
            rotating, headers=signed(body, secret=secret), body=body, store=chain.payments
        )
    await chain.step(only=WEBHOOK)
    assert await chain.status(order) == "paid"
