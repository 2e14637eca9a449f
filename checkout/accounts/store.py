"""Accounts in Postgres."""

import uuid

from checkout.accounts.model import Account, plain_email, token_digest
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, acquired, fetch_one
from checkout.kit.ids import uuid7
from config import limits

QUERIES = sql.load(__file__)


class AccountStore:
    """Reads and writes of accounts and sessions. Raises: Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def by_email(self, email: str) -> Account | None:
        """The account of this address."""
        return _account(await fetch_one(self._pool, QUERIES.account_by_email, plain_email(email)))

    async def begin_session(self, account_id: uuid.UUID, refresh_token: str) -> None:
        """Remembers the token's digest until it expires. Retry: with a new token."""
        async with acquired(self._pool) as connection:
            await connection.execute(
                QUERIES.add_refresh_token,
                token_digest(refresh_token),
                account_id,
                float(limits.REFRESH_TOKEN_TTL_S),
            )

    async def take(self, refresh_token: str) -> Account | None:
        """The account whose unexpired token this is; the token is used up."""
        return _account(await fetch_one(self._pool, QUERIES.take_refresh_token, token_digest(refresh_token)))

    async def end_sessions(self, account_id: uuid.UUID) -> None:
        """Signs the account out everywhere; access tokens run out by themselves."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.end_sessions, account_id)


async def has_admin(connection: Connection) -> bool:
    """Whether any admin can sign in."""
    return bool(await connection.fetchval(QUERIES.any_admin))


async def add_account(connection: Connection, *, email: str, password_hash: str, role: str) -> bool:
    """Makes the account; False when the address has one already."""
    row = await connection.fetchrow(QUERIES.add_account, uuid7(), plain_email(email), password_hash, role)
    return row is not None


def _account(row: Record | None) -> Account | None:
    if row is None:
        return None
    return Account(row["id"], row["password_hash"], row["role"], row["disabled"])
