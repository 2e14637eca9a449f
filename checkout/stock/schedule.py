"""What time and trade do to policies: pre-orders that end, thresholds that are crossed. Called by the relay."""

from checkout.kit import sql
from checkout.kit.db import Pool, fetch_all

QUERIES = sql.load(__file__, "schedule.sql")


async def end_preorders(pool: Pool, most: int) -> int:
    """Ends the pre-orders whose moment has come, by Postgres's clock; what they sold stays promised. Gives how many.

    Retry: safe. Locks: their stock rows, in item order.
    """
    return len(await fetch_all(pool, QUERIES.end_preorders, most))


async def notice_low(pool: Pool, after: int, most: int) -> int:
    """Looks at the next thresholds after this item: tells `stock.low` of each that was crossed, once until it is well again.

    Gives the item to go on after, 0 from the beginning. Retry: safe.
    """
    row = (await fetch_all(pool, QUERIES.notice_low, after, most))[0]
    return int(row["last"]) if row["seen"] == most else 0
