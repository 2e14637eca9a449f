"""The only SQL of retention and of the months."""

from collections.abc import Sequence

from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all
from checkout.retention.model import Month
from config import limits

QUERIES = sql.load(__file__)
_FORGET = (
    (QUERIES.forget_claims, limits.ORDER_CLAIM_MEMORY_S),
    (QUERIES.forget_webhooks, limits.WEBHOOK_MEMORY_S),
    (QUERIES.forget_requests, limits.ADMIN_REQUEST_MEMORY_S),
)


class RetentionStore:
    """What the relay does to forget and to make room. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def make_months(self) -> int:
        """Makes the months that are missing, from this one to MONTHS_AHEAD; gives how many. Retry: safe, also at once."""
        rows = await fetch_all(self._pool, QUERIES.make_months, limits.MONTHS_AHEAD)
        return int(rows[0][0])

    async def analyze(self) -> None:
        """Makes the statistics over all months. Cost: samples of 30,000 rows a table."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.analyze, timeout=300)

    async def forget(self) -> bool:
        """Deletes what is past its time, a batch of each kind; False when nothing is left. Retry: safe."""
        full = False
        for query, memory_s in _FORGET:
            rows = await fetch_all(self._pool, query, float(memory_s), limits.RETENTION_BATCH)
            full = full or rows[0][0] >= limits.RETENTION_BATCH
        return full


async def months(connection: Connection) -> Sequence[Month]:
    """All months, oldest first."""
    return [
        Month(row["name"], row["archived_at"], row["orders"], row["bytes"], row["is_now"])
        for row in await connection.fetch(QUERIES.months)
    ]


async def why_it_stays(connection: Connection, name: str) -> str | None:
    """What keeps a month from being archived, or None. Cost: one scan of the month."""
    reason: str | None = await connection.fetchval(QUERIES.month_stays, name)
    return reason


async def archive_month(connection: Connection, name: str) -> int:
    """Takes a month out whole; gives its orders. Raises: RestrictViolation with the reason why it
    stays, RETRYABLE when the shop is too busy for its locks."""
    return int(await connection.fetchval(QUERIES.archive_month, name))


async def restore_month(connection: Connection, name: str) -> int:
    """Puts an archived month back; gives its orders. Raises: NoDataFound, RETRYABLE."""
    return int(await connection.fetchval(QUERIES.restore_month, name))
