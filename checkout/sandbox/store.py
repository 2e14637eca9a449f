"""The sandbox's state in SQLite: what was answered is on file first, so that a kill loses nothing.

All writes of one turn of the event loop share one transaction; `committed()` is awaited before an answer leaves.
`synchronous=OFF` survives the death of the process, not of the machine, which is all that a stand-in promises.
"""

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from checkout.kit import sql

_SQL = sql.load(__file__, "sqlite.sql")
_LAST = 1 << 62
Document = dict[str, Any]


class Store:
    """One open file. Every method but `committed` is synchronous and takes microseconds."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, cached_statements=64)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA cache_size = -32000")
        self._db.executescript(_SQL.schema)
        self._batch: asyncio.Future[None] | None = None

    def close(self) -> None:
        """Commit what is open and close the file."""
        self._flush()
        self._db.close()

    async def committed(self) -> None:
        """Wait until everything written so far is on file."""
        if self._batch is not None:
            await asyncio.shield(self._batch)

    def put(
        self, kind: str, document: Document, *, parent: str | None = None, reference: str | None = None
    ) -> None:
        """Insert or replace a document by its `id`."""
        body = orjson.dumps(document)
        self._write(_SQL.put_object, (document["id"], kind, document["created"], parent, reference, body))

    def get(self, kind: str, object_id: str) -> Document | None:
        """One document."""
        row = self._db.execute(_SQL.get_object, (object_id, kind)).fetchone()
        return None if row is None else orjson.loads(row[0])

    def by_reference(self, kind: str, reference: str) -> list[Document]:
        """At most ten documents of a reference, newest first."""
        rows = self._db.execute(_SQL.object_by_reference, (reference, kind))
        return [orjson.loads(row[0]) for row in rows]

    def page(
        self,
        kind: str,
        *,
        limit: int,
        after: str | None = None,
        parent: str | None = None,
        created: tuple[int, int] = (0, _LAST),
    ) -> list[Document]:
        """Documents newest first, after one of them. Raises: KeyError when `after` is unknown."""
        seq = _LAST
        if after is not None:
            row = self._db.execute(_SQL.object_seq, (after, kind)).fetchone()
            if row is None:
                raise KeyError(after)
            seq = row[0]
        if parent is None:
            rows = self._db.execute(_SQL.page_of_kind, (kind, seq, *created, limit))
        else:
            rows = self._db.execute(_SQL.page_of_parent, (parent, kind, seq, *created, limit))
        return [orjson.loads(row[0]) for row in rows]

    def answer(self, key: str) -> tuple[bytes, int, bytes] | None:
        """The fingerprint, status and body remembered for an idempotency key."""
        row = self._db.execute(_SQL.get_answer, (key,)).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def remember(self, key: str, fingerprint: bytes, status: int, body: bytes) -> None:
        """Remember the first answer of a key."""
        self._write(_SQL.put_answer, (key, fingerprint, status, body))

    def overwrite(self, key: str, status: int, body: bytes) -> None:
        """Keep another answer: the work was done and the answer broke on its way out."""
        self._write(_SQL.overwrite_answer, (status, body, key))

    def charged(self, *, charge_id: str, intent_id: str, order_id: str, currency: str, amount: int) -> None:
        """A charge that succeeded, for the audit."""
        self._write(_SQL.ledger_charge, (charge_id, intent_id, order_id, currency, amount))

    def refunded(self, charge_id: str, amount: int) -> None:
        """Money that went back. Raises: sqlite3.IntegrityError beyond what was charged."""
        self._write(_SQL.ledger_refund, (amount, charge_id))

    def ledger(self, chunk: int = 1000) -> Iterator[list[Document]]:
        """Charges and refunds summed by order and currency, in chunks, by order id."""
        after = ""
        while True:
            rows = self._db.execute(_SQL.ledger_page, (after, chunk)).fetchall()
            if len(rows) == chunk:
                # An order with several currencies may straddle the edge: it belongs to the next chunk, whole.
                last = rows[-1][0]
                kept = [row for row in rows if row[0] != last]
                rows = kept or rows
            if not rows:
                return
            names = ("order_id", "currency", "charges", "charged", "refunded", "payment_intent")
            yield [dict(zip(names, row, strict=True)) for row in rows]
            after = rows[-1][0]

    def totals(self) -> list[Document]:
        """Charges and refunds summed by currency."""
        names = ("currency", "charges", "charged", "refunded")
        return [dict(zip(names, row, strict=True)) for row in self._db.execute(_SQL.ledger_total)]

    def queue(self, event_id: str, target: str, due_at: float) -> None:
        """An event that has to reach the shop."""
        self._write(_SQL.queue_event, (event_id, target, due_at))

    def queued(self) -> list[tuple[str, str, int, float]]:
        """Everything not yet delivered: event, target, attempts, due time."""
        return self._db.execute(_SQL.queued_events).fetchall()

    def delivered(self, event_id: str) -> None:
        """The shop took it."""
        self._write(_SQL.delivered, (event_id,))

    def postpone(self, event_id: str, attempts: int, due_at: float) -> None:
        """The shop did not take it; again later."""
        self._write(_SQL.postpone, (attempts, due_at, event_id))

    def record_delivery(self, event_id: str, attempt: int, status: int, at: float) -> None:
        """One try; status 0 is no answer."""
        self._write(_SQL.record_delivery, (event_id, attempt, status, at))

    def deliveries(self, limit: int) -> list[Document]:
        """The newest tries."""
        names = ("event_id", "attempt", "status", "at")
        return [
            dict(zip(names, row, strict=True)) for row in self._db.execute(_SQL.recent_deliveries, (limit,))
        ]

    def put_mail(
        self, *, sender: str, recipients: str, subject: str, message_id: str, raw: bytes, received_at: float
    ) -> None:
        """A mail as it came."""
        self._write(_SQL.put_mail, (sender, recipients, subject, message_id, raw, received_at))

    def mails(self, limit: int, before: int = _LAST) -> list[Document]:
        """Mails newest first, without their bodies."""
        names = ("id", "from", "to", "subject", "message_id", "received_at")
        rows = self._db.execute(_SQL.page_of_mails, (before, limit))
        return [dict(zip(names, row, strict=True)) for row in rows]

    def mail(self, mail_id: int) -> bytes | None:
        """One mail, raw."""
        row = self._db.execute(_SQL.get_mail, (mail_id,)).fetchone()
        return None if row is None else row[0]

    def counts(self) -> Document:
        """How much there is of everything."""
        kinds = dict(self._db.execute(_SQL.count_kinds).fetchall())
        queued, delivered, mails = self._db.execute(_SQL.count_queue).fetchone()
        return {**kinds, "webhooks_queued": queued, "webhook_deliveries": delivered, "mails": mails}

    def _write(self, statement: str, values: tuple[Any, ...]) -> None:
        if self._batch is None:
            loop = asyncio.get_running_loop()
            self._db.execute("BEGIN")
            self._batch = loop.create_future()
            loop.call_soon(self._flush)
        self._db.execute(statement, values)

    def _flush(self) -> None:
        batch, self._batch = self._batch, None
        if batch is None:
            return
        self._db.execute("COMMIT")
        if not batch.done():
            batch.set_result(None)
