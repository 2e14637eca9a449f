"""One behavioural suite that every payment provider passes."""

import asyncio
import hashlib
import hmac
import json
import time
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from checkout.payments.providers.breaker import Breaker
from checkout.payments.providers.protocol import (
    Absent,
    ActionRequired,
    BadSignature,
    Declined,
    Refunded,
    RefundRefused,
    RefundRequest,
    Succeeded,
    Unknown,
    Voided,
)
from tests.providers.conftest import PaymentHarness, capture


async def test_money_is_taken_once_per_reference(world: PaymentHarness) -> None:
    """If this fails, a retried capture charges a shopper twice."""
    request = capture(world.works)
    first = await world.provider.authorise_and_capture(request)
    assert isinstance(first, Succeeded)
    assert (first.amount_minor, first.currency) == (4990, "EUR")
    assert await world.provider.authorise_and_capture(request) == first
    assert world.charged_minor() == 4990


async def test_many_at_once_under_one_reference_charge_once(world: PaymentHarness) -> None:
    """If this fails, two workers that hold one order charge it twice."""
    outcomes = await asyncio.gather(
        *(world.provider.authorise_and_capture(capture(world.works)) for _ in range(8))
    )
    assert all(isinstance(outcome, Succeeded | Unknown) for outcome in outcomes)
    assert world.charged_minor() == 4990


async def test_a_decline_is_final_for_its_reference_and_another_may_pay(world: PaymentHarness) -> None:
    """If this fails, a shopper cannot pay again, or a decline turns into a charge."""
    declined = capture(world.declined)
    first = await world.provider.authorise_and_capture(declined)
    assert isinstance(first, Declined)
    assert first.code
    again = await world.provider.authorise_and_capture(declined)
    assert isinstance(again, Declined)
    found = await world.provider.look_up(provider_ref=first.provider_ref, reference=declined.reference)
    assert isinstance(found, Declined)
    assert world.charged_minor() == 0
    second = await world.provider.authorise_and_capture(capture(world.works, reference="0192-order:2"))
    assert isinstance(second, Succeeded)


async def test_a_method_that_does_not_exist_is_a_decline(world: PaymentHarness) -> None:
    """If this fails, a mistyped method is asked about for ever."""
    outcome = await world.provider.authorise_and_capture(capture("pm_none"))
    assert isinstance(outcome, Declined)


@pytest.mark.parametrize("approve", [True, False])
async def test_a_challenge_ends_in_success_or_decline(world: PaymentHarness, approve: bool) -> None:
    """If this fails, a shopper's 3-D Secure answer is lost."""
    request = capture(world.challenged)
    asked = await world.provider.authorise_and_capture(request)
    assert isinstance(asked, ActionRequired)
    assert asked.client_secret
    assert asked.url is not None
    assert world.charged_minor() == 0
    await world.pass_challenge(asked.url, approve=approve)
    outcome = await world.provider.look_up(provider_ref=asked.provider_ref, reference=request.reference)
    assert isinstance(outcome, Succeeded if approve else Declined)
    assert world.charged_minor() == (4990 if approve else 0)


@pytest.mark.parametrize(
    "kind", ["reset_before", "reset_after", "error", "error_after", "rate_limit", "black_hole"]
)
async def test_no_answer_is_unknown_and_asking_again_tells(world: PaymentHarness, kind: str) -> None:
    """If this fails, an unknown outcome is taken for success or for failure."""
    world.fault(world.capture_operation, kind)
    request = capture(world.works)
    assert isinstance(await world.provider.authorise_and_capture(request), Unknown)
    again = await world.provider.authorise_and_capture(request)
    assert isinstance(again, Succeeded)
    assert world.charged_minor() == 4990


async def test_a_provider_that_is_not_there_was_not_asked(world: PaymentHarness) -> None:
    """If this fails, a call that never left is treated as one that may have charged."""
    provider = world.make(api_base=f"http://127.0.0.1:{unused_port()}")
    outcome = await provider.authorise_and_capture(capture(world.works))
    await provider.close()
    assert isinstance(outcome, Unknown)
    assert not outcome.sent


async def test_a_failing_provider_is_left_alone_then_probed(world: PaymentHarness) -> None:
    """If this fails, every worker waits on a provider that is down."""
    provider = world.make(breaker=Breaker(failures=3, window_s=1.0, rest_s=0.2))
    world.fault(world.capture_operation, "error", 3)
    for _ in range(3):
        await provider.authorise_and_capture(capture(world.works))
    began = time.monotonic()
    refused = await provider.authorise_and_capture(capture(world.works))
    assert isinstance(refused, Unknown)
    assert not refused.sent
    assert time.monotonic() - began < 0.05
    await asyncio.sleep(0.21)
    assert isinstance(await provider.authorise_and_capture(capture(world.works)), Succeeded)
    await provider.close()


async def test_looking_up_what_is_not_there_finds_nothing(world: PaymentHarness) -> None:
    """If this fails, the reconciler cannot tell a lost payment from one that was never made."""
    assert await world.provider.look_up(provider_ref=None, reference="nothing:1") == Absent()
    assert await world.provider.look_up(provider_ref="pi_none", reference="nothing:1") == Absent()
    assert await world.provider.look_up(provider_ref=None, reference="x' OR metadata['a']:'b") == Absent()


async def test_a_void_never_hides_a_charge(world: PaymentHarness) -> None:
    """If this fails, a cancelled order keeps the shopper's money."""
    waiting = await world.provider.authorise_and_capture(capture(world.challenged))
    assert isinstance(waiting, ActionRequired)
    for _ in range(2):
        gone = await world.provider.void(provider_ref=waiting.provider_ref, reference="0192-order:1")
        assert gone == Voided(provider_ref=waiting.provider_ref)
    paid = await world.provider.authorise_and_capture(capture(world.works, reference="0192-order:2"))
    assert isinstance(paid, Succeeded)
    late = await world.provider.void(provider_ref=paid.provider_ref, reference="0192-order:2")
    assert isinstance(late, Succeeded)


@pytest.mark.parametrize("lost", ["reset_after", "error_after"])
async def test_refunds_happen_once_and_never_exceed(world: PaymentHarness, lost: str) -> None:
    """If this fails, a retried refund pays out twice, or more than came in."""
    paid = await world.provider.authorise_and_capture(capture(world.works))
    assert isinstance(paid, Succeeded)
    part = RefundRequest(
        reference="0192-order:refund:1",
        order_id="0192-order",
        provider_ref=paid.provider_ref,
        amount_minor=3000,
        currency="EUR",
    )
    world.fault(world.refund_operation, lost)
    assert isinstance(await world.provider.refund(part), Unknown)
    done = await world.provider.refund(part)
    assert isinstance(done, Refunded)
    assert done.amount_minor == 3000
    assert await world.provider.refund(part) == done
    rest = RefundRequest(
        reference="0192-order:refund:2",
        order_id="0192-order",
        provider_ref=paid.provider_ref,
        amount_minor=1991,
        currency="EUR",
    )
    assert isinstance(await world.provider.refund(rest), RefundRefused)
    assert world.refunded_minor() == 3000
    seen = await world.provider.look_up(provider_ref=paid.provider_ref, reference="0192-order:1")
    assert isinstance(seen, Succeeded)
    assert seen.refunded_minor == 3000


def event(kind: str = "payment_intent.succeeded", **changes: Any) -> bytes:
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount_received": 4990,
        "currency": "eur",
        "metadata": {"order_id": "0192-order", "reference": "0192-order:1"},
    }
    return json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": kind,
            "created": 1_800_000_000,
            "data": {"object": {**intent, **changes}},
        }
    ).encode()


def signed(body: bytes, secret: str, at_s: int) -> dict[str, str]:
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={at_s},v1={mac}"}


@pytest.mark.parametrize("secret", ["whsec_new", "whsec_old"])
def test_both_secrets_are_accepted_while_they_rotate(world: PaymentHarness, secret: str) -> None:
    """If this fails, changing the webhook secret loses webhooks."""
    body = event()
    read = world.provider.verify_webhook(
        headers=signed(body, secret, 1_800_000_000), body=body, now_s=1_800_000_299
    )
    assert (read.event_id, read.reference, read.order_id) == ("evt_1", "0192-order:1", "0192-order")
    assert read.outcome == Succeeded(provider_ref="pi_1", amount_minor=4990, currency="EUR")


@pytest.mark.parametrize(
    ("headers", "now_s"),
    [
        (signed(event(), "whsec_stolen", 1_800_000_000), 1_800_000_000),
        (signed(event(), "whsec_new", 1_800_000_000), 1_800_000_301),
        (signed(event(), "whsec_new", 1_800_000_301), 1_800_000_000),
        (signed(event() + b" ", "whsec_new", 1_800_000_000), 1_800_000_000),
        ({"Stripe-Signature": "t=1800000000"}, 1_800_000_000),
        ({"Stripe-Signature": "t=abc,v1=00"}, 1_800_000_000),
        ({"Stripe-Signature": ""}, 1_800_000_000),
        ({}, 1_800_000_000),
    ],
    ids=[
        "other secret",
        "old",
        "from the future",
        "other body",
        "no signature",
        "no time",
        "empty",
        "no header",
    ],
)
def test_a_bad_signature_is_refused(world: PaymentHarness, headers: dict[str, str], now_s: int) -> None:
    """If this fails, anyone can tell the shop that an order was paid."""
    with pytest.raises(BadSignature):
        world.provider.verify_webhook(headers=headers, body=event(), now_s=now_s)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"\xff", b'{"id":"evt_1"}', b'{"id":1,"data":{"object":3}}']
)
def test_a_signed_body_that_is_no_event_is_refused(world: PaymentHarness, body: bytes) -> None:
    """If this fails, a malformed webhook is a 500 instead of a refusal."""
    with pytest.raises(BadSignature):
        world.provider.verify_webhook(headers=signed(body, "whsec_new", 10), body=body, now_s=10)
