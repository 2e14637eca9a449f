"""Connections that have asked once and then wait, as browsers leave them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from bench.load.shapes import get
from bench.problem import BenchError

_AT_ONCE = 100
_ANSWER_S = 30.0


class _Waiting(asyncio.Protocol):
    """One connection. Shape: `answered` is set by the first bytes that come."""

    def __init__(self, crowd: "Idle") -> None:
        self._crowd = crowd
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._crowd.transports.append(transport)
        self._crowd.alive += 1
        transport.write(get("/healthz"))  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        if not self.answered.done():
            self.answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.alive -= 1
        if not self.answered.done():
            self.answered.set_result(None)


class Idle:
    """All of them. Shape: `alive` are open now."""

    def __init__(self) -> None:
        self.transports: list[asyncio.BaseTransport] = []
        self.alive = 0


@contextlib.asynccontextmanager
async def idle_connections(url: str, count: int) -> AsyncIterator[Idle]:
    """So many connections for a while. Raises: BenchError when the server takes none."""
    parts, crowd, slots = urlsplit(url), Idle(), asyncio.Semaphore(_AT_ONCE)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    loop = asyncio.get_running_loop()

    async def one() -> None:
        async with slots:
            with contextlib.suppress(OSError):  # what is refused is missing from `alive`
                _, waiting = await loop.create_connection(lambda: _Waiting(crowd), host, port)
                await asyncio.wait_for(waiting.answered, _ANSWER_S)

    try:
        await asyncio.gather(*(one() for _ in range(count)))
        if not crowd.alive:
            raise BenchError(f"{url} takes no connections")
        yield crowd
    finally:
        for transport in crowd.transports:
            transport.close()
