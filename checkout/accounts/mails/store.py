"""What the worker of account mails reads and writes."""

import uuid
from typing import Any

from checkout.accounts.model import plain_email
from checkout.accounts.personal import REQUEST
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Pool, acquired, fetch_one
from checkout.outbox.store import finish

QUERIES = sql.load(__file__)


class AccountMailStore:
    """Requests that wait for their mail. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher

    async def request(self, request_id: uuid.UUID) -> Any:
        """The request, and whether its address has an account, or None."""
        row = await fetch_one(self._pool, QUERIES.request_to_answer, request_id)
        if row is None:
            return None
        request = self._cipher.opened(REQUEST, row, request_id)
        plain = plain_email(request["email"])
        found = await fetch_one(self._pool, QUERIES.has_account, self._cipher.index(plain), plain)
        return request | {"has_account": found is not None and found["found"]}

    async def told(self, request_id: uuid.UUID, row_id: int, *, keep: bool) -> None:
        """Remembers that the mail is out (or forgets a request that nobody can finish), and finishes its outbox row."""
        async with acquired(self._pool) as connection, connection.transaction():
            await connection.execute(QUERIES.told if keep else QUERIES.drop_request, request_id)
            await finish(connection, row_id)

    async def finish(self, row_id: int) -> None:
        """Finishes an outbox row for which there was nothing to send."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)
