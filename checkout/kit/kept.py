"""What a process keeps in memory of Postgres: loaded at the start, and again whenever it is told of a change.

Guarantees:
- After `changed` the next load begins after the call, so no change that was notified is missed.
- While Postgres is away what was loaded last stays in use, and loading is tried until it succeeds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from checkout.errors import ShopError, Unavailable
from checkout.kit.db import PostgresError

T = TypeVar("T")
_RETRY_S = 0.5


class Kept(Generic[T]):
    """One value; readers wait for nothing. Shape: `name` is what its task is called."""

    def __init__(self, load: Callable[[], Awaitable[T]], *, name: str) -> None:
        self._load = load
        self._name = name
        self._value: T | None = None
        self._stale = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> T:
        """The value. Raises: Unavailable before the first load."""
        if self._value is None:
            raise Unavailable("The shop is still starting.", code="starting", retry_after_ms=500)
        return self._value

    def start(self) -> None:
        """Begins to load; `ready` tells when the first is there."""
        self._stale.set()
        self._task = asyncio.create_task(self._keep(), name=self._name)

    async def ready(self, *, wait_s: float) -> bool:
        """Waits for the first load; says whether it is there."""
        try:
            async with asyncio.timeout(wait_s):
                await self._loaded.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Ends the reloading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def changed(self, _payload: object = None) -> None:
        """Something changed, or may have: load again. A handler of notifications and of a gap in listening."""
        self._stale.set()

    async def reload(self) -> T:
        """Loads now. Raises: Unavailable."""
        self._value = value = await self._load()
        self._loaded.set()
        return value

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.reload()
            except (ShopError, PostgresError):
                self._stale.set()
                await asyncio.sleep(_RETRY_S)
