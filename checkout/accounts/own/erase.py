"""Erasing a person: what was theirs alone goes at once, what the law keeps goes when it lets go.

| what | becomes of it |
|---|---|
| account, password, addresses, consents, sessions, second factor, requests by mail | deleted |
| carts | emptied in the gate, deleted from Postgres; an ordered one leaves the gate within CART_TTL_S |
| orders that were never paid | address and e-mail blanked at once |
| other orders, invoices, labels | kept for ORDER_RETENTION_S (tax law), then blanked; what runs is still delivered |
| ledgers, invoice numbers, payments | stay: they name orders and an account id that leads to nobody |
"""

import uuid
from typing import Protocol

import structlog

from checkout.accounts.own.store import OwnStore
from checkout.errors import ShopError

log = structlog.get_logger()


class Carts(Protocol):
    """Where carts are emptied."""

    async def empty(self, cart_id: str, account_id: uuid.UUID) -> None: ...


class Eraser:
    """Erases accounts. Raises: what `OwnStore.erase` raises; nothing was done then, but for emptied carts."""

    def __init__(self, store: OwnStore, carts: Carts) -> None:
        self._store = store
        self._carts = carts

    async def erase(self, account_id: uuid.UUID) -> None:
        """Ends the account. Cost: one transaction, one call of the gate a cart."""
        carts = await self._store.held_carts(account_id)
        await self._store.erase(account_id)
        for row in carts:
            try:
                await self._carts.empty(row["id"], account_id)
            except ShopError as error:
                log.info("cart of an erased account not emptied", code=error.code)
