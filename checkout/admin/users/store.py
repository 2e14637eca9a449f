"""The only SQL of the admin's view of accounts."""

import uuid
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.accounts.model import plain_email
from checkout.accounts.personal import ACCOUNT
from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import (
    CheckViolation,
    Connection,
    Pool,
    Record,
    acquired,
    fetch_all,
    fetch_one,
    fetch_planned,
)
from checkout.kit.ids import uuid7

QUERIES = sql.load(__file__)
_LAST = uuid.UUID(int=2**128 - 1)
_PRODUCTS_COUNTED = 10_000


class UserStore:
    """Every method may raise Unavailable while Postgres is away. A grant of own rows sees its own account."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher

    async def page(
        self, grant: Grant, role: str | None, email: str | None, before: uuid.UUID | None, most: int
    ) -> Sequence[dict[str, Any]]:
        """Accounts, newest first; of this role, of this address."""
        address = None if email is None else plain_email(email)
        index = None if address is None else self._cipher.index(address)
        rows = await fetch_planned(
            self._pool, QUERIES.users_page, role, index, grant.owner, before or _LAST, most, address
        )
        return [self._opened(row) for row in rows]

    async def one(self, grant: Grant, account_id: uuid.UUID) -> dict[str, Any]:
        """Raises: NotFound."""
        return self._opened(_found(await fetch_one(self._pool, QUERIES.user, account_id, grant.owner)))

    async def vendors_page(self, before: uuid.UUID | None, most: int) -> Sequence[dict[str, Any]]:
        """Vendors, newest first."""
        rows = await fetch_all(self._pool, QUERIES.vendors_page, before or _LAST, most, _PRODUCTS_COUNTED)
        return [self._opened(row) for row in rows]

    async def add(self, grant: Grant, *, email: str, role: str, password_hash: str) -> dict[str, Any]:
        """A new account. Raises: Invalid without such a role, Forbidden, Conflict `email_taken`."""
        async with acquired(self._pool) as connection, connection.transaction():
            grant.refuse_beyond(await _permissions(connection, role), "The role")
            plain, new_id = plain_email(email), uuid7()
            row = await connection.fetchrow(
                QUERIES.add_user,
                new_id,
                self._cipher.seal(ACCOUNT, new_id, {"email": plain, "profile": {}}),
                self._cipher.index(plain),
                password_hash,
                role,
                plain,
            )
            if row is None:
                raise Conflict("This address has an account.", code="email_taken")
            await record(
                connection,
                actor=grant.actor,
                action="user.create",
                subject=str(row["id"]),
                after={"role": role},
            )
        return self._opened(row)

    async def change(
        self,
        grant: Grant,
        account_id: uuid.UUID,
        *,
        role: str | UnsetType,
        disabled: bool | UnsetType,
        version: int | None,
    ) -> dict[str, Any]:
        """Gives the account another role, or disables or enables it; its sessions end.

        Raises: NotFound, Stale, Invalid without such a role, Forbidden for what the caller lacks, Conflict `last_admin`.
        Locks: the account's row, the role's.
        """
        try:
            async with acquired(self._pool) as connection, connection.transaction():
                old = _found(await connection.fetchrow(QUERIES.lock_user, account_id, grant.owner))
                refuse_stale(old["version"], version)
                grant.refuse_beyond(await _permissions(connection, old["role"]), "The account")
                wanted_role = old["role"] if role is UNSET else str(role)
                grant.refuse_beyond(await _permissions(connection, wanted_role), "The role")
                was_disabled = old["disabled_at"] is not None
                wanted = was_disabled if disabled is UNSET else bool(disabled)
                row = _found(await connection.fetchrow(QUERIES.change_user, account_id, wanted_role, wanted))
                await record(
                    connection,
                    actor=grant.actor,
                    action="user.change",
                    subject=str(account_id),
                    before={"role": old["role"], "disabled": was_disabled},
                    after={"role": wanted_role, "disabled": wanted},
                )
            return self._opened(row)
        except CheckViolation as error:
            if error.constraint_name != "accounts_last_admin":
                raise
            raise Conflict("A shop keeps at least one admin who can sign in.", code="last_admin") from None

    def _opened(self, row: Record) -> dict[str, Any]:
        return self._cipher.opened(ACCOUNT, row, row["id"])


async def _permissions(connection: Connection, role: str) -> Any:
    permissions = await connection.fetchval(QUERIES.role_permissions, role)
    if permissions is None:
        raise Invalid(f"There is no role {role}.", field="role")
    return permissions


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such account.")
    return row
