"""The webhook inbox against real Postgres: forged, replayed, doubled, shuffled, early (T7, T8)."""

import random

import orjson
import pytest

from checkout.kit.ids import uuid7
from checkout.outbox.model import WEBHOOK
from checkout.payments.providers.protocol import BadSignature
from checkout.payments.providers.stripe import StripeProvider
from checkout.payments.webhooks import receive
from config import limits
from tests.workers.chain import Chain
from tests.workers.stripe_events import event, forgeries, signed


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
    assert await chain.payments.owe_parked_webhooks(10) == 0
    await chain.step(only=WEBHOOK)
    assert await chain.status(order) == "paid"
    assert await chain.payments.owe_parked_webhooks(10) == 0


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
