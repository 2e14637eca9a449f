"""The edge layer and the guarded server around a test's own handlers, so that a test decides how long they take."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from checkout.edge.guard import SlowClients
from checkout.edge.metrics import Metrics
from checkout.edge.middleware import Edge
from checkout.edge.serve import Running, listen
from checkout.kit import body
from checkout.kit.routes import Route
from ratelimit.inflight import InFlight
from ratelimit.policies import policies
from ratelimit.shared import SharedLimiter
from tests.api.edge.wire import wire
from tests.shop import UNLIMITED

FIRST = b"GET /checkout HTTP/1.1\r\nHost: shop\r\n\r\n"


class Counter:
    """A handler that keeps its callers until it is opened."""

    def __init__(self) -> None:
        self.inside = 0
        self.open = asyncio.Event()

    async def serve(self, request: web.Request) -> web.Response:
        """Reads the body, waits for the door, answers."""
        await body.whole(request, max_bytes=1024)
        self.inside += 1
        try:
            await self.open.wait()
        finally:
            self.inside -= 1
        return web.json_response({"done": True})

    def routes(self) -> list[Route]:
        """One route of each priority, and one that takes a body."""
        return [
            Route("GET", "/browse", self.serve, "Browse", priority=0),
            Route("GET", "/cart", self.serve, "Cart", priority=1, policy="cart"),
            Route("GET", "/checkout", self.serve, "Checkout", priority=2, policy="checkout"),
            Route("GET", "/health", self.serve, "Health", priority=3, policy=None),
            Route("POST", "/cart", self.serve, "Edit a cart", priority=1, policy="cart"),
        ]


@asynccontextmanager
async def layer(
    routes: Sequence[Route],
    in_flight: InFlight,
    *,
    keepalive_s: float = 5.0,
    arrival_timeout_s: float = 5.0,
    deadline_s: float = 8.0,
) -> AsyncIterator[str]:
    """Serves these routes with this room on a free port; gives the address."""
    metrics = Metrics()
    app = web.Application()
    shared = SharedLimiter(None, None, away=())
    edge = Edge(
        policies=policies(UNLIMITED), shared=shared, metrics=metrics, in_flight=in_flight,
        deadline_s=deadline_s, browse_deadline_s=deadline_s,
    )  # fmt: skip
    edge.register(app, routes)
    running, sock = Running(app, metrics), listen("127.0.0.1", 0)
    running.slow = SlowClients(metrics, timeout_s=arrival_timeout_s)
    await running.start(sock, keepalive_timeout_s=keepalive_s)
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        await running.stop()


@asynccontextmanager
async def full(**given: float) -> AsyncIterator[tuple[str, Counter, InFlight]]:
    """A layer whose room is full until its counter is opened."""
    counter, room = Counter(), InFlight(high=2, low=2)
    async with layer(counter.routes(), room, **given) as url, wire(url) as one, wire(url) as other:
        for connection in (one, other):
            await connection.send(FIRST)
        async with asyncio.timeout(10):
            while counter.inside != 2:
                await asyncio.sleep(0.005)
        yield url, counter, room
        counter.open.set()
