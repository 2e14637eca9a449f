"""Loads the rules that a quote needs, whole and of one moment."""

from checkout.kit import sql
from checkout.kit.db import Connection
from checkout.promotions.seed import DEMO_COUPONS
from checkout.promotions.store import add_coupon, load_coupons
from checkout.quoting.model import Rulebook
from checkout.shipping.seed import DEFAULT_ZONES
from checkout.shipping.store import add_zone, load_zones
from checkout.tax.seed import DEFAULT_RATES
from checkout.tax.store import add_rates, load_rates

QUERIES = sql.load(__file__)


async def load_rulebook(connection: Connection) -> Rulebook:
    """The rulebook as of now. Cost: five reads in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        version = await connection.fetchval(QUERIES.rulebook_version)
        taxes = await load_rates(connection)
        zones = await load_zones(connection)
        coupons = await load_coupons(connection)
    return Rulebook(version=version, taxes=taxes, zones=zones, coupons=coupons)


async def seed_rulebook(connection: Connection, *, demo_coupons: bool = True) -> None:
    """Gives a new shop its tax rates, shipping zones and demo coupons; keeps whatever is there. Retry: safe."""
    async with connection.transaction():
        await add_rates(connection, DEFAULT_RATES)
        for zone in DEFAULT_ZONES:
            await add_zone(connection, zone)
        if demo_coupons:
            for coupon, redemptions in DEMO_COUPONS:
                await add_coupon(connection, coupon, redemptions=redemptions)
