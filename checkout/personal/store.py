"""The only SQL of putting personal data under another key."""

import asyncio
from collections.abc import Sequence
from typing import Any

from checkout.carts.live import LiveCarts
from checkout.carts.personal import CART, open_text, seal_text
from checkout.errors import Unavailable
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Connection
from checkout.personal.model import ARCHIVE, Kept

QUERIES = sql.load(__file__)
_PAGE = {
    "accounts": QUERIES.accounts_page,
    "addresses": QUERIES.addresses_page,
    "second_factors": QUERIES.second_factors_page,
    "account_requests": QUERIES.account_requests_page,
    "orders": QUERIES.orders_page,
    "invoices": QUERIES.invoices_page,
    "shipments": QUERIES.shipments_page,
    "webhook_inbox": QUERIES.webhook_inbox_page,
    "carts": QUERIES.carts_page,
}
_LOCK = {
    "accounts": QUERIES.accounts_lock,
    "addresses": QUERIES.addresses_lock,
    "second_factors": QUERIES.second_factors_lock,
    "account_requests": QUERIES.account_requests_lock,
    "orders": QUERIES.orders_lock,
    "invoices": QUERIES.invoices_lock,
    "shipments": QUERIES.shipments_lock,
    "webhook_inbox": QUERIES.webhook_inbox_lock,
}
_SEAL = {
    "accounts": QUERIES.accounts_seal,
    "addresses": QUERIES.addresses_seal,
    "second_factors": QUERIES.second_factors_seal,
    "account_requests": QUERIES.account_requests_seal,
    "orders": QUERIES.orders_seal,
    "invoices": QUERIES.invoices_seal,
    "shipments": QUERIES.shipments_seal,
    "webhook_inbox": QUERIES.webhook_inbox_seal,
}


class PersonalStore:
    """Reads and writes over one connection of its own; table by table, batch by batch. Carts need the gate's copy too."""

    def __init__(self, connection: Connection, cipher: Cipher, live: LiveCarts | None = None) -> None:
        self._connection = connection
        self._live = live
        self._cipher = cipher

    async def by_key(self) -> dict[str, dict[int, int]]:
        """How many rows of each table lie under which key; under PLAIN those that are not sealed. Cost: a scan of each."""
        found: dict[str, dict[int, int]] = {}
        for row in await self._connection.fetch(QUERIES.by_key):
            found.setdefault(row["name"], {})[row["key"]] = row["rows"]
        archived = await self._connection.fetch(QUERIES.archived_by_key)
        if archived:
            found[ARCHIVE] = {row["key"]: row["rows"] for row in archived}
        return found

    async def page(self, kept: Kept, after: Any, most: int) -> tuple[int, Any, list[Any]]:
        """(rows looked at, the last one's id, ids of those that are to be sealed) of the next page."""
        rows = await self._connection.fetch(_PAGE[kept.table], after, most)
        wanted = [row["id"] for row in rows if not self._cipher.is_current(row["personal"])]
        return len(rows), rows[-1]["id"] if rows else after, wanted

    async def reseal(self, kept: Kept, ids: Sequence[Any]) -> int:
        """Seals these rows under the first key, but for those that somebody works on just now; gives how many.

        Locks: the rows sealed, for the time of it. Retry: safe.
        """
        cipher = self._cipher
        if kept.table == CART:
            return await self._reseal_carts(ids)
        done, sealed, indexes, rests = list[Any](), list[bytes](), list[bytes | None](), list[str | None]()
        async with self._connection.transaction():
            for row in await self._connection.fetch(_LOCK[kept.table], ids):
                if cipher.is_current(row["personal"]):
                    continue  # somebody was faster
                row_id, index, rest = row["id"], None, None
                if row["personal"] is not None:
                    value = cipher.open_bytes(kept.table, row_id, row["personal"])
                else:
                    part = kept.plain(dict(row.items()))
                    value, rest = part.value, part.rest
                    index = None if part.address is None else cipher.index(part.address)
                done.append(row_id)
                sealed.append(cipher.seal_bytes(kept.table, row_id, value))
                indexes.append(index)
                rests.append(rest)
            if done:
                given: list[Any] = [done, sealed]
                if kept.is_found:
                    given.append(indexes)
                if kept.has_rest:
                    given.append(rests)
                await self._connection.execute(_SEAL[kept.table], *given)
        return len(done)

    async def _reseal_carts(self, ids: Sequence[str]) -> int:
        """The gate's copies first: what is edited from then on is kept under the first key.

        Raises: Unavailable while the gate is away; nothing was done in Postgres then.
        """
        cipher, live = self._cipher, self._live
        async with self._connection.transaction():
            rows = await self._connection.fetch(QUERIES.carts_lock, ids)
            was = {row["id"]: row["addr"] for row in rows}
            becomes = {key: seal_text(cipher, key, open_text(cipher, text)) for key, text in was.items()}
            reached = live is not None and all(
                await asyncio.gather(*(live.reseal(key, was[key], text) for key, text in becomes.items()))
            )
            if not reached:
                raise Unavailable("The gate is away: addresses in carts wait for it.", code="gate_away")
            await self._connection.execute(QUERIES.carts_seal, list(becomes), list(becomes.values()))
        return len(becomes)
