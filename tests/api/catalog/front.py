"""The catalogue alone behind the edge layer: for tests in this process, and as a process of its own (`python -m`)."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from catalog_cache import Cache, SharedTier
from checkout.catalog.http import routes
from checkout.catalog.reading import Reading
from checkout.edge.metrics import Metrics
from checkout.edge.middleware import Edge
from checkout.errors import Unavailable
from checkout.kit.db import Listener, Pool, open_pool
from checkout.kit.lane import Lane, ReplyError, Script
from checkout.search import http as search_http
from checkout.search.show import Search, search_cache
from config.settings import RateLimit
from ratelimit.policies import policies
from ratelimit.shared import LIMIT_SOURCES, SharedLimiter

UNLIMITED = {"browse": RateLimit(requests=1_000_000, period_s=1)}


@dataclass(slots=True)
class Front:
    """A running catalogue."""

    url: str
    pool: Pool
    cache: Cache
    reading: Reading
    search: Search
    lane: Lane


@asynccontextmanager
async def front(database_url: str, gate_url: str, metrics: Path) -> AsyncIterator[Front]:
    """Serves the catalogue of this database on a free port."""
    pool = await open_pool(database_url, purpose="test")
    lane = Lane(gate_url)
    shared = SharedTier(lane, failures=(Unavailable, ReplyError))
    lane.on_connect = shared.on_connect
    await lane.start(wait_s=2)
    cache = Cache(shared=shared)
    reading = Reading(pool, cache)
    search = Search(pool, search_cache(shared))
    listening = asyncio.Event()

    def changed(payload: str) -> None:
        reading.changed(payload)
        search.changed(payload)

    def gap() -> None:
        changed("*")
        listening.set()

    listener = Listener(database_url, {"catalog": changed}, gap)
    listener.start()
    app = web.Application()
    limiter = SharedLimiter(lane, Script(*LIMIT_SOURCES), away=(Unavailable, ReplyError), processes=1)
    edge = Edge(policies=policies(UNLIMITED), shared=limiter, metrics=Metrics(metrics))
    edge.register(app, [*routes(reading), *search_http.routes(search)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    await asyncio.wait_for(listening.wait(), 5)
    try:
        yield Front(f"http://127.0.0.1:{runner.addresses[0][1]}", pool, cache, reading, search, lane)
    finally:
        await runner.cleanup()
        await listener.stop()
        await cache.close()
        await search.cache.close()
        await lane.close()
        await pool.close()


async def _serve(database_url: str, gate_url: str, metrics: str) -> None:
    async with front(database_url, gate_url, Path(metrics)) as started:
        print(started.url, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
