"""Fixtures of the chain after the order."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from checkout.after_order import close_outside, make_outside, verbs
from checkout.kit.cipher import Cipher
from checkout.kit.db import open_pool
from checkout.orders.committer import Committer
from checkout.outbox.store import OutboxStore
from checkout.payments.store import PaymentStore
from checkout.sandbox.app import Running, serve
from checkout.sandbox.config import SandboxConfig
from tests.shop import Stores
from tests.workers.chain import Chain, make_item


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Running]:
    """A sandbox of this test alone, which sends no webhooks."""
    config = SandboxConfig(data_dir=tmp_path / "sandbox", http_port=0, smtp_port=0)
    async with serve(config) as running:
        yield running


@pytest.fixture
async def chain(stores: Stores, sandbox: Running) -> AsyncIterator[Chain]:
    """The chain over a database of its own."""
    settings = msgspec.structs.replace(
        await stores.fresh_settings(),
        stripe_api_base=sandbox.url,
        stripe_api_key="sk_test_sandbox",
        stripe_webhook_secret="whsec_sandbox",
        dhl_api_base=f"{sandbox.url}/mydhlapi",
        dhl_api_key="sandbox",
        dhl_api_secret="sandbox",
        dhl_account="123456789",
        smtp_host="127.0.0.1",
        smtp_port=sandbox.smtp_port,
    )
    pool = await open_pool(settings.database_url, purpose="test", max_size=12)
    outside = make_outside(settings)
    committer = Committer(settings.database_url)
    committer.start()
    try:
        yield Chain(
            settings,
            pool,
            outside,
            sandbox,
            OutboxStore(pool),
            PaymentStore(pool, Cipher(settings.personal_keys, settings.personal_index_key)),
            verbs(settings, pool, outside),
            committer,
            await make_item(settings.database_url),
        )
    finally:
        await committer.stop()
        await close_outside(outside)
        await pool.close()
