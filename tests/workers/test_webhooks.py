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
    cut = len(deliveries) * 3 // 4
    deliveries, days_late = deliveries[:cut], deliveries[cut:]
    fresh = 0
    for body in deliveries:
        fresh += await receive(provider, headers=signed(body), body=body, store=chain.payments)
    while await chain.step(only=WEBHOOK):
        pass
    for order in early:
        await chain.place(order_id=order)
    await chain.hurry()
    while await chain.step(only=WEBHOOK):
        pass
    for body in days_late:
        fresh += await receive(provider, headers=signed(body), body=body, store=chain.payments)
    while await chain.step(only=WEBHOOK):
        pass
    assert fresh == sum(len(states) for _, states, _ in orders)
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


def forgeries(body: bytes, other: bytes) -> dict[str, dict[str, str]]:
    """Header fields that are no good signature of `body`, by what is wrong with them."""
    now = int(time.time())
    good = signed(body)["Stripe-Signature"]
    digest = good.partition("v1=")[2]
    past = signed(body, at=now - limits.WEBHOOK_TOLERANCE_S - 5)["Stripe-Signature"]
    fields = {
        "unsigned": None,
        "empty": "",
        "forged": signed(body, secret="whsec_guess")["Stripe-Signature"],
        "signed with nothing": signed(body, secret="")["Stripe-Signature"],
        "of another body": signed(other)["Stripe-Signature"],
        "old": past,
        "old, renamed to now": f"t={now},{past.partition(',')[2]}",
        "old, behind the time of now": f"t={now},{past}",
        "old, before the time of now": past.replace(",", f",t={now},", 1),
        "old, with a time that is no number": past.replace(",", "=x,", 1),
        "old, with such a time and that of now": past.replace(",", f"=x,t={now},", 1),
        "future": signed(body, at=now + limits.WEBHOOK_TOLERANCE_S + 5)["Stripe-Signature"],
        "another scheme": good.replace("v1=", "v0="),
        "cut short": good[:-1],
        "no time": f"v1={digest}",
        "no number": f"t=now,v1={digest}",
        "not ASCII": f"t={now},v1=\u00e9{digest[1:]}",
        "not text": f"t={now},v1=\udcff{digest[1:]}",
    }
    return {how: {"Stripe-Signature": text} if text is not None else {} for how, text in fields.items()}


async def test_a_webhook_without_a_good_signature_leaves_no_trace(chain: Chain) -> None:
    """If this fails, anybody can mark an order as paid (T8)."""
    order = await chain.place()
    body, provider = event(order, "succeeded"), chain.outside.providers["stripe"]
    tried, refused = forgeries(body, event(order, "declined")), []
    for how, headers in tried.items():
        try:
            await receive(provider, headers=headers, body=body, store=chain.payments)
        except BadSignature:
            refused.append(how)
    assert refused == list(tried)
    assert await chain.pool.fetchval("SELECT count(*) FROM webhook_inbox") == 0
    assert await chain.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", WEBHOOK) == 0
    assert await receive(provider, headers=signed(body), body=body, store=chain.payments)


async def test_what_is_signed_and_no_event_is_refused(chain: Chain) -> None:
    """If this fails, a body that we cannot read is kept and tried for ever, or answered with a 500."""
    provider, order = chain.outside.providers["stripe"], uuid7()
    whole = orjson.loads(event(order, "succeeded"))
    bodies = [b"", b"[]", b"{}", b"null", b"7", b'"x"', b"{", b"\xff", b'{"data": {"object": []}}']
    bodies += [orjson.dumps(whole | {name: "x"}) for name in ("created", "data")]
    bodies += [orjson.dumps({k: v for k, v in whole.items() if k != name}) for name in ("id", "type", "data")]
    for body in bodies:
        with pytest.raises(BadSignature):
            await receive(provider, headers=signed(body), body=body, store=chain.payments)
    assert await chain.pool.fetchval("SELECT count(*) FROM webhook_inbox") == 0


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
