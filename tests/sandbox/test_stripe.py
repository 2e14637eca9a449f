"""The official client does not notice that this is not Stripe."""

import asyncio

import aiohttp
import pytest
import stripe

from checkout.sandbox.app import Running
from tests.sandbox.conftest import client_of, payment


async def test_a_card_that_works_is_charged_once(api: stripe.StripeClient, sandbox: Running) -> None:
    """If this fails, nothing that is built on the sandbox can be trusted."""
    intent = await api.v1.payment_intents.create_async(payment())
    assert (intent.status, intent.amount_received, intent.currency) == ("succeeded", 1250, "eur")
    charge = await api.v1.charges.retrieve_async(intent.latest_charge)
    assert charge.paid
    assert charge.payment_intent == intent.id
    assert [row for chunk in sandbox.store.ledger() for row in chunk] == [
        {
            "order_id": "order-1",
            "currency": "eur",
            "charges": 1,
            "charged": 1250,
            "refunded": 0,
            "payment_intent": intent.id,
        }
    ]


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
async def test_declines_are_card_errors(
    api: stripe.StripeClient, method: str, code: str, decline_code: str | None
) -> None:
    """If this fails, a shopper is told the wrong thing about a declined card, or a decline passes for a success."""
    with pytest.raises(stripe.CardError) as raised:
        await api.v1.payment_intents.create_async(payment(method))
    assert raised.value.http_status == 402
    assert raised.value.code == code
    assert raised.value.error is not None
    assert raised.value.error.to_dict().get("decline_code") == decline_code
    assert raised.value.error.payment_intent is not None
    assert raised.value.error.payment_intent.status == "requires_payment_method"


async def test_a_declined_intent_is_paid_with_another_card(api: stripe.StripeClient) -> None:
    """If this fails, paying again after a decline cannot be tested."""
    with pytest.raises(stripe.CardError) as raised:
        await api.v1.payment_intents.create_async(payment("pm_card_chargeDeclined"))
    assert raised.value.error is not None
    assert raised.value.error.payment_intent is not None
    intent_id = raised.value.error.payment_intent.id
    again = await api.v1.payment_intents.confirm_async(intent_id, {"payment_method": "pm_card_mastercard"})
    assert again.status == "succeeded"
    assert again.last_payment_error is None


async def test_refusals_are_worded_as_stripe_words_them(api: stripe.StripeClient) -> None:
    """If this fails, a request that Stripe would refuse passes here and breaks in production."""
    bad: list[tuple[dict[str, object], str | None, str]] = [
        (payment("pm_card_nonesuch"), "resource_missing", "payment_method"),
        (payment(amount=10), "amount_too_small", "amount"),
        (payment(amount=100_000_000), "amount_too_large", "amount"),
        (payment(amount=0), "parameter_invalid_integer", "amount"),
        (payment(amount="1.5"), "parameter_invalid_integer", "amount"),
        (payment(currency="zzz"), None, "currency"),
        (payment(currency="kwd", amount=12_345), "invalid_charge_amount", "amount"),
        (payment(colour="red"), "parameter_unknown", "colour"),
        ({"currency": "eur"}, "parameter_missing", "amount"),
    ]
    for params, code, param in bad:
        with pytest.raises(stripe.InvalidRequestError) as raised:
            await api.v1.payment_intents.create_async(params)
        assert (raised.value.http_status, raised.value.code, raised.value.param) == (400, code, param)
    yen = await api.v1.payment_intents.create_async(payment(currency="jpy", amount=50))
    assert yen.amount_received == 50


async def test_only_the_right_key_is_let_in(sandbox: Running) -> None:
    """If this fails, a missing or wrong API key would be found only in production."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(stripe.AuthenticationError):
            await client_of(sandbox.url, session, "sk_test_other").v1.balance.retrieve_async()
        basic = {"Authorization": aiohttp.encode_basic_auth("sk_test_sandbox", "")}
        async with session.get(f"{sandbox.url}/v1/balance", headers=basic) as answer:
            assert answer.status == 200
        async with session.get(f"{sandbox.url}/v1/balance") as answer:
            assert answer.status == 401


async def test_a_key_replays_its_first_answer(api: stripe.StripeClient, sandbox: Running) -> None:
    """If this fails, a retried capture charges twice or a declined one is charged after all."""
    first = await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k1"})
    again = await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k1"})
    assert first.id == again.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError) as raised:
        await api.v1.payment_intents.create_async(payment(amount=999), {"idempotency_key": "k1"})
    assert raised.value.http_status == 400
    for _ in range(2):
        with pytest.raises(stripe.CardError):
            await api.v1.payment_intents.create_async(
                payment("pm_card_chargeDeclined"), {"idempotency_key": "k2"}
            )
    counts = sandbox.store.counts()
    assert (counts["payment_intent"], counts["charge"]) == (2, 2)


async def test_a_refused_request_leaves_its_key_free(api: stripe.StripeClient) -> None:
    """If this fails, a corrected request is answered with the old refusal, unlike Stripe."""
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.create_async(payment(amount=1), {"idempotency_key": "k"})
    assert (
        await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k"})
    ).status == "succeeded"


async def test_the_same_key_at_once_is_a_conflict(api: stripe.StripeClient, sandbox: Running) -> None:
    """If this fails, two workers with one order may both believe that theirs was the first request."""
    sandbox.faults.turn({"latency_ms": 100, "operations": ["stripe.execution"]})

    async def one() -> str:
        try:
            return (await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "same"})).id
        except stripe.StripeError as error:
            code = error.error.code if error.error else None
            return f"{error.http_status} {code}"

    answers = await asyncio.gather(*(one() for _ in range(5)))
    assert sorted(answers)[:4] == ["409 idempotency_key_in_use"] * 4
    assert sandbox.store.counts()["charge"] == 1


async def test_a_challenge_is_approved_or_failed(
    api: stripe.StripeClient, http: aiohttp.ClientSession, sandbox: Running
) -> None:
    """If this fails, 3-D Secure cannot be passed by a test, or by a person on the page."""
    for result, status in (("approve", "succeeded"), ("fail", "requires_payment_method")):
        intent = await api.v1.payment_intents.create_async(payment("pm_card_authenticationRequired"))
        assert intent.status == "requires_action"
        assert intent.next_action is not None
        url = intent.next_action.redirect_to_url.url
        assert url.startswith(sandbox.url)
        async with http.get(url) as page:
            assert "Approve" in await page.text()
        async with http.post(url, json={"result": result}) as answer:
            assert (await answer.json())["status"] == status
        assert (await api.v1.payment_intents.retrieve_async(intent.id)).status == status
    async with http.get(f"/3ds/{intent.id}?client_secret=wrong") as answer:
        assert answer.status == 404


async def test_the_challenge_page_sends_the_shopper_back(
    api: stripe.StripeClient, http: aiohttp.ClientSession
) -> None:
    """If this fails, a shopper who approved in the browser is left on the bank's page."""
    intent = await api.v1.payment_intents.create_async(payment("pm_card_threeDSecure2Required"))
    assert intent.next_action is not None
    url = intent.next_action.redirect_to_url.url
    async with http.post(url, data={"result": "approve"}, allow_redirects=False) as answer:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("http://127.0.0.1/back?payment_intent=pi_")
        assert answer.headers["Location"].endswith("redirect_status=succeeded")


async def test_refunds_never_exceed_the_charge(api: stripe.StripeClient, sandbox: Running) -> None:
    """If this fails, an over-refund would be found by the bank, not by a test."""
    intent = await api.v1.payment_intents.create_async(payment())
    first = await api.v1.refunds.create_async({"payment_intent": intent.id, "amount": 1000})
    assert (first.status, first.amount) == ("succeeded", 1000)
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await api.v1.refunds.create_async({"payment_intent": intent.id, "amount": 251})
    assert raised.value.code == "amount_too_large"
    rest = await api.v1.refunds.create_async({"payment_intent": intent.id})
    assert rest.amount == 250
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await api.v1.refunds.create_async({"payment_intent": intent.id})
    assert raised.value.code == "charge_already_refunded"
    assert sandbox.store.totals() == [{"currency": "eur", "charges": 1, "charged": 1250, "refunded": 1250}]
    listed = await api.v1.refunds.list_async({"payment_intent": intent.id})
    assert [refund.amount for refund in listed.data] == [250, 1000]


async def test_a_payment_is_voided_only_before_it_succeeds(api: stripe.StripeClient) -> None:
    """If this fails, a void could hide a charge."""
    waiting = await api.v1.payment_intents.create_async(payment("pm_card_authenticationRequired"))
    assert (await api.v1.payment_intents.cancel_async(waiting.id)).status == "canceled"
    paid = await api.v1.payment_intents.create_async(payment())
    for intent_id in (waiting.id, paid.id):
        with pytest.raises(stripe.InvalidRequestError) as raised:
            await api.v1.payment_intents.cancel_async(intent_id)
        assert raised.value.code == "payment_intent_unexpected_state"


async def test_manual_capture_takes_up_to_what_was_authorised(api: stripe.StripeClient) -> None:
    """If this fails, authorise-now, capture-later cannot be built on the sandbox."""
    intent = await api.v1.payment_intents.create_async(payment(capture_method="manual"))
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1250)
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1251})
    done = await api.v1.payment_intents.capture_async(intent.id, {"amount_to_capture": 1000})
    assert (done.status, done.amount_received) == ("succeeded", 1000)


async def test_lists_are_walked_page_by_page(api: stripe.StripeClient) -> None:
    """If this fails, the reconciler misses payments or walks for ever."""
    made = [(await api.v1.payment_intents.create_async(payment())).id for _ in range(25)]
    page = await api.v1.payment_intents.list_async({"limit": 10})
    walked = [intent.id async for intent in page.auto_paging_iter()]
    assert walked == made[::-1]
    events = await api.v1.events.list_async({"type": "payment_intent.succeeded", "limit": 100})
    assert [event.data.object["id"] for event in events.data] == made[::-1]
    early = await api.v1.payment_intents.list_async({"created": {"lt": 1000}})
    assert early.data == []
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.list_async({"limit": 101})


async def test_what_is_not_there_is_a_404(api: stripe.StripeClient, http: aiohttp.ClientSession) -> None:
    """If this fails, a mistyped id or address is not noticed."""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        await api.v1.payment_intents.retrieve_async("pi_none")
    assert (raised.value.http_status, raised.value.code) == (404, "resource_missing")
    async with http.get("/v1/teapots", headers={"Authorization": "Bearer sk_test_sandbox"}) as answer:
        assert answer.status == 404
        assert "Unrecognized request URL" in (await answer.json())["error"]["message"]
