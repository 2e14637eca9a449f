"""A shop for tests: embedded stores once per run; a database, a gate and a real server on a free port for each test."""

import asyncio
import itertools
import re
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
from aiohttp import web

from checkout.kit.cipher import Cipher
from config import settings as configuration
from config.settings import RateLimit, Settings

UNLIMITED = {
    name: RateLimit(requests=1_000_000, period_s=1)
    for name in ("browse", "cart", "checkout", "login", "admin")
}
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Unter den Linden 1",
    "city": "Berlin",
    "postal_code": "10117",
    "country": "DE",
}
_databases = itertools.count(1)
_gates = itertools.count(1)
_brokers = itertools.count(1)


@dataclass(slots=True)
class Stores:
    """The run's embedded stores, and a fresh part of them for whoever asks."""

    database_url: str
    gate_url: str
    broker_url: str
    folder: Path
    template: str = ""

    def url_of(self, database: str) -> str:
        return re.sub(r"/[^/?@]*(\?|$)", rf"/{database}\1", self.database_url, count=1)

    def fresh_gate_url(self) -> str:
        return re.sub(r"db=\d+", f"db={next(_gates)}", self.gate_url)

    def fresh_broker_url(self) -> str:
        return re.sub(r"db=\d+", f"db={next(_brokers)}", self.broker_url)

    async def fresh_database(self) -> str:
        """The URL of a new copy of the template."""
        name = f"test_{next(_databases)}"
        admin = await asyncpg.connect(self.database_url)
        try:
            await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}" STRATEGY file_copy')
        finally:
            await admin.close()
        return self.url_of(name)

    async def drop(self, database_url: str) -> None:
        """Deletes a fresh database again, whoever is still connected to it."""
        name = database_url.partition("?")[0].rpartition("/")[2]
        admin = await asyncpg.connect(self.database_url)
        try:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        finally:
            await admin.close()

    async def fresh_settings(self, **changes: Any) -> Settings:
        """Settings of a shop that has this database and these gates to itself."""
        plain = configuration.load({"CHECKOUT_ENV": "test", "CHECKOUT_DATA_DIR": str(self.folder / "data")})
        values: dict[str, Any] = {
            "port": 0,
            "processes": 1,
            "database_url": await self.fresh_database(),
            "gate_url": self.fresh_gate_url(),
            "broker_url": self.fresh_broker_url(),
            "rate_limits": UNLIMITED,
        }
        return msgspec.structs.replace(plain, **(values | changes))


@dataclass(slots=True)
class TestShop:
    """A running shop and a client that talks to it."""

    __test__ = False
    settings: Settings
    app: web.Application
    url: str
    client: aiohttp.ClientSession
    db: Any
    keys: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def call(
        self, method: str, path: str, **kwargs: Any
    ) -> tuple[int, Any, "aiohttp.typedefs.LooseHeaders"]:
        """(status, JSON or bytes, headers)."""
        async with self.client.request(method, self.url + path, **kwargs) as response:
            raw = await response.read()
            kind = response.headers.get("Content-Type", "")
            return (
                response.status,
                (msgspec.json.decode(raw) if "json" in kind and raw else raw),
                response.headers,
            )

    def purchase(self, *lines: tuple[str, int], **changes: Any) -> dict[str, Any]:
        """The body of a checkout of these (sku, quantity)."""
        body: dict[str, Any] = {
            "email": "ada@example.com",
            "currency": "EUR",
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "shipping_address": ADDRESS,
            "payment": {"provider": "stripe", "method": "pm_card_visa"},
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    async def buy(self, *lines: tuple[str, int], key: str | None = None, **changes: Any) -> tuple[int, Any]:
        """Places an order; (status, document)."""
        status, document, _ = await self.call(
            "POST",
            "/v1/checkouts",
            json=self.purchase(*lines, **changes),
            headers={"Idempotency-Key": key or f"key-{next(self.keys)}"},
        )
        return status, document

    async def insist(
        self, *lines: tuple[str, int], key: str | None = None, **changes: Any
    ) -> tuple[int, Any]:
        """Places an order as real buyers do: whoever is shed (503: nothing was done) asks again with the same key."""
        key = key or f"key-{next(self.keys)}"
        for pause_s in (0.05, 0.1, 0.2, 0.4, *([0.5] * 60)):
            status, document = await self.buy(*lines, key=key, **changes)
            if status != 503:
                return status, document
            await asyncio.sleep(pause_s)
        raise AssertionError(f"{key} was only ever shed")

    @property
    def cipher(self) -> Cipher:
        """What seals this shop's personal data."""
        return Cipher(self.settings.personal_keys, self.settings.personal_index_key)

    async def account_id(self, email: str) -> uuid.UUID:
        """The account of this address."""
        found: uuid.UUID = await self.db.fetchval(
            "SELECT id FROM accounts WHERE email_index = $1", self.cipher.index(email)
        )
        return found

    async def stock(self, sku: str) -> tuple[int, int]:
        """(on hand, reserved) by Postgres."""
        row = await self.db.fetchrow(
            "SELECT on_hand, reserved FROM stock JOIN variants USING (item_id) WHERE sku = $1", sku
        )
        return row["on_hand"], row["reserved"]

    async def set_stock(self, sku: str, on_hand: int) -> None:
        """Gives the SKU this stock, by the ledger, and waits until the gate knows it."""
        await self.db.execute(
            """WITH s AS (SELECT item_id, $2 - on_hand AS delta FROM stock JOIN variants USING (item_id) WHERE sku = $1),
                    m AS (INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
                          SELECT gen_random_uuid(), item_id, 'adjustment', delta FROM s WHERE delta <> 0),
                    q AS (INSERT INTO gate_suspects (item_id) SELECT item_id FROM s ON CONFLICT DO NOTHING)
               UPDATE stock SET on_hand = on_hand + s.delta FROM s WHERE stock.item_id = s.item_id""",
            sku,
            on_hand,
        )
        await self.quiet()

    async def quiet(self, *, wait_s: float = 5.0) -> None:
        """Waits until no counter of the gate is suspect."""
        async with asyncio.timeout(wait_s):
            while await self.db.fetchval("SELECT count(*) FROM gate_suspects"):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[TestShop]:
    """The shop of these settings, served in this process on a free port."""
    from checkout.app import PARTS, build
    from checkout.edge.serve import Running, listen

    app = build(settings)
    server = Running(app, app[PARTS].metrics)
    socket = listen("127.0.0.1", 0)
    port = socket.getsockname()[1]
    await server.start(socket)
    db = await asyncpg.create_pool(settings.database_url, min_size=1, max_size=4)
    client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    try:
        yield TestShop(settings, app, f"http://127.0.0.1:{port}", client, db)
    finally:
        await client.close()
        await db.close()
        await server.stop()
