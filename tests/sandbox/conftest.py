"""A sandbox of its own for each test, and the official Stripe client pointed at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import stripe

from checkout.sandbox.app import Running, serve
from checkout.sandbox.config import SandboxConfig


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    return SandboxConfig(data_dir=tmp_path, http_port=0, smtp_port=0)


@pytest.fixture
async def sandbox(config: SandboxConfig) -> AsyncIterator[Running]:
    async with serve(config) as running:
        yield running


@pytest.fixture
async def http(sandbox: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(base_url=sandbox.url) as session:
        yield session


@pytest.fixture
async def api(sandbox: Running) -> AsyncIterator[stripe.StripeClient]:
    async with aiohttp.ClientSession() as session:
        yield client_of(sandbox.url, session)


def client_of(url: str, session: aiohttp.ClientSession, key: str = "sk_test_sandbox") -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": url},
        max_network_retries=0,
        http_client=stripe.AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=5), session=session),
    )


def payment(method: str = "pm_card_visa", **more: object) -> dict[str, object]:
    return {
        "amount": 1250,
        "currency": "eur",
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True},
        "return_url": "http://127.0.0.1/back",
        "metadata": {"order_id": "order-1", "reference": "order-1:1"},
        **more,
    }
