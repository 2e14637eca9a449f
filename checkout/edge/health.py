"""/healthz: this process runs its event loop. /readyz: it can serve; a load balancer asks this one. /metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from aiohttp import web

from checkout.edge import problems
from checkout.edge.metrics import Metrics
from checkout.errors import ShopError, Unavailable
from checkout.kit.answer import answer
from checkout.kit.routes import Route

Check = Callable[[], Awaitable[None]]
"""Raises when its part cannot serve. A part that the shop can do without has no check here."""

_CHECK_TIMEOUT_S = 1.0


class Readiness(msgspec.Struct, frozen=True):
    """What /readyz says of a process that can serve. Shape: `parts` are `up` or `down`, by name."""

    status: str
    parts: dict[str, str]


def routes(
    metrics: Metrics, checks: Mapping[str, Check], informative: Mapping[str, Check] | None = None
) -> list[Route]:
    """The routes for machines that watch.

    Shape: `checks` decide the status; `informative` parts are shown as up or down only: the shop serves without them.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def readyz(_request: web.Request) -> web.StreamResponse:
        names = [*checks, *(informative or {})]
        tried = await asyncio.gather(
            *(_try(check) for check in (*checks.values(), *(informative or {}).values()))
        )
        parts = dict(zip(names, ("up" if good else "down" for good in tried), strict=True))
        down = [name for name in checks if parts[name] == "down"]
        if down:
            return problems.response(
                Unavailable(
                    f"Not ready: {', '.join(down)}.",
                    code="not_ready",
                    retry_after_ms=1000,
                    extra={"parts": parts},
                )
            )
        return answer({"status": "ready", "parts": parts})

    async def exposition(_request: web.Request) -> web.Response:
        text = await asyncio.to_thread(metrics.render)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    return [
        Route(
            "GET",
            "/healthz",
            healthz,
            "Whether this process lives",
            response=dict[str, str],
            policy=None,
            priority=3,
            tag="machines",
        ),
        Route(
            "GET",
            "/readyz",
            readyz,
            "Whether this process can serve",
            response=Readiness,
            problems=("not_ready",),
            policy=None,
            priority=3,
            tag="machines",
        ),
        Route(
            "GET",
            "/metrics",
            exposition,
            "Numbers of all processes, for Prometheus",
            content_type="text/plain",
            policy=None,
            priority=3,
            tag="machines",
        ),
    ]


async def _try(check: Check) -> bool:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await check()
    except (OSError, TimeoutError, ShopError, RuntimeError):
        return False
    return True
