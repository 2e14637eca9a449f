"""Imports and exports in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import orjson

from checkout.access import store as access
from checkout.bulk.model import Filters, Format, Job, Kind, Known, RowProblem, Status, Totals
from checkout.errors import Mismatch
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, UniqueViolation, acquired, fetch_all, fetch_one
from checkout.outbox.model import BULK, Owed
from checkout.outbox.store import finish, owe
from config import limits

QUERIES = sql.load(__file__)
_PROBLEMS_PAGE = 1_000
_SEEN_BATCH = 20_000


class BulkStore:
    """Jobs and their files. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # --- Jobs -------------------------------------------------------------------------------------------

    async def make(
        self,
        job_id: uuid.UUID,
        *,
        kind: Kind,
        format: Format,
        actor: str,
        owner: uuid.UUID | None,
        asked: Filters,
        dry_run: bool = False,
        queue: bool = False,
    ) -> None:
        """A job: an import whose file is to come, or an export; with `queue`, an export that workers take at once."""
        status = "receiving" if kind == "import" else "queued"
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(
                QUERIES.make_job,
                job_id,
                kind,
                format,
                status,
                actor,
                owner,
                msgspec.json.encode(asked).decode(),
                dry_run,
            )
            if kind == "export":
                await self._log(connection, "export.create", job_id, actor, format=format)
                if queue:
                    await owe(connection, [Owed(BULK, job_id)])

    async def get(self, job_id: uuid.UUID) -> Job | None:
        """The job of this id."""
        row = await fetch_one(self._pool, QUERIES.job, job_id)
        return _job(row) if row else None

    async def known(self, job_id: uuid.UUID) -> Job:
        """The job that was just made or moved: it is there."""
        job = await self.get(job_id)
        if job is None:
            raise AssertionError(f"the job {job_id} is gone")
        return job

    async def page(
        self, kind: Kind, before: uuid.UUID | None, owner: uuid.UUID | None, most: int
    ) -> list[Job]:
        """Jobs of a kind, newest first."""
        return [_job(row) for row in await fetch_all(self._pool, QUERIES.jobs, kind, before, owner, most)]

    async def cancel(self, job_id: uuid.UUID, *, actor: str) -> bool:
        """Ends a job after the chunk that is under way; False when it was over."""
        async with acquired(self._pool) as connection, connection.transaction():
            ended = await connection.fetchrow(QUERIES.end_job, job_id, "cancelled", None)
            if ended is None:
                return False
            await self._drop_files(connection, job_id)
            await self._log(connection, "bulk.cancel", job_id, actor)
            return True

    async def fail(self, job_id: uuid.UUID, reason: str, row_id: int | None = None) -> None:
        """Ends a job that cannot go on; what it wrote stays."""
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(QUERIES.end_job, job_id, "failed", reason)
            await self._drop_files(connection, job_id)
            if row_id is not None:
                await finish(connection, row_id)

    async def begin(self, job_id: uuid.UUID) -> Job | None:
        """The job, running; None when it is over or gone."""
        if await fetch_one(self._pool, QUERIES.begin, job_id) is None:
            return None
        return await self.get(job_id)

    async def hand_on(self, job_id: uuid.UUID, row_id: int) -> None:
        """The work goes on under a new row, which has all its tries: this one did its share."""
        async with acquired(self._pool) as connection, connection.transaction():
            await finish(connection, row_id)
            await owe(connection, [Owed(BULK, job_id)])

    # --- Files ------------------------------------------------------------------------------------------

    async def add_piece(self, job_id: uuid.UUID, seq: int, content: bytes) -> None:
        """Keeps a piece of a file."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.add_piece, job_id, seq, content)

    async def piece(self, job_id: uuid.UUID, seq: int) -> bytes:
        """A piece of a file; empty behind the last."""
        row = await fetch_one(self._pool, QUERIES.piece, job_id, seq)
        return row["content"] if row else b""

    async def drop(self, job_id: uuid.UUID) -> None:
        """Forgets an import whose file did not come."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.drop_job, job_id)

    async def received(
        self,
        job_id: uuid.UUID,
        *,
        size: int,
        rows: int,
        fingerprint: uuid.UUID,
        key: uuid.UUID | None,
        actor: str,
        queue: bool = True,
    ) -> uuid.UUID:
        """The file is there, and workers are told; the job's id, or that of the job which this key made before.

        Raises: Mismatch when the key was used for another file.
        """
        async with acquired(self._pool) as connection:
            try:
                async with connection.transaction():
                    await connection.execute(QUERIES.received, job_id, size, rows, fingerprint, key)
                    await self._log(connection, "import.create", job_id, actor, bytes=size)
                    if queue:
                        await owe(connection, [Owed(BULK, job_id)])
                    return job_id
            except UniqueViolation:
                await connection.execute(QUERIES.drop_job, job_id)
                earlier = await connection.fetchrow(QUERIES.job_of_key, key)
        if earlier is None or earlier["fingerprint"] != fingerprint:
            raise Mismatch("This Idempotency-Key was used for another file; take a new key.")
        found: uuid.UUID = earlier["id"]
        return found

    async def problems(self, job_id: uuid.UUID) -> AsyncIterator[Sequence[Record]]:
        """What was wrong with rows, in pages."""
        after = -1
        while rows := await fetch_all(self._pool, QUERIES.problems, job_id, after, _PROBLEMS_PAGE):
            yield rows
            after = rows[-1]["number"]

    # --- Chunks -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def chunk(self, job: Job) -> AsyncIterator["Chunk | None"]:
        """A transaction that moves the job; None when somebody else moved or ended it meanwhile."""
        async with acquired(self._pool) as connection, connection.transaction():
            held = await connection.fetchrow(QUERIES.hold, job.id)
            at = (held["status"], held["bytes_done"], held["after_key"]) if held else None
            yield Chunk(connection, job) if at == ("running", job.bytes_done, job.after_key) else None

    async def categories(self) -> Sequence[Record]:
        """The tree of categories."""
        return await fetch_all(self._pool, QUERIES.categories)

    async def currencies(self) -> list[str]:
        """The currencies of any price."""
        return [row[0] for row in await fetch_all(self._pool, QUERIES.currencies)]

    async def attribute_names(self) -> list[str]:
        """The names of any product's attributes."""
        return [row[0] for row in await fetch_all(self._pool, QUERIES.attribute_names)]

    async def count_rows(self) -> int:
        """Variants of all products."""
        row = await fetch_one(self._pool, QUERIES.count_rows)
        return int(row[0]) if row else 0

    # --- The sweeper ------------------------------------------------------------------------------------

    async def sweep(self) -> None:
        """Gives jobs that nobody moves to the workers again, and forgets files that are old or never came."""
        for row in await fetch_all(self._pool, QUERIES.stalled, limits.BULK_STALLED_S):
            async with acquired(self._pool) as connection:
                await owe(connection, [Owed(BULK, row["id"])], once=True)
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.drop_unreceived, 2 * limits.BULK_TRANSFER_S)
        for row in await fetch_all(self._pool, QUERIES.old, float(limits.BULK_FILE_MEMORY_S)):
            async with acquired(self._pool) as connection:
                while (await connection.execute(QUERIES.drop_seen, row["id"], _SEEN_BATCH)) != "DELETE 0":
                    pass
                async with connection.transaction():
                    await self._drop_files(connection, row["id"])
                    await connection.execute(QUERIES.drop_problems, row["id"])
                    await connection.execute(QUERIES.files_dropped, row["id"])

    @staticmethod
    async def _drop_files(connection: Connection, job_id: uuid.UUID) -> None:
        await connection.execute(QUERIES.drop_pieces, job_id)

    @staticmethod
    async def _log(connection: Connection, action: str, job_id: uuid.UUID, actor: str, **after: Any) -> None:
        await access.record(connection, actor=actor, action=action, subject=str(job_id), after=after or None)


class Chunk:
    """What one chunk asks of Postgres, in its transaction, with the job's row locked."""

    def __init__(self, connection: Connection, job: Job) -> None:
        self.connection = connection
        self._job = job

    async def take_turn(self, *, is_last: bool) -> None:
        """Waits for the import's turn, and has the products of this chunk told one by one. The last commit is durable."""
        await self.connection.execute(QUERIES.turn)
        await self.connection.fetchrow(
            QUERIES.tell_each, str(10 * limits.BULK_CHUNK_ROWS), "on" if is_last else "off"
        )

    async def seen(self, keys: Sequence[str]) -> set[str]:
        """Which of these the file has named before."""
        return {row["key"] for row in await self.connection.fetch(QUERIES.seen, self._job.id, keys)}

    async def remember(self, keys: Sequence[str]) -> None:
        """The file has named these."""
        await self.connection.execute(QUERIES.remember, self._job.id, keys)

    async def lock_products(self, slugs: Sequence[str]) -> dict[str, uuid.UUID | None]:
        """Slug → owner, of those that exist."""
        return {
            row["slug"]: row["owner_id"]
            for row in await self.connection.fetch(QUERIES.lock_products, sorted(slugs))
        }

    async def known(self, slugs: Sequence[str], skus: Sequence[str]) -> dict[str, Known]:
        """SKU → what the shop has, of these SKUs and of all that these products have."""
        rows = await self.connection.fetch(QUERIES.known_skus, slugs, skus)
        return {row["sku"]: Known(*list(row)[1:]) for row in rows}

    async def products_of(self, slugs: Sequence[str]) -> Sequence[Record]:
        """The products of these slugs, as files carry them."""
        return await self.connection.fetch(QUERIES.products_of, slugs)

    async def products_page(self, after: str, asked: Filters, owner: uuid.UUID | None) -> Sequence[Record]:
        """A page of an export."""
        owned_by = owner or asked.owner
        return await self.connection.fetch(
            QUERIES.products_page, after, asked.status, asked.category, owned_by, limits.BULK_EXPORT_PRODUCTS
        )

    async def count_stock(
        self, counted: Mapping[int, tuple[int, uuid.UUID]], *, reason: str, actor: str
    ) -> None:
        """Sets stock by the ledger. Shape: item → (difference, movement id)."""
        items = sorted(counted)
        await self.connection.execute(
            QUERIES.count_stock,
            items,
            [counted[item][0] for item in items],
            [counted[item][1] for item in items],
            reason,
            actor,
        )

    async def add_problems(self, problems: Sequence[RowProblem]) -> None:
        """Remembers what was wrong; beyond BULK_PROBLEMS_MAX only the job's count grows."""
        kept = problems[: max(0, limits.BULK_PROBLEMS_MAX - self._job.problems)]
        if kept:
            await self.connection.execute(
                QUERIES.add_problems,
                self._job.id,
                self._job.problems,
                [p.row for p in kept],
                [_storable(p.column) for p in kept],
                [p.severity for p in kept],
                [_storable(p.message) for p in kept],
                [_storable(p.value) for p in kept],
            )

    async def add_piece(self, content: bytes) -> None:
        """Keeps the next piece of an export's file."""
        await self.connection.execute(QUERIES.append_piece, self._job.id, content)

    async def advance(self, job: Job) -> None:
        """The job stands where `job` says."""
        await self.connection.execute(
            QUERIES.advance,
            job.id,
            job.bytes_done,
            job.rows_done,
            job.rows_failed,
            job.problems,
            msgspec.json.encode(job.result).decode(),
            job.after_key,
            job.bytes_total,
        )

    async def end(
        self, job: Job, row_id: int | None, *, status: Status = "done", error: str | None = None
    ) -> None:
        """The job is over, and the outbox row that asked for it done."""
        await self.connection.execute(QUERIES.end_job, job.id, status, error)
        if job.kind == "import":
            await self.connection.execute(QUERIES.drop_pieces, job.id)
            await self.connection.execute(QUERIES.drop_seen, job.id, _SEEN_BATCH)
            await access.record(
                self.connection,
                actor=job.actor,
                action="import.finish",
                subject=str(job.id),
                after=orjson.loads(msgspec.json.encode(job.result)) | {"dry_run": job.dry_run},
            )
        if row_id is not None:
            await finish(self.connection, row_id)


def _job(row: Record) -> Job:
    values = dict(row)
    values["asked"] = msgspec.json.decode(values["asked"], type=Filters)
    values["result"] = msgspec.json.decode(values["result"], type=Totals)
    return Job(**values)


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
