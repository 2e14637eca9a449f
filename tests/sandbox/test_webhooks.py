"""Webhooks: signed, at least once, and as unruly as ordered."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import stripe
from aiohttp import web
from aiohttp.test_utils import unused_port

from checkout.sandbox.app import serve
from checkout.sandbox.config import SandboxConfig
from tests.sandbox.conftest import client_of, payment


class Shop:
    """A shop that only takes webhooks."""

    def __init__(self, port: int) -> None:
        self.port, self.status = port, 200
        self.got: list[tuple[str, bytes]] = []
        self.came = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.headers["Stripe-Signature"], await request.read()))
        self.came.set()
        return web.Response(status=self.status)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    async def until(self, count: int, within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s):
            while len(self.got) < count:
                self.came.clear()
                await self.came.wait()


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    shop = Shop(unused_port())
    app = web.Application()
    app.router.add_post("/hook", shop.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", shop.port).start()
    yield shop
    await runner.cleanup()


@pytest.fixture
def config(tmp_path: Path, shop: Shop) -> SandboxConfig:
    url = f"http://127.0.0.1:{shop.port}/hook"
    return SandboxConfig(data_dir=tmp_path, http_port=0, smtp_port=0, stripe_webhook_url=url)


async def test_every_outcome_is_told_and_signed(config: SandboxConfig, shop: Shop) -> None:
    """If this fails, the shop's webhook inbox is tested with events that Stripe would not send."""
    async with serve(config) as sandbox, aiohttp.ClientSession() as session:
        api = client_of(sandbox.url, session)
        paid = await api.v1.payment_intents.create_async(payment())
        with pytest.raises(stripe.CardError):
            await api.v1.payment_intents.create_async(payment("pm_card_chargeDeclined"))
        waiting = await api.v1.payment_intents.create_async(payment("pm_card_authenticationRequired"))
        await api.v1.payment_intents.cancel_async(waiting.id)
        await api.v1.refunds.create_async({"payment_intent": paid.id})
        await shop.until(5)
    assert sorted(event["type"] for event in shop.events()) == [
        "charge.refunded",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]
    for signature, body in shop.got:
        event = stripe.Webhook.construct_event(body, signature, "whsec_sandbox", api_key="sk_test_sandbox")
        assert event.object == "event"
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", signature, "whsec_sandbox", api_key="sk_test_sandbox")


async def test_they_are_duplicated_and_shuffled_on_order(config: SandboxConfig, shop: Shop) -> None:
    """If this fails, deduplication and reordering are never met in a test."""
    async with serve(config) as sandbox, aiohttp.ClientSession() as session:
        sandbox.faults.turn({"seed": 3, "webhooks": {"duplicates": 1, "shuffle_ms": 300}})
        api = client_of(sandbox.url, session)
        made = [(await api.v1.payment_intents.create_async(payment())).id for _ in range(10)]
        await shop.until(20)
    order = [event["data"]["object"]["id"] for event in shop.events()]
    assert sorted(order) == sorted(made * 2)
    assert order[::2] != made


async def test_a_shop_that_fails_is_told_again(config: SandboxConfig, shop: Shop) -> None:
    """If this fails, one refused webhook is lost for ever."""
    async with serve(config) as sandbox, aiohttp.ClientSession() as session:
        sandbox.faults.turn({"webhooks": {"retry_ms": 50}})
        shop.status = 503
        await client_of(sandbox.url, session).v1.payment_intents.create_async(payment())
        await shop.until(2)
        shop.status = 200
        await shop.until(3)
        await asyncio.sleep(0.05)
        tries = sandbox.store.deliveries(10)
        assert sandbox.store.counts()["webhooks_queued"] == 0
    assert [row["status"] for row in tries][-2:] == [503, 503]
    assert len({event["id"] for event in shop.events()}) == 1


async def test_lost_tries_are_made_again(config: SandboxConfig, shop: Shop) -> None:
    """If this fails, the drop knob loses events that Stripe would send again."""
    async with serve(config) as sandbox, aiohttp.ClientSession() as session:
        # Few enough drops that no event backs off for long, enough events that some are dropped.
        sandbox.faults.turn({"seed": 1, "webhooks": {"drop_rate": 0.25, "retry_ms": 10}})
        api = client_of(sandbox.url, session)
        made = {(await api.v1.payment_intents.create_async(payment())).id for _ in range(40)}
        await shop.until(40)
        lost = [row for row in sandbox.store.deliveries(400) if row["status"] == 0]
    assert {event["data"]["object"]["id"] for event in shop.events()} == made
    assert lost


async def test_what_was_undelivered_goes_out_after_a_restart(config: SandboxConfig, shop: Shop) -> None:
    """If this fails, a restart of the sandbox loses webhooks."""
    async with serve(config) as sandbox, aiohttp.ClientSession() as session:
        sandbox.faults.turn({"webhooks": {"enabled": False}})
        await client_of(sandbox.url, session).v1.payment_intents.create_async(payment())
    assert shop.got == []
    async with serve(config):
        await shop.until(1)
