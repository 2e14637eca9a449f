"""Reviews in Postgres: the only place that runs queries.sql."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.errors import Conflict, Forbidden, NotFound
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Pool, Record, acquired, fetch_all, fetch_one
from checkout.kit.ids import parse_uuid, uuid7
from checkout.reviews.model import Status

QUERIES = sql.load(__file__)
_NONE = "There is no such review."


class Written(Struct, frozen=True):
    """What an author writes."""

    stars: int
    title: str
    body: str
    author: str


class ReviewStore:
    """Reads and writes of reviews. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def product_of(self, key: str) -> uuid.UUID | None:
        """The published product of this slug or id."""
        row = await fetch_one(self.pool, QUERIES.product_of, key, parse_uuid(key))
        return row["id"] if row else None

    async def write(self, product_id: uuid.UUID, account_id: uuid.UUID, written: Written) -> Record:
        """Keeps a new review, to be moderated.

        Raises: Forbidden `not_bought`, Conflict `review_exists`. Retry: answers `review_exists`.
        """
        async with acquired(self.pool) as connection, connection.transaction():
            if not await connection.fetchval(QUERIES.has_bought, account_id, product_id):
                raise Forbidden(
                    "Only who bought this product, and paid for it while signed in, may review it.",
                    code="not_bought",
                )
            values = (written.stars, written.title, written.body, written.author)
            made = await connection.fetchval(QUERIES.add, uuid7(), product_id, account_id, *values)
            if made is None:
                raise Conflict("You have reviewed this product; edit that review.", code="review_exists")
            return _found(await connection.fetchrow(QUERIES.own, product_id, account_id))

    async def own(self, product_id: uuid.UUID, account_id: uuid.UUID) -> Record:
        """The account's review of the product. Raises: NotFound."""
        return _found(await fetch_one(self.pool, QUERIES.own, product_id, account_id))

    async def edit(
        self, product_id: uuid.UUID, account_id: uuid.UUID, written: Written, *, version: int | None
    ) -> Record:
        """Replaces what the review says; it is moderated anew. Raises: NotFound, Stale."""
        async with acquired(self.pool) as connection, connection.transaction():
            locked = _found(await connection.fetchrow(QUERIES.lock_own, product_id, account_id))
            refuse_stale(locked["version"], version)
            values = (written.stars, written.title, written.body, written.author)
            await connection.execute(QUERIES.edit, locked["id"], *values)
            return _found(await connection.fetchrow(QUERIES.own, product_id, account_id))

    async def remove(self, product_id: uuid.UUID, account_id: uuid.UUID, *, version: int | None) -> None:
        """Takes the review back. Raises: NotFound, Stale."""
        async with acquired(self.pool) as connection, connection.transaction():
            locked = _found(await connection.fetchrow(QUERIES.lock_own, product_id, account_id))
            refuse_stale(locked["version"], version)
            await connection.execute(QUERIES.remove, locked["id"])

    async def public(
        self, product_id: uuid.UUID, after: tuple[datetime, uuid.UUID] | None, most: int
    ) -> tuple[Sequence[Record], Record | None]:
        """(approved reviews, the newest first; the rating), from one snapshot."""
        async with (
            acquired(self.pool) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            rows = await connection.fetch(QUERIES.public_page, product_id, *(after or (None, None)), most)
            return rows, await connection.fetchrow(QUERIES.rating, product_id)

    async def queue(
        self, status: Status, after: tuple[datetime, uuid.UUID] | None, owner: uuid.UUID | None, most: int
    ) -> Sequence[Record]:
        """Reviews of this status, the oldest first; of the owner's products alone, if given."""
        return await fetch_all(self.pool, QUERIES.queue, status, *(after or (None, None)), owner, most)

    async def one(self, review_id: uuid.UUID | None, owner: uuid.UUID | None) -> Record:
        """One review, whatever its status. Raises: NotFound."""
        return _found(await fetch_one(self.pool, QUERIES.one, review_id, owner) if review_id else None)

    async def moderate(
        self, review_id: uuid.UUID | None, grant: Grant, status: Status, reason: str, *, version: int | None
    ) -> Record:
        """Approves or rejects; the rating follows in the same commit. Raises: NotFound, Stale. Retry: safe."""
        if review_id is None:
            raise NotFound(_NONE)
        async with acquired(self.pool) as connection, connection.transaction():
            locked = _found(await connection.fetchrow(QUERIES.lock, review_id))
            before = _found(await connection.fetchrow(QUERIES.one, review_id, grant.owner))
            refuse_stale(locked["version"], version)
            if (before["status"], before["reason"]) == (status, reason):
                return before
            await connection.execute(QUERIES.moderate, review_id, status, reason, grant.actor)
            await record(
                connection,
                actor=grant.actor,
                action=f"review.{'approve' if status == 'approved' else 'reject'}",
                subject=str(review_id),
                before={"status": before["status"], "reason": before["reason"]},
                after={"status": status, "reason": reason},
            )
            return _found(await connection.fetchrow(QUERIES.one, review_id, grant.owner))


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound(_NONE)
    return row
