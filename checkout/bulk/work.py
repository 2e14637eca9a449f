"""Work a job for a while: an actor's run, or a command's whole life."""

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from checkout.bulk.exporting import Export
from checkout.bulk.importing import Import, Moved
from checkout.bulk.model import Job
from checkout.bulk.store import BulkStore
from checkout.errors import Invalid
from checkout.outbox.model import BULK, TOPICS, Row
from checkout.outbox.store import OutboxStore
from config import limits

log = structlog.get_logger()
Progress = Callable[[Job], None]


async def work(row: Row, *, store: BulkStore, outbox: OutboxStore) -> None:
    """Moves the job on for BULK_SLICE_S, then hands it on under a new row. Retry: always; one process moves it at a time.

    A job whose last try fails is failed, with its reason; what it wrote stays.
    """
    try:
        is_over = await run(
            row.subject_id, store, row_id=row.id, slice_s=limits.BULK_SLICE_S, tries=row.attempt
        )
    except Moved:
        return  # whoever moves it finishes this row, or its deadline comes
    except Exception as error:  # raised again, and parked as a dead letter
        if row.attempt >= TOPICS[BULK].attempts_max:
            await store.fail(
                row.subject_id, f"It was given up after {row.attempt} tries: {type(error).__name__}."
            )
        raise
    if is_over:
        log.info("bulk job over", job=str(row.subject_id))
    elif is_over is None:
        await outbox.finish([row.id])
    else:
        await store.hand_on(row.subject_id, row.id)


async def run(
    job_id: Any,
    store: BulkStore,
    *,
    row_id: int | None = None,
    slice_s: float | None = None,
    tries: int = 1,
    progress: Progress | None = None,
) -> bool | None:
    """Moves a job on, for at most so long; whether it is over, None when it was over or gone before.

    Raises: Moved when another process has it, Unavailable. Retry: always.
    """
    job = await store.begin(job_id)
    if job is None:
        return None
    working: Import | Export = Import(store, job, tries=tries) if job.kind == "import" else Export(store, job)
    try:
        await working.open()
    except Invalid as error:
        await store.fail(job_id, error.detail, row_id)
        return True
    clock = asyncio.get_running_loop().time
    ends = None if slice_s is None else clock() + slice_s
    while True:
        is_over = await working.step(row_id)
        if progress is not None:
            progress(working.job)
        if is_over:
            return True
        if ends is not None and clock() >= ends:
            return False
