"""Imports and exports from the command line: the same jobs as the API's, worked in this process."""

import asyncio
import contextlib
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import structlog

from checkout.bulk import cells, receive, send
from checkout.bulk.model import Filters, Format, Job, document
from checkout.bulk.store import BulkStore
from checkout.bulk.work import run
from checkout.commands.terminal import console, progress
from checkout.errors import Invalid
from checkout.kit.db import Pool, open_pool
from checkout.kit.ids import uuid7
from config.settings import Settings

ACTOR = "command line"
_READ_BYTES = 256 * 1024


async def import_now(
    settings: Settings,
    file: Path,
    *,
    format: Format,
    currency: str = "",
    dry_run: bool = False,
    report: Path | None = None,
    as_json: bool = False,
) -> int:
    """Imports a file; exit code 1 when something of it was left out, with a report that names the rows.

    Ctrl-C ends the import behind its last chunk. Killed, it is finished by the workers.
    """
    async with _store(settings) as store:
        job_id = uuid7()
        await store.make(
            job_id,
            kind="import",
            format=format,
            actor=ACTOR,
            owner=None,
            asked=Filters(currency=currency),
            dry_run=dry_run,
        )
        try:
            got = await receive.receive(_read(file), store, job_id, format=format, currency=currency)
        except BaseException:  # raised again: a file that cannot be read is no job
            await store.drop(job_id)
            raise
        await store.received(
            job_id,
            size=got.size,
            rows=got.rows,
            fingerprint=got.fingerprint,
            key=None,
            actor=ACTOR,
            queue=False,
        )
        job = await _work(store, job_id, "Importing", as_json=as_json)
        target = report or file.with_suffix(".errors.csv")
        if job.problems:
            await _write(target, send.problem_rows(store, job))
    _say(job, target if job.problems else None, as_json=as_json)
    return 0 if job.status == "done" and not job.rows_failed else 1


async def export_now(
    settings: Settings, target: Path | None, *, format: Format, asked: Filters, as_json: bool
) -> int:
    """Exports products into a file, or to the standard output."""
    if format == "shopify" and cells.digits(asked.currency) is None:
        raise Invalid("Shopify's format knows one currency: name it with --currency.", field="currency")
    async with _store(settings) as store:
        job_id = uuid7()
        await store.make(job_id, kind="export", format=format, actor=ACTOR, owner=None, asked=asked)
        job = await _work(store, job_id, "Exporting", as_json=as_json)
        if job.status == "done":
            await _write(target, send.pieces(store, job))
    if target is not None:
        _say(job, None, as_json=as_json)
    return 0 if job.status == "done" else 1


@contextlib.asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[BulkStore]:
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # the standard output is the answer's
    pool: Pool = await open_pool(settings.database_url, purpose="bulk", max_size=2)
    try:
        yield BulkStore(pool)
    finally:
        await pool.close()


async def _work(store: BulkStore, job_id: uuid.UUID, title: str, *, as_json: bool) -> Job:
    with contextlib.nullcontext(lambda _done, _of: None) if as_json else progress(title, "rows") as move:
        try:
            await run(
                job_id, store, progress=lambda job: move(job.rows_done, max(job.rows_total, job.rows_done))
            )
        except asyncio.CancelledError:
            await store.cancel(job_id, actor=ACTOR)
            raise
    return await store.known(job_id)


async def _read(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while part := await asyncio.to_thread(source.read, _READ_BYTES):
            yield part


async def _write(target: Path | None, parts: AsyncIterator[bytes]) -> None:
    with contextlib.nullcontext(sys.stdout.buffer) if target is None else target.open("wb") as out:
        async for part in parts:
            await asyncio.to_thread(out.write, part)


def _say(job: Job, report: Path | None, *, as_json: bool) -> None:
    if as_json:
        found = document(job) | {"report": str(report) if report else None}
        sys.stdout.write(orjson.dumps(found, option=orjson.OPT_UTC_Z).decode() + "\n")
        return
    if job.error:
        console.print(job.error, style="red", markup=False, highlight=False)
    if report is not None:
        console.print(f"{job.problems} rows have something to look at: {report}")
    if job.kind == "import":
        result, written = job.result, job.result.written
        verb = "would be" if job.dry_run else "are"
        console.print(
            f"{job.rows_done} rows: {result.products} products {verb} as the file says"
            f" ({written.products_created} new, {written.products_changed} changed), {result.products_failed} left out."
        )
    else:
        console.print(f"{job.rows_done} rows exported.")
