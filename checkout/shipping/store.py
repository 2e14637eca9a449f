"""The only SQL of shipping rules."""

from itertools import groupby

from checkout.kit import sql
from checkout.kit.db import Connection, Record
from checkout.quoting.model import Bracket, ShippingRate, ShippingZone

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
    await connection.execute(
        QUERIES.seed_rates,
        zone_id,
        [rate.code for rate, _, _ in flat],
        [currency for _, currency, _ in flat],
        [bracket.up_to_weight_g for _, _, bracket in flat],
        [rate.title for rate, _, _ in flat],
        [bracket.amount_minor for _, _, bracket in flat],
        [bracket.free_above_minor for _, _, bracket in flat],
        [rate.days_min for rate, _, _ in flat],
        [rate.days_max for rate, _, _ in flat],
    )
    return True
