"""One HTTP exchange with a stand-in: latency and faults around it, and the ways of not answering."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from checkout.sandbox.faults import Faults

_BLACK_HOLE_S = 120.0


class Answer:
    """A status with a JSON body and headers, not yet sent."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.status, self.body, self.headers = status, body, headers or {}

    def response(self) -> web.Response:
        """The answer for aiohttp."""
        self.headers["Content-Type"] = "application/json"
        return web.Response(status=self.status, body=self.body, headers=self.headers)


def cut(request: web.Request) -> web.Response:
    """Reset the connection: the client learns nothing."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def exchange(
    request: web.Request,
    operation: str,
    faults: Faults,
    *,
    work: Callable[[], Awaitable[Answer]],
    refuse: Callable[[int], Answer],
    spoil: Callable[[Answer], Awaitable[None]] | None = None,
) -> web.Response:
    """Do the work between the faults that the knobs order.

    Shape: `refuse(500 | 429)` is the vendor's own way to say so; `spoil` is told when an answer is replaced by a 500
    after the work was done.
    """
    await faults.delay(operation)
    fault = faults.take(operation)
    if fault == "error":
        return refuse(500).response()
    if fault == "rate_limit":
        return refuse(429).response()
    if fault == "reset_before":
        return cut(request)
    if fault == "black_hole":
        # In small steps, so that a client that gave up, and a sandbox that stops, do not wait.
        for _ in range(int(_BLACK_HOLE_S / 0.1)):
            if request.transport is None or request.transport.is_closing():
                break
            await asyncio.sleep(0.1)
        return cut(request)
    answer = await work()
    if fault == "reset_after":
        return cut(request)
    if fault == "error_after":
        if spoil is not None:
            await spoil(answer)
        return refuse(500).response()
    return answer.response()
