"""The relay's housekeeping: months ahead of time, statistics over them, and what is past its time in small batches."""

import asyncio

import structlog

from checkout.errors import Unavailable
from checkout.kit.db import NOT_REACHED, RETRYABLE, PostgresError
from checkout.retention.store import RetentionStore
from config import limits

log = structlog.get_logger()


async def keep_house(store: RetentionStore) -> None:
    """Runs for ever; a Postgres that is away or busy is asked again. Several relays may run it at once."""
    clock = asyncio.get_running_loop().time
    analyze_at = clock() + limits.RETENTION_INTERVAL_S
    while True:
        try:
            made = await store.make_months()
            if made:
                log.info("months made", months=made)
            while await store.forget():  # noqa: ASYNC110 - a pause between batches, not a wait
                await asyncio.sleep(limits.RETENTION_PAUSE_S)
            if made or clock() >= analyze_at:
                await store.analyze()
                analyze_at = clock() + limits.MONTHS_ANALYZE_INTERVAL_S
            pause_s = float(limits.RETENTION_INTERVAL_S)
        except (Unavailable, PostgresError, *RETRYABLE, *NOT_REACHED) as error:
            log.info("housekeeping waits", error=str(error))
            pause_s = limits.SWEEP_INTERVAL_S * 10
        await asyncio.sleep(pause_s)
