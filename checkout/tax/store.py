"""The only SQL of tax."""

from collections.abc import Sequence
from typing import Any

from checkout.access.store import record
from checkout.errors import Conflict, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, acquired, fetch_all, fetch_one
from checkout.quoting.model import TaxRule
from checkout.tax.shape import NewTaxRate, TaxTerms

QUERIES = sql.load(__file__)
Place = tuple[str, str, str]
"""Country, region (empty: the whole country), tax class."""


async def load_rates(connection: Connection) -> list[TaxRule]:
    """Every rate."""
    rows = await connection.fetch(QUERIES.all_rates)
    return [
        TaxRule(
            row["country"], row["region"], row["tax_class"], row["name"], row["rate_bp"], row["inclusive"]
        )
        for row in rows
    ]


async def add_rates(connection: Connection, rules: Sequence[TaxRule]) -> None:
    """Adds the rates whose place and class have none yet. Retry: safe."""
    await connection.execute(
        QUERIES.seed_rates,
        [rule.country for rule in rules],
        [rule.region for rule in rules],
        [rule.tax_class for rule in rules],
        [rule.name for rule in rules],
        [rule.rate_bp for rule in rules],
        [rule.inclusive for rule in rules],
    )


class TaxStore:
    """Tax rates as admins see them. Every method may raise Unavailable while Postgres is away.

    A change is for quotes to come: an order keeps the rates that it was quoted with.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, after: Place, most: int) -> Sequence[Record]:
        """Rates by place and class, after this one."""
        return await fetch_all(self._pool, QUERIES.rates_page, *after, most)

    async def one(self, place: Place) -> Record:
        """Raises: NotFound."""
        return _found(await fetch_one(self._pool, QUERIES.rate, *place))

    async def add(self, wanted: NewTaxRate, *, actor: str) -> Record:
        """A new rate. Raises: Conflict `tax_rate_taken`."""
        place = wanted.country, wanted.region, wanted.tax_class
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(
                QUERIES.add_rate, *place, wanted.name, wanted.rate_bp, wanted.inclusive
            )
            if row is None:
                raise Conflict("This place and class have a rate.", code="tax_rate_taken")
            await record(
                connection, actor=actor, action="tax-rate.create", subject=rate_id(row), after=_told(row)
            )
        return row

    async def change(self, place: Place, terms: TaxTerms, version: int | None, *, actor: str) -> Record:
        """The rate with these terms instead. Raises: NotFound, Stale. Locks: the rate's row."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = _found(await connection.fetchrow(QUERIES.lock_rate, *place))
            refuse_stale(old["version"], version)
            row = _found(
                await connection.fetchrow(
                    QUERIES.change_rate, *place, terms.name, terms.rate_bp, terms.inclusive
                )
            )
            await record(
                connection,
                actor=actor,
                action="tax-rate.change",
                subject=rate_id(row),
                before=_told(old),
                after=_told(row),
            )
        return row

    async def delete(self, place: Place, version: int | None, *, actor: str) -> None:
        """Raises: NotFound, Stale. Locks: the rate's row."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = _found(await connection.fetchrow(QUERIES.lock_rate, *place))
            refuse_stale(old["version"], version)
            await connection.execute(QUERIES.delete_rate, *place)
            await record(
                connection,
                actor=actor,
                action="tax-rate.delete",
                subject=place_id(place),
                before=_told(old),
            )


def place_id(place: Place) -> str:
    """The name of a rate in a path: `US.CA.standard`, `DE.*.reduced`."""
    country, region, tax_class = place
    return f"{country}.{region or '*'}.{tax_class}"


def rate_id(row: Record) -> str:
    """The name of this rate in a path."""
    return place_id((row["country"], row["region"], row["tax_class"]))


def _told(row: Record) -> dict[str, Any]:
    return {name: row[name] for name in ("name", "rate_bp", "inclusive")}


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such tax rate.")
    return row
