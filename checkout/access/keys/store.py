"""The only SQL of the admin's view of API keys."""

import uuid
from collections.abc import Sequence
from typing import Any

from checkout.access.model import Grant, key_digest, shown
from checkout.access.shape import KeyTerms
from checkout.access.store import record
from checkout.errors import Conflict, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, acquired, fetch_one, fetch_planned
from checkout.kit.ids import uuid7

QUERIES = sql.load(__file__)
_LAST = uuid.UUID(int=2**128 - 1)


class KeyStore:
    """Every method may raise Unavailable while Postgres is away. A grant of own rows sees its own account's keys."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, grant: Grant, before: uuid.UUID | None, most: int) -> Sequence[Record]:
        """Keys, newest first."""
        return await fetch_planned(self._pool, QUERIES.keys_page, grant.owner, before or _LAST, most)

    async def one(self, grant: Grant, key_id: uuid.UUID) -> Record:
        """Raises: NotFound."""
        return _found(await fetch_one(self._pool, QUERIES.key, key_id, grant.owner))

    async def add(self, grant: Grant, text: str, terms: KeyTerms) -> Record:
        """Keeps a new key of the caller's account. Raises: Forbidden for permissions that the caller lacks."""
        grant.refuse_beyond(terms.permissions, "The key")
        async with acquired(self._pool) as connection, connection.transaction():
            row = _found(
                await connection.fetchrow(
                    QUERIES.add_key,
                    uuid7(),
                    grant.account_id,
                    terms.name,
                    shown(text),
                    key_digest(text),
                    terms.permissions,
                    terms.expires_at,
                )
            )
            await record(
                connection,
                actor=grant.actor,
                action="api-key.create",
                subject=str(row["id"]),
                after=_told(row),
            )
        return row

    async def change(self, grant: Grant, key_id: uuid.UUID, terms: KeyTerms, version: int | None) -> Record:
        """The key with these terms instead.

        Raises: NotFound, Stale, Conflict `key_revoked`, Forbidden. Locks: the key's row.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, grant, key_id, version)
            if old["revoked_at"] is not None:
                raise Conflict("The key is revoked for good; make another one.", code="key_revoked")
            grant.refuse_beyond([*terms.permissions, *old["permissions"]], "The key")
            row = _found(
                await connection.fetchrow(
                    QUERIES.change_key, key_id, terms.name, terms.permissions, terms.expires_at
                )
            )
            await record(
                connection,
                actor=grant.actor,
                action="api-key.change",
                subject=str(key_id),
                before=_told(old),
                after=_told(row),
            )
        return row

    async def revoke(self, grant: Grant, key_id: uuid.UUID, version: int | None) -> None:
        """Ends the key; one that is revoked stays so. Raises: NotFound, Stale. Locks: the key's row."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, grant, key_id, version)
            if old["revoked_at"] is None:
                await connection.execute(QUERIES.revoke_key, key_id)
                await record(
                    connection,
                    actor=grant.actor,
                    action="api-key.revoke",
                    subject=str(key_id),
                    before=_told(old),
                )


async def _locked(connection: Connection, grant: Grant, key_id: uuid.UUID, version: int | None) -> Record:
    row = _found(await connection.fetchrow(QUERIES.lock_key, key_id, grant.owner))
    refuse_stale(row["version"], version)
    return row


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such API key.")
    return row


def _told(row: Record) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "permissions", "expires_at")}
