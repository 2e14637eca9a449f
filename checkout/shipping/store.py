"""The only SQL of shipping rules."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from checkout.access.store import record
from checkout.errors import Conflict, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, UniqueViolation, acquired
from checkout.quoting.model import Bracket, ShippingRate, ShippingZone
from checkout.shipping.shape import RateEntry, ZoneTerms

QUERIES = sql.load(__file__)


async def load_zones(connection: Connection) -> list[ShippingZone]:
    """Every zone with its rates. A country named by two zones belongs to the later one."""
    zones = await connection.fetch(QUERIES.all_zones)
    rows = await connection.fetch(QUERIES.all_rates)
    by_zone: dict[int, dict[str, list[ShippingRate]]] = {}
    for (zone_id, _, currency), group in groupby(
        rows, key=lambda row: (row["zone_id"], row["option"], row["currency"])
    ):
        by_zone.setdefault(zone_id, {}).setdefault(currency, []).append(_rate(list(group)))
    return [
        ShippingZone(
            zone["name"],
            tuple(zone["countries"]),
            {currency: tuple(rates) for currency, rates in by_zone.get(zone["id"], {}).items()},
        )
        for zone in zones
    ]


def _rate(rows: list[Record]) -> ShippingRate:
    first = rows[0]
    brackets = tuple(
        Bracket(row["up_to_weight_g"], row["amount_minor"], row["free_above_minor"]) for row in rows
    )
    return ShippingRate(first["option"], first["title"], first["days_min"], first["days_max"], brackets)


async def add_zone(connection: Connection, zone: ShippingZone) -> bool:
    """Adds a zone with its rates, unless its name is taken; says whether it did. Retry: safe."""
    zone_id = await connection.fetchval(QUERIES.seed_zone, zone.name, list(zone.countries))
    if zone_id is None:
        return False
    flat = [
        (rate, currency, bracket)
        for currency, rates in zone.rates.items()
        for rate in rates
        for bracket in rate.brackets
    ]
    await _add_rates(
        connection,
        zone_id,
        [
            RateEntry(
                option=rate.code,
                title=rate.title,
                currency=currency,
                up_to_weight_g=bracket.up_to_weight_g,
                amount=bracket.amount_minor,
                free_above=bracket.free_above_minor,
                days_min=rate.days_min,
                days_max=rate.days_max,
            )
            for rate, currency, bracket in flat
        ],
    )
    return True


class ZoneStore:
    """Shipping zones as admins see them. Every method may raise Unavailable while Postgres is away.

    Shape: documents, as shape.ShippingZoneAnswer. A change is for quotes to come: an order keeps what it was quoted.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, after: int, most: int) -> list[dict[str, Any]]:
        """Zones, oldest first, after this one."""
        async with acquired(self._pool) as connection:
            zones = await connection.fetch(QUERIES.zones_page, after, most)
            return await _documents(connection, zones)

    async def one(self, zone_id: int) -> dict[str, Any]:
        """Raises: NotFound."""
        async with acquired(self._pool) as connection:
            return await _document(connection, zone_id)

    async def add(self, terms: ZoneTerms, *, actor: str) -> dict[str, Any]:
        """A new zone. Raises: Conflict `zone_taken` when another has its name or one of its countries."""
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(QUERIES.lock_rules)
            await _refuse_shared(connection, 0, terms)
            zone_id = await connection.fetchval(QUERIES.seed_zone, terms.name, terms.countries)
            if zone_id is None:
                raise Conflict("A zone has this name.", code="zone_taken")
            await _add_rates(connection, zone_id, terms.rates)
            made = await _document(connection, zone_id)
            await record(
                connection, actor=actor, action="shipping-zone.create", subject=made["id"], after=made
            )
        return made

    async def change(
        self, zone_id: int, terms: ZoneTerms, version: int | None, *, actor: str
    ) -> dict[str, Any]:
        """The zone with these terms instead. Raises: NotFound, Stale, Conflict `zone_taken`. Locks: the rulebook's row."""
        try:
            async with acquired(self._pool) as connection, connection.transaction():
                await connection.execute(QUERIES.lock_rules)
                old = await _document(connection, zone_id)
                refuse_stale(old["version"], version)
                await _refuse_shared(connection, zone_id, terms)
                await connection.execute(QUERIES.change_zone, zone_id, terms.name, terms.countries)
                await connection.execute(QUERIES.drop_rates, zone_id)
                await _add_rates(connection, zone_id, terms.rates)
                made = await _document(connection, zone_id)
                await record(
                    connection,
                    actor=actor,
                    action="shipping-zone.change",
                    subject=made["id"],
                    before=old,
                    after=made,
                )
            return made
        except UniqueViolation:
            raise Conflict("A zone has this name.", code="zone_taken") from None

    async def delete(self, zone_id: int, version: int | None, *, actor: str) -> None:
        """Nothing ships to its countries any more, unless a zone for the rest of the world has them.

        Raises: NotFound, Stale. Locks: the rulebook's row.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(QUERIES.lock_rules)
            old = await _document(connection, zone_id)
            refuse_stale(old["version"], version)
            await connection.execute(QUERIES.delete_zone, zone_id)
            await record(
                connection, actor=actor, action="shipping-zone.delete", subject=old["id"], before=old
            )


async def _refuse_shared(connection: Connection, zone_id: int, terms: ZoneTerms) -> None:
    other = await connection.fetchval(QUERIES.zone_with, zone_id, terms.countries)
    if other is not None:
        raise Conflict(f"The zone {other} has one of these countries.", code="zone_taken")


async def _document(connection: Connection, zone_id: int) -> dict[str, Any]:
    zone = await connection.fetchrow(QUERIES.zone, zone_id)
    if zone is None:
        raise NotFound("There is no such shipping zone.")
    return (await _documents(connection, [zone]))[0]


async def _documents(connection: Connection, zones: Iterable[Record]) -> list[dict[str, Any]]:
    zones = list(zones)
    rates = await connection.fetch(QUERIES.rates_of, [zone["id"] for zone in zones])
    return [
        {
            "id": str(zone["id"]),
            "name": zone["name"],
            "countries": zone["countries"],
            "rates": [_entry(rate) for rate in rates if rate["zone_id"] == zone["id"]],
            "version": zone["version"],
        }
        for zone in zones
    ]


def _entry(row: Record) -> dict[str, Any]:
    plain = ("option", "title", "currency", "up_to_weight_g", "days_min", "days_max")
    money = {"amount": row["amount_minor"], "free_above": row["free_above_minor"]}
    return {name: row[name] for name in plain} | money


async def _add_rates(connection: Connection, zone_id: int, rates: Sequence[RateEntry]) -> None:
    await connection.execute(
        QUERIES.seed_rates,
        zone_id,
        [rate.option for rate in rates],
        [rate.currency for rate in rates],
        [rate.up_to_weight_g for rate in rates],
        [rate.title for rate in rates],
        [rate.amount for rate in rates],
        [rate.free_above for rate in rates],
        [rate.days_min for rate in rates],
        [rate.days_max for rate in rates],
    )
