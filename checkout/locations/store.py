"""The only SQL of locations."""

from collections.abc import Callable
from typing import Any

from checkout.access.store import record
from checkout.errors import Conflict, NotFound, Stale
from checkout.kit import sql
from checkout.kit.db import ForeignKeyViolation, Pool, UniqueViolation, acquired, fetch_all, fetch_one
from checkout.locations.model import MAIN, Location
from config import limits

QUERIES = sql.load(__file__)


class LocationStore:
    """Locations in Postgres. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def after(self, code: str, most: int) -> list[Location]:
        """Locations in order of their codes, after this one."""
        return [Location(*row) for row in await fetch_all(self._pool, QUERIES.list_locations, code, most)]

    async def find(self, code: str) -> Location:
        """The location of this code. Raises: NotFound."""
        row = await fetch_one(self._pool, QUERIES.location, code)
        if row is None:
            raise _unknown(code)
        return Location(*row)

    async def add(self, new: Location, *, actor: str) -> None:
        """Opens a location. Raises: Conflict `location_taken`, or when there are LOCATIONS_MAX."""
        async with acquired(self._pool) as connection:
            try:
                async with connection.transaction():
                    if await connection.fetchval(QUERIES.count_locations) >= limits.LOCATIONS_MAX:
                        raise Conflict(f"There can be {limits.LOCATIONS_MAX} locations; remove one first.")
                    await connection.execute(
                        QUERIES.add_location,
                        new.code,
                        new.name,
                        new.country,
                        new.region,
                        new.priority,
                        new.active,
                    )
                    await record(
                        connection,
                        actor=actor,
                        action="location.create",
                        subject=new.code,
                        after=new.document(),
                    )
            except UniqueViolation:
                raise Conflict(f"There is a location {new.code} already.", code="location_taken") from None

    async def change(
        self, code: str, edit: Callable[[Location], Location], *, expected: int | None, actor: str
    ) -> Location:
        """Commits what `edit` makes of the location. Raises: NotFound, Stale. Locks: its row."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, code, expected)
            new = edit(old)
            await connection.execute(
                QUERIES.change_location,
                code,
                new.name,
                new.country,
                new.region,
                new.priority,
                new.active,
                new.version,
            )
            await record(
                connection,
                actor=actor,
                action="location.change",
                subject=code,
                before=old.document(),
                after=new.document(),
            )
        return new

    async def remove(self, code: str, *, expected: int | None, actor: str) -> None:
        """Deletes a location that never held anything. Raises: NotFound, Stale, Conflict `location_in_use`."""
        async with acquired(self._pool) as connection:
            try:
                async with connection.transaction():
                    old = await _locked(connection, code, expected)
                    if code == MAIN:
                        raise _in_use(code)
                    await connection.execute(QUERIES.remove_location, code)
                    await record(
                        connection,
                        actor=actor,
                        action="location.remove",
                        subject=code,
                        before=old.document(),
                    )
            except ForeignKeyViolation:
                raise _in_use(code) from None


async def _locked(connection: Any, code: str, expected: int | None) -> Location:
    row = await connection.fetchrow(QUERIES.lock_location, code)
    if row is None:
        raise _unknown(code)
    found = Location(*row)
    if expected is not None and expected != found.version:
        raise Stale(f"The location is at version {found.version} now; read it again.")
    return found


def _unknown(code: str) -> NotFound:
    return NotFound(f"There is no location {code}.")


def _in_use(code: str) -> Conflict:
    return Conflict(
        f"The ledger knows the location {code}; set active to false instead of deleting it.",
        code="location_in_use",
    )
