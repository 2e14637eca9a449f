"""The only SQL of tax."""

from collections.abc import Sequence

from checkout.kit import sql
from checkout.kit.db import Connection
from checkout.quoting.model import TaxRule

QUERIES = sql.load(__file__)


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
