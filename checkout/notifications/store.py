"""The only SQL of notifications."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, acquired, fetch_all
from checkout.kit.grouped import Grouped
from checkout.kit.together import Together
from checkout.orders.personal import opened_order
from checkout.outbox.store import finish
from config import limits

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that is out, and the outbox row that it finishes."""

    order_id: uuid.UUID
    kind: str
    message_id: str
    row_id: int


class NotificationStore:
    """What was sent, in Postgres. Every method may raise Unavailable while Postgres is away.

    Reads and commits that come at the same time share a statement.
    """

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._orders: Together[tuple[uuid.UUID, str], Any] = Together(self._load, most=limits.RELAY_GROUP_MAX)
        self._sent: Grouped[Sent, None] = Grouped(
            self._write, most=limits.RELAY_GROUP_MAX, subject=lambda one: (one.order_id, one.kind)
        )

    async def order(self, order_id: uuid.UUID, kind: str) -> Any:
        """What a mail says of the order, or None. Cost: a share of one read."""
        return await self._orders.find((order_id, kind))

    async def sent(self, sent: Sent) -> None:
        """Remembers that the mail is out, and finishes its outbox row. Cost: a share of one commit."""
        await self._sent.commit(sent)

    async def _load(self, asked: Sequence[tuple[uuid.UUID, str]]) -> Mapping[tuple[uuid.UUID, str], Any]:
        rows = await fetch_all(
            self._pool,
            QUERIES.orders_to_tell,
            [order_id for order_id, _ in asked],
            [kind for _, kind in asked],
        )
        return {(row["id"], row["kind"]): opened_order(self._cipher, row) for row in rows}

    async def _write(self, batch: Sequence[Sent]) -> list[None]:
        async with acquired(self._pool) as connection:
            await connection.execute(
                QUERIES.sent,
                [one.order_id for one in batch],
                [one.kind for one in batch],
                [one.message_id for one in batch],
                [one.row_id for one in batch],
            )
        return [None] * len(batch)

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to send."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)
