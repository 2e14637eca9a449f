"""Import a file: chunk by chunk, each one commit that writes products and moves the job past their rows."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from checkout.bulk import sheet, shopify
from checkout.bulk.check import Shelves, checked
from checkout.bulk.model import Job, Known, Parsed, Path, RowProblem, Totals
from checkout.bulk.records import Chunk, Records, chunk, header
from checkout.bulk.store import BulkStore
from checkout.bulk.store import Chunk as Held
from checkout.catalog import store as catalog
from checkout.catalog.model import CategoryDraft, Written
from checkout.catalog.write import check, upsert_categories, write_batch
from checkout.errors import Conflict, Invalid
from checkout.kit.db import RETRYABLE, CheckViolation, Connection, UniqueViolation
from config import limits

log = structlog.get_logger()
_AHEAD_AT_ONCE = 4


class Moved(Exception):
    """Somebody else moved or ended the job: there is nothing to do here."""


class _Undo(Exception):
    """A dry run's end: what was written is taken back."""


class Outcome(Struct):
    """What became of a chunk. Shape: `names` are what the file has used up: products and SKUs."""

    totals: Totals = field(default_factory=Totals)
    problems: list[RowProblem] = field(default_factory=list)
    rows_failed: int = 0
    names: list[str] = field(default_factory=list)


class Import:
    """One import at work in this process.

    A chunk is written while the next one is read; between two, Postgres rests for BULK_REST_SHARE of the time that the first
    took there. Cost: 22 statements a chunk, and about 0.15 ms a row in this process. Memory: the rows of two chunks.
    """

    def __init__(self, store: BulkStore, job: Job, *, tries: int = 1) -> None:
        # On a machine that cannot do a chunk within an actor's run, each further try takes fewer rows: some day it moves.
        self._rows = max(20, limits.BULK_CHUNK_ROWS >> (2 * (tries - 1))) if tries > 1 else 0
        self._store = store
        self.job = job
        self._reading: sheet.Reading | shopify.Reading | None = None
        self._names: list[str] = []
        self._records: Records | None = None
        self._shelves = Shelves({}, {})
        self._rests_until = 0.0
        self._next: tuple[Chunk, dict[int, Parsed]] | None = None
        self._reads_ahead = not (job.dry_run or job.format == "shopify")

    async def open(self) -> None:
        """Reads the header, and goes to where the job stands. Raises: Invalid for a file that is not of its format."""
        job = self.job

        async def piece(seq: int) -> bytes:
            return await self._store.piece(job.id, seq)

        records = Records(piece)
        self._names = await header(records)
        self._reading = reading_of(job, self._names)
        self._records = (
            Records(piece, offset=job.bytes_done, row=job.rows_done + 1) if job.bytes_done else records
        )
        self._shelves = shelves(await self._store.categories())

    async def step(self, row_id: int | None) -> bool:
        """Works the next chunk; whether the job is over. Raises: Moved, Unavailable."""
        if self._records is None or self._reading is None:
            raise AssertionError("open() comes first")
        found, ahead = self._next or await self._take(self._records, self._reading)
        self._next = None
        taking = None
        if not found.is_last:
            taking = asyncio.create_task(self._take(self._records, self._reading), name="next-chunk")
        try:
            await asyncio.sleep(self._rests_until - time.perf_counter())
            began = time.perf_counter()
            await self._insist(found, self._reading, ahead, row_id)
            ended = time.perf_counter()
            if taking is not None:
                self._next = await taking
        finally:
            if taking is not None:
                taking.cancel()
                await asyncio.gather(taking, return_exceptions=True)
        self._rests_until = ended + (ended - began) * limits.BULK_REST_SHARE
        return found.is_last

    async def _take(
        self, records: Records, reading: sheet.Reading | shopify.Reading
    ) -> tuple[Chunk, dict[int, Parsed]]:
        """The next chunk, and its products by their first rows where they could be read ahead."""
        found = await chunk(
            records, self._names, reading.key, blank_continues=reading.blank_continues, most=self._rows
        )
        return found, await _read_ahead(reading, found) if self._reads_ahead else {}

    async def _insist(
        self,
        found: Chunk,
        reading: sheet.Reading | shopify.Reading,
        ahead: dict[int, Parsed],
        row_id: int | None,
    ) -> None:
        """Commits the chunk; one that met a deadlock, or a lock held too long, is tried again."""
        for tries in range(1, limits.BULK_CHUNK_TRIES + 1):
            try:
                return await self._commit(found, reading, ahead, row_id)
            except RETRYABLE as error:
                if tries == limits.BULK_CHUNK_TRIES:
                    raise
                log.info("a chunk is tried again", job=str(self.job.id), error=str(error))
                await asyncio.sleep(0.05 * 2**tries)

    async def _commit(
        self,
        found: Chunk,
        reading: sheet.Reading | shopify.Reading,
        ahead: dict[int, Parsed],
        row_id: int | None,
    ) -> None:
        job = self.job
        async with self._store.chunk(job) as held:
            if held is None:
                raise Moved
            outcome = await self._write(held, found, reading, ahead)
            moved = replace(
                job,
                bytes_done=found.offset,
                rows_done=job.rows_done + found.rows,
                rows_failed=job.rows_failed + found.rows_failed + outcome.rows_failed,
                problems=job.problems + len(outcome.problems),
                result=_sum(job.result, outcome.totals),
            )
            await held.add_problems(sorted(outcome.problems, key=lambda problem: problem.row))
            await held.remember(outcome.names)
            await held.advance(moved)
            if found.is_last:
                await held.end(moved, row_id)
        self.job = moved

    async def _write(
        self,
        held: Held,
        found: Chunk,
        reading: sheet.Reading | shopify.Reading,
        ahead: dict[int, Parsed],
    ) -> Outcome:
        outcome = Outcome(problems=list(found.problems))
        if not found.groups:
            return outcome
        await held.take_turn(is_last=found.is_last)
        said = [reading.said(group) for group in found.groups]
        slugs = sorted({slug for slug, _ in said if _is_text(slug)})
        skus = sorted({sku for _, named in said for sku in named if _is_text(sku)})
        # Without a dry run, a SKU of our own format that came before in the file is the shop's by now.
        keeps_skus = self.job.dry_run or self.job.format == "shopify"
        used = await held.seen([f"p/{slug}" for slug in slugs] + [f"s/{sku}" for sku in skus if keeps_skus])
        await catalog.lock_stock_of(held.connection, slugs, skus)
        owners = await held.lock_products(slugs)
        known = await held.known(slugs, skus)
        places: dict[str, int] = {}
        for unit in known.values():
            places[unit.slug] = max(unit.position, places.get(unit.slug, -1))
        stored = {}
        if isinstance(reading, sheet.Reading) and owners:
            records = await held.products_of(list(owners))
            stored = {record["slug"]: sheet.stored(record, self._shelves.texts) for record in records}
        # A file of products that the shop has gains nothing by reading them before it is known what they are.
        self._reads_ahead = not keeps_skus and 2 * len(owners) <= len(said)
        reading.begin({key[2:] for key in used if key.startswith("s/")})
        ready: list[Parsed] = []
        for group, (slug, _) in zip(found.groups, said, strict=True):
            was = stored.get(slug)
            # Taken out, since what is checked is changed, and a chunk may be tried again.
            read = ahead.pop(group[0][0], None)
            parsed = checked(
                reading.product(group, was) if was is not None or read is None else read,
                came_before=f"p/{slug}" in used,
                owners=owners,
                known=known,
                places=places,
                shelves=self._shelves,
                owner=self.job.owner_id,
            )
            used.add(f"p/{slug}")
            outcome.problems += parsed.problems
            if parsed.has_error or parsed.product is None:
                outcome.rows_failed += parsed.rows
                outcome.totals.products_failed += 1
            else:
                ready.append(parsed)
        ready = _without_repeats(ready, outcome)
        written = await self._write_ready(held, ready, known, outcome)
        outcome.names = [f"p/{slug}" for slug in slugs]
        if keeps_skus:
            drafts = [parsed.product for parsed in written if parsed.product]
            outcome.names += [f"s/{variant.sku}" for draft in drafts for variant in draft.variants]
        return outcome

    async def _write_ready(
        self, held: Held, ready: Sequence[Parsed], known: Mapping[str, Known], outcome: Outcome
    ) -> list[Parsed]:
        """Writes these products; when one of them cannot be, the others still are. Gives those that were written."""
        if not ready:
            return []
        try:
            await self._write_all(held, ready, known, outcome)
        except (Conflict, Invalid, CheckViolation, UniqueViolation) as error:
            if len(ready) > 1:
                half = len(ready) // 2
                first = await self._write_ready(held, ready[:half], known, outcome)
                return first + await self._write_ready(held, ready[half:], known, outcome)
            (parsed,) = ready
            outcome.problems.append(RowProblem(parsed.first_row, *_words(error)))
            outcome.rows_failed += parsed.rows
            outcome.totals.products_failed += 1
            return []
        return list(ready)

    async def _write_all(
        self, held: Held, ready: Sequence[Parsed], known: Mapping[str, Known], outcome: Outcome
    ) -> None:
        job, connection = self.job, held.connection
        drafts = [parsed.product for parsed in ready if parsed.product is not None]
        if job.format == "shopify":  # those of the own format were checked as they were read
            check(drafts)
        reason = f"import {job.id}"
        counted = {
            known[sku].item_id: (units - known[sku].on_hand, uuid.uuid5(job.id, sku))
            for parsed in ready
            for sku, units in parsed.stock.items()
            if sku in known and units != known[sku].on_hand
        }
        owners = {sku: (unit.item_id, unit.slug) for sku, unit in known.items()}
        written = Written()
        with contextlib.suppress(_Undo):
            async with connection.transaction():
                made = await self._make_categories(
                    connection, [path for parsed in ready for path in parsed.paths]
                )
                written = await write_batch(
                    connection, drafts, reason=reason, actor=job.actor, owner=job.owner_id, owners=owners
                )
                if counted:
                    await held.count_stock(counted, reason=reason, actor=job.actor)
                if job.dry_run:
                    raise _Undo
        if not job.dry_run:
            self._shelves.learn(made)
        totals = outcome.totals
        totals.products += len(drafts)
        totals.variants += sum(len(draft.variants) for draft in drafts)
        totals.counted += len(counted)
        totals.written.add(written)

    async def _make_categories(self, connection: Connection, paths: Collection[Path]) -> list[CategoryDraft]:
        """Makes the categories that are not there; those that are stay where they are and as they are named."""
        missing = self._shelves.missing(paths)
        if missing:
            there = await catalog.categories_named(connection, [draft.slug for draft in missing])
            missing = [draft for draft in missing if draft.slug not in there]
            await upsert_categories(connection, missing)
        return missing


async def _read_ahead(reading: sheet.Reading | shopify.Reading, found: Chunk) -> dict[int, Parsed]:
    """The chunk's products by their first rows, read as products that the shop has not. Gives way to others meanwhile."""
    ahead = {}
    for at, group in enumerate(found.groups):
        if at % _AHEAD_AT_ONCE == 0:
            await asyncio.sleep(0)
        ahead[group[0][0]] = reading.product(group, None)
    return ahead


def reading_of(job: Job, names: Sequence[str]) -> sheet.Reading | shopify.Reading:
    """What reads files with this header. Raises: Invalid when it is not of the job's format."""
    return shopify.Reading(names, job.asked.currency) if job.format == "shopify" else sheet.Reading(names)


def shelves(rows: Sequence[Any]) -> Shelves:
    """The tree of categories, by id as files write it, and by slug."""
    by_id = {row["id"]: row for row in rows}

    def path(row: Any) -> str:
        steps: list[str] = []
        at = row
        while at is not None and len(steps) <= limits.CATEGORY_DEPTH_MAX:
            steps.append(sheet.step(at["slug"], at["name"]))
            at = by_id.get(at["parent_id"])
        return " > ".join(reversed(steps))

    return Shelves({key: path(row) for key, row in by_id.items()}, {row["slug"]: row["name"] for row in rows})


def _without_repeats(ready: Sequence[Parsed], outcome: Outcome) -> list[Parsed]:
    """Products none of whose SKUs a product before them in this chunk has."""
    kept, taken = [], dict[str, str]()
    for parsed in ready:
        draft = parsed.product
        twice = [v.sku for v in draft.variants if v.sku in taken] if draft else []
        if draft is None or twice:
            message = f"{twice[0] if twice else ''} came before in this file"
            outcome.problems.append(RowProblem(parsed.first_row, "sku", message))
            outcome.rows_failed += parsed.rows
            outcome.totals.products_failed += 1
        else:
            taken.update((v.sku, draft.slug) for v in draft.variants)
            kept.append(parsed)
    return kept


def _words(error: Exception) -> tuple[str, str]:
    """(column, message) of why a product could not be written."""
    if isinstance(error, Conflict | Invalid):
        return "", error.detail
    name = getattr(error, "constraint_name", "") or ""
    if name.startswith("location_stock"):
        return "stock", "would leave less at a location than nothing: count there by a stock adjustment"
    if name == "stock_never_oversold":
        return "stock", "is less than what is promised to orders"
    log.warning("a product of a file met a constraint", constraint=name)
    return "", f"cannot be stored as it is ({name})"


def _sum(so_far: Totals, more: Totals) -> Totals:
    found = Totals(
        so_far.products + more.products,
        so_far.products_failed + more.products_failed,
        so_far.variants + more.variants,
        so_far.counted + more.counted,
        replace(so_far.written),
    )
    found.written.add(more.written)
    return found


def _is_text(name: str) -> bool:
    """Whether Postgres takes it: the product's own reading says what is wrong."""
    return name.isprintable() and 0 < len(name) <= limits.TEXT_MAX_CHARS
