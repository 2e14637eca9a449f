"""The sandbox put together: one aiohttp application, one mail sink, one file."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from checkout.sandbox.config import SandboxConfig, from_settings
from checkout.sandbox.control import Control
from checkout.sandbox.dhl_api import DhlApi
from checkout.sandbox.faults import Faults
from checkout.sandbox.mail_sink import MailSink
from checkout.sandbox.pages import Pages
from checkout.sandbox.store import Store
from checkout.sandbox.stripe_api import StripeApi
from checkout.sandbox.stripe_payments import Payments
from checkout.sandbox.webhooks import Target, Webhooks
from config.settings import Settings

_BODY_MAX_BYTES = 1024 * 1024
_DRAIN_S = 2.0


class Running:
    """A sandbox that listens. Shape: the ports it really has."""

    def __init__(self, *, http_port: int, smtp_port: int, faults: Faults, store: Store) -> None:
        self.http_port, self.smtp_port = http_port, smtp_port
        self.faults, self.store = faults, store

    @property
    def url(self) -> str:
        """Where Stripe's API and everything else of it is."""
        return f"http://127.0.0.1:{self.http_port}"


class _Address:
    """The application's own address, known once it listens."""

    port = 0

    def __call__(self) -> str:
        return f"http://127.0.0.1:{self.port}"


_ADDRESS = web.AppKey("address", _Address)
_FAULTS = web.AppKey("faults", Faults)
_STORE = web.AppKey("store", Store)


def build_app(config: SandboxConfig) -> web.Application:
    """The HTTP side. Opens its file when the application starts, closes it when it is cleaned up.

    Raises: OSError or sqlite3.Error when the data folder cannot be written.
    """
    config.data_dir.mkdir(parents=True, exist_ok=True)
    store, faults, address = Store(config.data_dir / "sandbox.db"), Faults(), _Address()
    address.port = config.http_port
    targets = {
        "stripe": Target(
            kind="stripe",
            url=config.stripe_webhook_url,
            secret=config.stripe_webhook_secret,
            header="Stripe-Signature",
        ),
        "dhl": Target(
            kind="dhl", url=config.dhl_webhook_url, secret=config.dhl_webhook_secret, header="DHL-Signature"
        ),
    }
    webhooks = Webhooks(store, faults, targets)
    payments = Payments(store, lambda event: webhooks.announce("stripe", event), address)
    stripe = StripeApi(store, faults, payments, config.stripe_api_key)
    dhl = DhlApi(store, faults, config, lambda event: webhooks.announce("dhl", event))

    async def life(app: web.Application) -> AsyncIterator[None]:
        await webhooks.start()
        yield
        await webhooks.close()
        store.close()

    app = web.Application(client_max_size=_BODY_MAX_BYTES)
    app.cleanup_ctx.append(life)
    app[_ADDRESS], app[_FAULTS], app[_STORE] = address, faults, store
    for part in (stripe, dhl, Control(store, faults, dhl.move), Pages(store, payments)):
        app.add_routes(part.routes())
    return app


@asynccontextmanager
async def serve(config: SandboxConfig) -> AsyncIterator[Running]:
    """Run the whole sandbox on this loop, on loopback only.

    Raises: OSError when a port is taken.
    """
    app = build_app(config)
    sink = MailSink(app[_STORE], app[_FAULTS])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_DRAIN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", config.http_port, backlog=1024)
        await site.start()
        port: int = runner.addresses[0][1]
        app[_ADDRESS].port = port
        await sink.start(config.smtp_port)
        yield Running(http_port=port, smtp_port=sink.port, faults=app[_FAULTS], store=app[_STORE])
    finally:
        await sink.close()
        await runner.cleanup()


async def run(settings: Settings) -> None:
    """Be the sandbox of these settings until SIGTERM or SIGINT.

    Raises: OSError when a port is taken.
    """
    log = structlog.get_logger("sandbox")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(from_settings(settings)) as running:
        log.info("sandbox ready", url=running.url, smtp_port=running.smtp_port)
        await stop.wait()
