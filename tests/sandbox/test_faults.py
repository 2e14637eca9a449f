"""Every knob does what it says."""

import asyncio
import time

import aiohttp
import pytest
import stripe

from checkout.sandbox.app import Running
from tests.sandbox.conftest import client_of, payment


async def turn(http: aiohttp.ClientSession, **knobs: object) -> None:
    async with http.post("/_sandbox/knobs", json=knobs) as answer:
        assert answer.status == 200, await answer.text()


@pytest.mark.parametrize(
    ("kind", "expected", "charged"),
    [
        ("error", stripe.APIError, 0),
        ("rate_limit", stripe.RateLimitError, 0),
        ("reset_before", stripe.APIConnectionError, 0),
        ("reset_after", stripe.APIConnectionError, 1),
        ("error_after", stripe.APIError, 1),
    ],
)
async def test_a_fault_does_or_does_not_charge(
    api: stripe.StripeClient,
    http: aiohttp.ClientSession,
    sandbox: Running,
    kind: str,
    expected: type[Exception],
    charged: int,
) -> None:
    """If this fails, tests of unknown outcomes test something else."""
    await turn(http, faults=[{"operation": "stripe.payment_intents.create", "kind": kind}])
    with pytest.raises(expected):
        await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k"})
    assert sandbox.store.counts().get("charge", 0) == charged
    if kind == "error_after":
        with pytest.raises(stripe.APIError):  # Stripe replays a 500 as well
            await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k"})
        found = await api.v1.payment_intents.search_async({"query": "metadata['reference']:'order-1:1'"})
        assert [intent.status for intent in found.data] == ["succeeded"]
    else:
        intent = await api.v1.payment_intents.create_async(payment(), {"idempotency_key": "k"})
        assert intent.status == "succeeded"
    assert sandbox.store.counts()["charge"] == 1


async def test_a_black_hole_never_answers(http: aiohttp.ClientSession, sandbox: Running) -> None:
    """If this fails, time-outs are never exercised."""
    await turn(http, faults=[{"operation": "stripe.*", "kind": "black_hole"}])
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.4)) as session:
        session_client = client_of(sandbox.url, session)
        began = time.monotonic()
        with pytest.raises((asyncio.TimeoutError, aiohttp.ClientError, stripe.APIConnectionError)):
            async with session.get(
                f"{sandbox.url}/v1/balance", headers={"Authorization": "Bearer sk_test_sandbox"}
            ):
                pass
        assert time.monotonic() - began < 2
        assert (await session_client.v1.balance.retrieve_async()).object == "balance"


async def test_latency_and_error_rate_meet_the_named_operations(
    api: stripe.StripeClient, http: aiohttp.ClientSession
) -> None:
    """If this fails, a slow or flaky provider cannot be ordered."""
    await turn(http, latency_ms=120, operations=["stripe.balance.*"])
    began = time.monotonic()
    await api.v1.balance.retrieve_async()
    slow_s = time.monotonic() - began
    assert 0.12 <= slow_s < 2
    await turn(http, latency_ms=0, error_rate=0.5, operations=["stripe.events.*"], seed=7)
    failed = 0
    for _ in range(40):
        try:
            await api.v1.events.list_async()
        except stripe.APIError:
            failed += 1
    assert 8 <= failed <= 32
    await api.v1.balance.retrieve_async()
    async with http.delete("/_sandbox/knobs") as answer:
        assert (await answer.json())["error_rate"] == 0


async def test_a_knob_that_does_not_exist_is_refused(http: aiohttp.ClientSession) -> None:
    """If this fails, a typing error in a fault test makes it test nothing."""
    for bad in ({"latency": 5}, {"error_rate": 2}, {"faults": [{"operation": "*", "kind": "melt"}]}, []):
        async with http.post("/_sandbox/knobs", json=bad) as answer:
            assert answer.status == 400
