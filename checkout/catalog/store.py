"""The catalogue in Postgres: the only place that runs queries.sql."""

from collections.abc import Sequence

from checkout.kit import sql
from checkout.kit.db import Pool, fetch_all
from checkout.quoting.model import Offer

queries = sql.load(__file__)


async def offers(pool: Pool, skus: Sequence[str], currency: str) -> list[Offer]:
    """The offers of these SKUs that are published and priced in this currency. Raises: Unavailable. Cost: one statement."""
    return [Offer(*row) for row in await fetch_all(pool, queries.offers_by_sku, skus, currency)]
