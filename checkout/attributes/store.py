"""Definitions of attributes in Postgres: the only place that runs queries.sql."""

from collections.abc import Sequence
from typing import Any

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.catalog.attributes import Definition
from checkout.errors import Conflict, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, UniqueViolation, fetch_all, fetch_one, writing

QUERIES = sql.load(__file__)


class AttributeStore:
    """Every method may raise Unavailable while Postgres is away. Changes are in the audit log."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, after: str, most: int) -> Sequence[Record]:
        """Definitions by name."""
        return await fetch_all(self._pool, QUERIES.page, after, most)

    async def one(self, name: str) -> Record:
        """One definition. Raises: NotFound."""
        return _found(await fetch_one(self._pool, QUERIES.attribute, name))

    async def define(self, grant: Grant, wanted: Definition) -> Record:
        """A new definition. Raises: Conflict `attribute_taken`."""
        try:
            async with writing(self._pool) as connection:
                row = _found(await connection.fetchrow(QUERIES.add, *_values(wanted)))
                await _log(connection, grant, "attribute.create", wanted.name, None, row)
                return row
        except UniqueViolation:
            raise Conflict(
                f"The attribute {wanted.name!r} is defined already.", code="attribute_taken"
            ) from None

    async def change(self, grant: Grant, wanted: Definition, version: int | None) -> Record:
        """The definition, changed; values that products have stay as they are. Raises: NotFound, Stale."""
        async with writing(self._pool) as connection:
            before = await _opened(connection, wanted.name, version)
            row = _found(await connection.fetchrow(QUERIES.change, *_values(wanted)))
            await _log(connection, grant, "attribute.edit", wanted.name, before, row)
            return row

    async def delete(self, grant: Grant, name: str, version: int | None) -> None:
        """Forgets a definition. Raises: NotFound, Stale."""
        async with writing(self._pool) as connection:
            before = await _opened(connection, name, version)
            await connection.execute(QUERIES.delete, name)
            await _log(connection, grant, "attribute.delete", name, before, None)


def _values(wanted: Definition) -> tuple[Any, ...]:
    return wanted.name, wanted.type, wanted.unit, list(wanted.options), wanted.facet


async def _opened(connection: Connection, name: str, version: int | None) -> Record:
    before = _found(await connection.fetchrow(QUERIES.lock_attribute, name))
    refuse_stale(before["version"], version)
    return before


async def _log(
    connection: Connection, grant: Grant, action: str, name: str, before: Record | None, after: Record | None
) -> None:
    await record(
        connection,
        actor=grant.actor,
        action=action,
        subject=name,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
    )


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such attribute.")
    return row
