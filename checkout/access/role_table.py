"""The roles that this process decides by: loaded at the start, again whenever Postgres says that one changed."""

import asyncio
from collections.abc import Mapping

from checkout.access.store import AccessStore
from checkout.errors import ShopError, Unavailable
from checkout.kit.db import PostgresError

_RETRY_S = 0.5


class RoleTable:
    """Role → permissions, in memory; asking waits for nothing.

    Guarantees: after `changed` the next reload begins after the call, so no change that was notified is missed; before
    the first load nobody is allowed anything; while Postgres is away the last roles stay in use.
    """

    def __init__(self, store: AccessStore) -> None:
        self._store = store
        self._permissions: Mapping[str, frozenset[str]] | None = None
        self._stale = asyncio.Event()
        self._loaded = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def __contains__(self, role: object) -> bool:
        """Whether there is such a role. Raises: Unavailable before the first load."""
        return role in self._known()

    def permissions(self, role: str) -> frozenset[str]:
        """What the role may do; an unknown one nothing. Raises: Unavailable before the first load."""
        return self._known().get(role, frozenset())

    def _known(self) -> Mapping[str, frozenset[str]]:
        if self._permissions is None:
            raise Unavailable("The shop is still starting.", code="starting", retry_after_ms=500)
        return self._permissions

    def start(self) -> None:
        """Begins to load; `ready` tells when they are there."""
        self._stale.set()
        self._task = asyncio.create_task(self._keep(), name="roles")

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

    def changed(self) -> None:
        """A role changed, or may have: reload."""
        self._stale.set()

    async def reload(self) -> None:
        """Loads now. Raises: Unavailable."""
        self._permissions = await self._store.permissions()
        self._loaded.set()

    async def _keep(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                await self.reload()
            except (ShopError, PostgresError):
                self._stale.set()
                await asyncio.sleep(_RETRY_S)
