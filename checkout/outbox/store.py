"""The only SQL of the outbox."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all, fetch_one
from checkout.outbox.model import TOPICS, Owed, Row

QUERIES = sql.load(__file__)
_ERROR_MAX_CHARS = 500


@dataclass(frozen=True, slots=True)
class Parked:
    """A dead letter."""

    id: int
    topic: str
    subject_id: uuid.UUID
    payload: Any
    attempts: int
    created_at: datetime
    parked_at: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Depth:
    """Open rows of one topic (counted up to 10,000), and the age of the oldest."""

    open: int
    oldest_s: float


async def finish(connection: Connection, row_id: int) -> None:
    """Deletes a row in the caller's transaction, with the effects that it owed."""
    await connection.execute(QUERIES.finish, [row_id])


async def owe(connection: Connection, owed: Sequence[Owed], *, once: bool = False) -> None:
    """Writes owed work in the caller's transaction; with `once`, not beside an open row of the same topic and subject."""
    if owed:
        await connection.execute(
            QUERIES.owe,
            [o.topic for o in owed],
            [o.subject_id for o in owed],
            [orjson.dumps(o.payload).decode() if o.payload is not None else None for o in owed],
            [o.delay_s for o in owed],
            once,
        )


class OutboxStore:
    """The outbox outside of other commits. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, most: Mapping[str, int]) -> dict[str, list[Row]]:
        """Up to `most` due rows of each topic; each is due again at its topic's deadline."""
        names = [name for name, count in most.items() if count > 0]
        if not names:
            return {}
        rows = await fetch_all(
            self._pool,
            QUERIES.take_due,
            names,
            [most[name] for name in names],
            [TOPICS[name].deadline_s for name in names],
            [TOPICS[name].attempts_max for name in names],
        )
        taken: defaultdict[str, list[Row]] = defaultdict(list)
        for row in rows:
            taken[row["topic"]].append(Row(row["id"], row["subject_id"], row["attempts"]))
        return taken

    async def give_up(self) -> None:
        """Parks what was sent its most times without any actor finishing or failing it."""
        async with acquired(self._pool) as connection:
            for topic in TOPICS.values():
                await connection.execute(QUERIES.give_up, topic.name, topic.attempts_max)

    async def finish(self, row_ids: Sequence[int]) -> None:
        """Deletes rows for which there was nothing to do."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.finish, list(row_ids))

    async def again(self, row_id: int, reason: str, *, delay_s: float, park: bool = False) -> None:
        """Makes a row due after `delay_s`, or parks it as a dead letter."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.again, row_id, reason[:_ERROR_MAX_CHARS], delay_s, park)

    async def payload(self, row_id: int) -> Any:
        """The row's payload, or None when it has none or is gone."""
        row = await fetch_one(self._pool, QUERIES.payload, row_id)
        return orjson.loads(row["payload"]) if row and row["payload"] else None

    async def owe(self, owed: Sequence[Owed], *, once: bool = False) -> None:
        """Writes owed work as a commit of its own."""
        async with acquired(self._pool) as connection:
            await owe(connection, owed, once=once)

    async def parked(self, before: tuple[datetime, int] | None, most: int) -> list[Parked]:
        """Dead letters, newest first, after the cursor."""
        at, row_id = before or (None, 0)
        rows = await fetch_all(self._pool, QUERIES.parked, at, row_id, most)
        return [
            Parked(
                row["id"],
                row["topic"],
                row["subject_id"],
                orjson.loads(row["payload"]) if row["payload"] else None,
                row["attempts"],
                row["created_at"],
                row["parked_at"],
                row["last_error"],
            )
            for row in rows
        ]

    async def replay(self, row_id: int, actor: str) -> bool:
        """Makes a dead letter due now, with all its tries again, and logs who did; False when it is not parked."""
        return await fetch_one(self._pool, QUERIES.replay, row_id, actor) is not None

    async def depth(self) -> dict[str, Depth]:
        """Open rows by topic."""
        rows = await fetch_all(self._pool, QUERIES.depth, list(TOPICS))
        return {row["topic"]: Depth(row["open"], row["oldest_s"]) for row in rows}

    async def count_parked(self) -> int:
        """How many dead letters there are."""
        row = await fetch_one(self._pool, QUERIES.count_parked)
        return int(row[0]) if row else 0
