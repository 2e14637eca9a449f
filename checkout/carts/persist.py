"""Write-behind: the carts that this process touched, kept in Postgres within CART_BEHIND_MAX_S."""

import asyncio
import itertools

import structlog

from checkout.carts.model import Fields
from checkout.carts.store import CartStore
from checkout.errors import ShopError, Unavailable
from checkout.kit.crash import crash_point
from checkout.kit.db import PostgresError
from config import limits

log = structlog.get_logger()


class Persister:
    """Remembers the newest fields of each touched cart and writes them in batches.

    Guarantees: what was marked is written or stays marked; `stop` writes what is left. While Postgres is away edits go on
    in the gate until CART_DIRTY_MAX carts wait, then they are refused.
    """

    def __init__(self, store: CartStore, *, interval_s: float = limits.CART_PERSIST_INTERVAL_S) -> None:
        self._store = store
        self._interval_s = interval_s
        self._dirty: dict[str, Fields] = {}
        self._task: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self.written = 0

    @property
    def waiting(self) -> int:
        return len(self._dirty)

    def mark(self, cart_id: str, fields: Fields) -> None:
        """This cart is to be kept as it is now, unless a newer version is marked already."""
        known = self._dirty.get(cart_id)
        if known is None or int(known["v"]) < int(fields["v"]):
            self._dirty[cart_id] = fields

    def pending(self, cart_id: str) -> Fields | None:
        """What was not kept yet of this cart."""
        return self._dirty.get(cart_id)

    def ensure_room(self) -> None:
        """Raises: Unavailable when too much waits for Postgres to come back."""
        if len(self._dirty) >= limits.CART_DIRTY_MAX:
            raise Unavailable("Carts cannot be kept right now.", code="database_away", retry_after_ms=1000)

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._run(), name="cart-persister")

    async def stop(self) -> None:
        """Writes what is left, then ends."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self.flush()
        except (ShopError, PostgresError) as error:
            log.warning("carts_not_kept", carts=len(self._dirty), error=str(error))

    async def flush(self) -> None:
        """Writes everything that is marked now. Raises: Unavailable; the unwritten stay marked."""
        async with self._writing:
            while self._dirty:
                batch = dict(itertools.islice(self._dirty.items(), limits.CART_PERSIST_BATCH))
                crash_point("cart.before_persist")
                await self._store.keep(batch)
                crash_point("cart.after_persist")
                for cart_id, fields in batch.items():
                    if self._dirty.get(cart_id) is fields:
                        del self._dirty[cart_id]
                self.written += len(batch)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.flush()
            except (ShopError, PostgresError) as error:
                log.warning("carts_wait", carts=len(self._dirty), error=str(error))
