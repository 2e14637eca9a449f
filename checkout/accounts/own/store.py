"""What one account has, in Postgres."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from checkout.accounts.model import consents, plain_email
from checkout.accounts.own.request import AddressEntry
from checkout.accounts.personal import ACCOUNT, ADDRESS
from checkout.carts.personal import told
from checkout.errors import Conflict, NotFound, Unauthenticated
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, ForeignKeyViolation, Pool, Record, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.orders.personal import opened_order
from config import limits

QUERIES = sql.load(__file__)
_LOG_MAX = 1_000


class OwnStore:
    """Reads and writes of one account's own. Raises: Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher

    async def me(self, account_id: uuid.UUID) -> dict[str, Any]:
        """The account. Raises: Unauthenticated when it is gone or disabled."""
        row = await fetch_one(self._pool, QUERIES.me, account_id)
        if row is None:
            raise _gone()
        return self._cipher.opened(ACCOUNT, row, account_id)

    async def change(
        self,
        account_id: uuid.UUID,
        profile: Mapping[str, str | None],
        wanted: Mapping[str, bool | None],
        *,
        expected: int | None,
    ) -> None:
        """Sets these fields of the profile (None empties one) and these consents. Raises: Unauthenticated, Stale."""
        async with acquired(self._pool) as connection, connection.transaction():
            row = self._cipher.opened(ACCOUNT, await _lock(connection, account_id), account_id)
            refuse_stale(row["version"], expected)
            fields, email = row["profile"] | profile, row["email"]
            after = {name: value for name, value in fields.items() if value is not None}
            given = consents(orjson.loads(row["consents"]), wanted)
            await connection.execute(
                QUERIES.set_me,
                account_id,
                self._cipher.seal(ACCOUNT, account_id, {"email": email, "profile": after}),
                self._cipher.index(plain_email(email)),
                orjson.dumps(given).decode(),
            )

    # -- addresses

    async def addresses(self, account_id: uuid.UUID) -> list[dict[str, Any]]:
        """The whole book, oldest first."""
        rows = await fetch_all(self._pool, QUERIES.addresses, account_id)
        return [self._cipher.opened(ADDRESS, row, row["id"]) for row in rows]

    async def address(self, account_id: uuid.UUID, address_id: uuid.UUID) -> dict[str, Any]:
        """One address. Raises: NotFound."""
        row = await fetch_one(self._pool, QUERIES.address, account_id, address_id)
        if row is None:
            raise _no_address()
        return self._cipher.opened(ADDRESS, row, address_id)

    async def add_address(
        self, account_id: uuid.UUID, document: Mapping[str, Any], is_default: bool | None
    ) -> uuid.UUID:
        """A new address; the first one, and one that asks for it, is the default. Raises: Conflict (`book_full`)."""
        address_id = uuid7()
        async with acquired(self._pool) as connection, connection.transaction():
            await _lock(connection, account_id)
            count = await connection.fetchval(QUERIES.count_addresses, account_id)
            if count >= limits.ADDRESSES_MAX:
                raise Conflict(f"An account keeps {limits.ADDRESSES_MAX} addresses.", code="book_full")
            chosen = count == 0 if is_default is None else is_default
            if chosen:
                await connection.execute(QUERIES.no_default, account_id, address_id)
            sealed = self._cipher.seal(ADDRESS, address_id, {"document": document})
            await connection.execute(QUERIES.add_address, address_id, account_id, sealed, chosen)
        return address_id

    async def set_address(
        self,
        account_id: uuid.UUID,
        address_id: uuid.UUID,
        document: Mapping[str, Any],
        is_default: bool | None,
        *,
        expected: int | None,
    ) -> None:
        """Another text for an address. Raises: NotFound, Stale."""
        async with acquired(self._pool) as connection, connection.transaction():
            row = await _locked_address(connection, account_id, address_id, expected)
            chosen = row["is_default"] if is_default is None else is_default
            if chosen:
                await connection.execute(QUERIES.no_default, account_id, address_id)
            sealed = self._cipher.seal(ADDRESS, address_id, {"document": document})
            await connection.execute(QUERIES.set_address, account_id, address_id, sealed, chosen)

    async def drop_address(
        self, account_id: uuid.UUID, address_id: uuid.UUID, *, expected: int | None
    ) -> None:
        """Deletes an address. Raises: NotFound, Stale."""
        async with acquired(self._pool) as connection, connection.transaction():
            await _locked_address(connection, account_id, address_id, expected)
            await connection.execute(QUERIES.drop_address, account_id, address_id)

    # -- orders and carts

    async def orders(self, account_id: uuid.UUID, before: uuid.UUID | None, most: int) -> Sequence[Record]:
        """Orders, newest first, after the cursor."""
        return await fetch_all(self._pool, QUERIES.orders, account_id, before, most)

    async def order(self, account_id: uuid.UUID, order_id: uuid.UUID) -> Record | None:
        """What one order of the account bought."""
        return await fetch_one(self._pool, QUERIES.order, account_id, order_id)

    async def carts(self, account_id: uuid.UUID) -> Sequence[Record]:
        """The open cart of each currency."""
        return await fetch_all(self._pool, QUERIES.open_carts, account_id)

    # -- all of it

    async def held(
        self, account_id: uuid.UUID, email: str
    ) -> dict[str, Sequence[Mapping[str, Any] | Record]]:
        """Everything beside the account and its addresses, by kind. Cost: one read a kind, one a page of orders."""
        plain = plain_email(email)
        async with acquired(self._pool) as connection:
            orders: list[Record] = []
            page: Sequence[Record] = ()
            while not orders or len(page) == limits.PAGE_MAX:
                after = orders[-1]["id"] if orders else None
                page = await connection.fetch(QUERIES.held_orders, account_id, after, limits.PAGE_MAX)
                orders += page
                if not page:
                    break
            return {
                "orders": [opened_order(self._cipher, row) for row in orders],
                "carts": [
                    dict(row.items()) | {"document": told(self._cipher, row["document"])}
                    for row in await connection.fetch(QUERIES.held_carts, account_id)
                ],
                "sessions": await connection.fetch(QUERIES.held_sessions, account_id),
                "requests": await connection.fetch(QUERIES.held_requests, self._cipher.index(plain), plain),
                "log": await connection.fetch(QUERIES.held_log, str(account_id), _LOG_MAX),
            }

    async def held_carts(self, account_id: uuid.UUID) -> Sequence[Record]:
        """The account's carts, also those that were ordered or merged."""
        return await fetch_all(self._pool, QUERIES.held_carts, account_id)

    async def erase(self, account_id: uuid.UUID) -> None:
        """Deletes the account and what belongs to it alone; blanks its orders that no law keeps.

        Raises: Unauthenticated; Conflict (`staff_account`) for one that is no shopper's, or on which others' work hangs.
        """
        try:
            async with acquired(self._pool) as connection, connection.transaction():
                row = await _lock(connection, account_id)
                if row["role"] != "customer":
                    raise _staff()
                await connection.execute(QUERIES.note_erased, account_id)
                await connection.execute(QUERIES.blank_orders, account_id, _KEPT_S, limits.SWEEP_BATCH)
                await connection.execute(QUERIES.drop_carts, account_id)
                email = plain_email(self._cipher.opened(ACCOUNT, row, account_id)["email"])
                await connection.execute(QUERIES.drop_asked, self._cipher.index(email), email)
                await connection.execute(QUERIES.drop_account, account_id)
        except ForeignKeyViolation:
            raise _staff() from None

    async def blank_due(self, *, most: int = limits.SWEEP_BATCH) -> int:
        """Blanks orders of erased accounts that the law lets go of by now; gives how many. Retry: safe, until it gives 0."""
        async with acquired(self._pool) as connection:
            done = await connection.execute(QUERIES.blank_orders, None, _KEPT_S, most)
        return int(done.rpartition(" ")[2])


_KEPT_S = float(limits.ORDER_RETENTION_S)


async def _lock(connection: Connection, account_id: uuid.UUID) -> Record:
    row = await connection.fetchrow(QUERIES.lock_me, account_id)
    if row is None:
        raise _gone()
    return row


async def _locked_address(
    connection: Connection, account_id: uuid.UUID, address_id: uuid.UUID, expected: int | None
) -> Record:
    await _lock(connection, account_id)
    row = await connection.fetchrow(QUERIES.address, account_id, address_id)
    if row is None:
        raise _no_address()
    refuse_stale(row["version"], expected)
    return row


def entry_document(entry: AddressEntry) -> dict[str, Any]:
    """What is stored of an address."""
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "is_default"}
    return {name: value for name, value in fields.items() if value is not None}


def _gone() -> Unauthenticated:
    return Unauthenticated("This account is not there any more; sign in again.")


def _no_address() -> NotFound:
    return NotFound("There is no such address in your book.")


def _staff() -> Conflict:
    return Conflict(
        "This account works for the shop: an admin hands over what hangs on it, and makes it a customer's.",
        code="staff_account",
    )
