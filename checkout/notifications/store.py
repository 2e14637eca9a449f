"""The only SQL of notifications."""

import uuid
from typing import Any

from checkout.kit import sql
from checkout.kit.db import Pool, acquired, fetch_one
from checkout.outbox.store import finish

QUERIES = sql.load(__file__)


class NotificationStore:
    """What was sent, in Postgres. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def order(self, order_id: uuid.UUID, kind: str) -> Any:
        """What a mail says of the order, or None."""
        return await fetch_one(self._pool, QUERIES.order_to_tell, order_id, kind)

    async def sent(self, order_id: uuid.UUID, kind: str, message_id: str, row_id: int) -> None:
        """Remembers that the mail is out, and finishes its outbox row."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.sent, order_id, kind, message_id, row_id)

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to send."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)
