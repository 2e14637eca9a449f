"""The composition root of `serve`: parts and routes become an application, started and stopped in order."""

import asyncio

from aiohttp import web

from checkout.kit import crash
from checkout.kit.routes import Route
from checkout.parts import Parts, make_parts
from checkout.route_table import routes_of
from checkout.stock.rebuild import keep_open
from checkout.stock.reconcile import Reconciler
from config import limits
from config.settings import Settings

PARTS = web.AppKey("parts", Parts)
ROUTES: web.AppKey[list[Route]] = web.AppKey("routes", list)
"""Under this key an application carries what it serves."""


def build(settings: Settings) -> web.Application:
    """The application of these settings; parts connect when it starts, and wait for stores that are away.

    Must be called inside the event loop that will serve it.
    """
    parts = make_parts(settings)
    app = web.Application(client_max_size=limits.WEBHOOK_BODY_MAX_BYTES)
    app[PARTS] = parts
    app[ROUTES] = routes = routes_of(parts)
    parts.edge.register(app, routes)
    app.on_startup.append(_start)
    app.on_cleanup.append(_stop)
    return app


async def _start(app: web.Application) -> None:
    parts = app[PARTS]
    crash.prepare(parts.settings.crash_at)
    await parts.pool
    await parts.gate.lane.start(wait_s=limits.GATE_CONNECT_TIMEOUT_S)
    parts.tasks += [
        asyncio.create_task(keep_open(parts.gate, parts.stock), name="gate"),
        asyncio.create_task(Reconciler(parts.gate, parts.stock).run(), name="reconciler"),
        asyncio.create_task(parts.warming.run(), name="warming"),
    ]
    parts.rules.start()
    parts.access.roles.start()
    parts.listener.start()
    parts.committer.start()
    parts.carts.start()
    await asyncio.gather(
        parts.rules.ready(wait_s=limits.DATABASE_CONNECT_TIMEOUT_S),
        parts.access.roles.ready(wait_s=limits.DATABASE_CONNECT_TIMEOUT_S),
    )


async def _stop(app: web.Application) -> None:
    parts = app[PARTS]
    await parts.committer.stop()
    await asyncio.gather(*parts.passing, return_exceptions=True)
    await parts.carts.stop()
    await parts.listener.stop()
    await parts.ended.stop()
    await parts.rules.stop()
    await parts.access.roles.stop()
    await parts.audit.stop()
    for task in parts.tasks:
        task.cancel()
    await asyncio.gather(*parts.tasks, return_exceptions=True)
    await parts.follower.stop()
    await parts.reading.cache.close()
    await parts.search.cache.close()
    await parts.stripe.close()
    parts.passwords.close()
    await parts.gate.lane.close()
    await parts.pool.close()
