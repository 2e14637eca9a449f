"""Work one row of the outbox: whatever happens to it, it is finished, due again, or parked; never lost, never in the way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from checkout.errors import Unavailable
from checkout.kit.db import NOT_REACHED
from checkout.outbox.model import Later, Row, Topic
from checkout.outbox.store import OutboxStore
from config import limits

log = structlog.get_logger()

Verb = Callable[[Row], Awaitable[None]]


async def work_all(
    topic: Topic,
    rows: Sequence[Row],
    verb: Verb,
    outbox: OutboxStore,
    *,
    at_once: int = limits.ACTOR_CONCURRENCY,
    time_limit_s: float = limits.ACTOR_TIME_LIMIT_S,
) -> None:
    """Works the rows concurrently; gives back those whose turn does not come within the time limit, untouched.

    Cost: what the verb costs, `at_once` of them at a time.
    """
    slots = asyncio.Semaphore(at_once)

    async def one(row: Row) -> None:
        async with slots:
            await work_one(topic, row, verb, outbox)

    tasks = [asyncio.create_task(one(row)) for row in rows]
    try:
        _, late = await asyncio.wait(tasks, timeout=time_limit_s)
    except asyncio.CancelledError:
        late = set(tasks)
    for task in late:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    if late:
        log.warning("rows left to their deadline", topic=topic.name, rows=len(late))
    for result in results:
        if isinstance(result, Exception):
            log.warning("a row's failure could not be noted", topic=topic.name, error=repr(result))


async def work_one(topic: Topic, row: Row, verb: Verb, outbox: OutboxStore) -> None:
    """Works one row. Raises: Unavailable when its failure could not be noted; it is then due again at its deadline."""
    try:
        await _insist(topic, row, verb)
        return
    except Later as later:
        reason, delay_s = str(later), later.delay_s
    except Exception as error:  # a poisoned row must not take its batch along, whatever is wrong with it
        reason, delay_s = f"{type(error).__name__}: {error}", None
        log.warning(
            "row failed",
            topic=topic.name,
            row=row.id,
            subject=str(row.subject_id),
            attempt=row.attempt,
            error=reason,
        )
    park = row.attempt >= topic.attempts_max
    if park:
        log.error("row parked as a dead letter", topic=topic.name, row=row.id, subject=str(row.subject_id))
    await outbox.again(
        row.id,
        reason or "unknown",
        delay_s=delay_s if delay_s is not None else topic.backoff_s(row.attempt),
        park=park,
    )


async def _insist(topic: Topic, row: Row, verb: Verb) -> None:
    """Postgres is away, or busy: the verb, which may be repeated, is tried again until the run's time is over."""
    while True:
        try:
            return await verb(row)
        except (Unavailable, *NOT_REACHED) as error:
            log.info("row waits for the database", topic=topic.name, row=row.id, error=str(error))
            await asyncio.sleep(limits.ACTOR_DATABASE_PAUSE_S)
