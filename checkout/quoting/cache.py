"""The rulebook that this process quotes by: loaded at the start, again whenever Postgres says that a rule changed."""

import asyncio

from checkout.errors import ShopError, Unavailable
from checkout.kit.db import Pool, PostgresError, acquired
from checkout.quoting.model import Rulebook
from checkout.quoting.store import load_rulebook

_RETRY_S = 0.5


class RulebookCache:
    """Holds one rulebook; quotes read it without waiting.

    Guarantees: after `changed` the next reload begins after the call, so no change that was notified is missed; while
    Postgres is away the last rulebook stays in use, and the reload is tried until it succeeds.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rulebook: Rulebook | None = None
        self._stale = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> Rulebook:
        """The rulebook. Raises: Unavailable before the first load."""
        if self._rulebook is None:
            raise Unavailable("The shop is still starting.", code="starting", retry_after_ms=500)
        return self._rulebook

    def start(self) -> None:
        """Begins to load; `ready` tells when the first is there."""
        self._stale.set()
        self._task = asyncio.create_task(self._keep(), name="rulebook")

    async def ready(self, *, wait_s: float) -> bool:
        """Waits for the first rulebook; says whether there is one."""
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
        """A rule changed, or may have: reload. The handler of channel `rulebook` and of a gap in listening."""
        self._stale.set()

    async def reload(self) -> Rulebook:
        """Loads now. Raises: Unavailable."""
        async with acquired(self._pool) as connection:
            self._rulebook = await load_rulebook(connection)
        self._loaded.set()
        return self._rulebook

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.reload()
            except (ShopError, PostgresError):
                self._stale.set()
                await asyncio.sleep(_RETRY_S)
