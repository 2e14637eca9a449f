"""The only SQL of the admin's view of roles."""

from collections.abc import Sequence
from typing import Any

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.errors import Conflict, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import (
    Connection,
    ForeignKeyViolation,
    Pool,
    Record,
    acquired,
    fetch_all,
    fetch_one,
)

QUERIES = sql.load(__file__)


class RoleStore:
    """Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, after: str, most: int) -> Sequence[Record]:
        """Roles by name, after this one."""
        return await fetch_all(self._pool, QUERIES.roles_page, after, most)

    async def one(self, name: str) -> Record:
        """Raises: NotFound."""
        return _found(await fetch_one(self._pool, QUERIES.role, name))

    async def add(self, grant: Grant, name: str, title: str, permissions: Sequence[str]) -> Record:
        """A new role. Raises: Forbidden for permissions that the caller lacks, Conflict `role_taken`."""
        grant.refuse_beyond(permissions, "The role")
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(QUERIES.add_role, name, title, permissions)
            if row is None:
                raise Conflict("A role has this name already.", code="role_taken")
            await record(connection, actor=grant.actor, action="role.create", subject=name, after=_told(row))
        return row

    async def change(
        self, grant: Grant, name: str, title: str, permissions: Sequence[str], version: int | None
    ) -> Record:
        """The role with these permissions instead.

        Raises: NotFound, Stale, Forbidden, Conflict `role_built_in`. Locks: the role's row.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, name, version)
            grant.refuse_beyond([*permissions, *old["permissions"]], "The role")
            if name == "admin" and permissions != old["permissions"]:
                raise Conflict("An admin may do everything; that stays.", code="role_built_in")
            row = _found(await connection.fetchrow(QUERIES.change_role, name, title, permissions))
            await record(
                connection,
                actor=grant.actor,
                action="role.change",
                subject=name,
                before=_told(old),
                after=_told(row),
            )
        return row

    async def delete(self, grant: Grant, name: str, version: int | None) -> None:
        """Raises: NotFound, Stale, Forbidden, Conflict `role_built_in` and `role_in_use`. Locks: the role's row."""
        try:
            async with acquired(self._pool) as connection, connection.transaction():
                old = await _locked(connection, name, version)
                if old["built_in"]:
                    raise Conflict("This role belongs to the shop.", code="role_built_in")
                grant.refuse_beyond(old["permissions"], "The role")
                await connection.execute(QUERIES.delete_role, name)
                await record(
                    connection, actor=grant.actor, action="role.delete", subject=name, before=_told(old)
                )
        except ForeignKeyViolation:
            raise Conflict(
                "Accounts have this role; give them another one first.", code="role_in_use"
            ) from None


async def _locked(connection: Connection, name: str, version: int | None) -> Record:
    row = _found(await connection.fetchrow(QUERIES.lock_role, name))
    refuse_stale(row["version"], version)
    return row


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such role.")
    return row


def _told(row: Record) -> dict[str, Any]:
    return {"title": row["title"], "permissions": row["permissions"]}
