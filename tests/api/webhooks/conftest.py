"""A subscriber that listens, and the worker's part that tells it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from checkout.outbox.model import TELL, TOPICS
from checkout.outbox.store import OutboxStore
from checkout.outbox.work import work_all
from checkout.webhooks.post import Poster
from checkout.webhooks.send import send
from checkout.webhooks.store import WebhookStore
from tests.api.stock.conftest import Desk, desk  # noqa: F401 - a fixture


@dataclass(slots=True)
class Subscriber:
    """Takes messages at `url` and answers them with `status`."""

    desk: Desk
    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        """One message."""
        self.got.append(
            ({name.lower(): value for name, value in request.headers.items()}, await request.read())
        )
        return web.Response(status=self.status)

    async def subscribe(self, *events: str) -> Any:
        """A webhook of this address; the document with its secret."""
        status, made, _ = await self.desk.ask("POST", "webhooks", url=self.url, events=list(events))
        assert status == 201, made
        return made

    async def tell(self) -> None:
        """Works all messages that are owed, once, whenever they are due."""
        pool, key = self.desk.shop.db, self.desk.shop.settings.secret_key.encode()
        await pool.execute("UPDATE outbox SET available_at = now() WHERE topic = $1", TELL)
        store, outbox, poster = WebhookStore(pool), OutboxStore(pool), Poster(public_only=False)
        taken = await outbox.take({TELL: 500})
        try:
            await work_all(
                TOPICS[TELL],
                taken.get(TELL, []),
                lambda row: send(row, store=store, poster=poster, key=key),
                outbox,
            )
        finally:
            await poster.close()

    async def owed(self) -> int:
        """Messages that were not taken yet."""
        found: int = await self.desk.shop.db.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", TELL)
        return found


@pytest.fixture
async def subscriber(desk: Desk) -> AsyncIterator[Subscriber]:  # noqa: F811 - the fixture
    """A subscriber on a free port."""
    made = Subscriber(desk)
    app = web.Application()
    app.router.add_post("/hook", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield made
    await runner.cleanup()
