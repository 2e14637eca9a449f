"""Accounts in Postgres: signing in, sessions, second factors, requests by mail. What a person has: own/store.py."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from checkout.accounts.model import Account, plain_email
from checkout.accounts.personal import ACCOUNT, FACTOR, REQUEST
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import Connection, Pool, Record, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.outbox.model import ACCOUNT_MAIL, Owed
from checkout.outbox.store import owe
from config import limits

QUERIES = sql.load(__file__)
_NO_SESSION = uuid.UUID(int=0)


class AccountStore:
    """Reads and writes of accounts and sessions. Raises: Unavailable while Postgres is away."""

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher

    async def by_email(self, email: str) -> Account | None:
        """The account of this address."""
        plain = plain_email(email)
        by_email = QUERIES.account_by_email
        return self._account(await fetch_one(self._pool, by_email, self._cipher.index(plain), plain))

    async def by_id(self, account_id: uuid.UUID) -> Account | None:
        """The account of this id."""
        return self._account(await fetch_one(self._pool, QUERIES.account_by_id, account_id))

    # -- sessions

    async def begin_session(self, account: Account, session_id: uuid.UUID, *, new_hash: str | None) -> bool:
        """Begins a session and claims the guest orders of a proven address; stores the password's hash anew if given.

        False when the account has changed since it was read. Cost: one transaction of two or three statements.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            known = account.password_hash
            if new_hash is not None:
                await connection.execute(QUERIES.rehash, account.id, known, new_hash)
                known = new_hash
            begun = await connection.fetchval(
                QUERIES.begin_session,
                session_id,
                account.id,
                known,
                account.role,
                float(limits.ACCESS_TOKEN_TTL_S),
                float(limits.REFRESH_TOKEN_TTL_S),
            )
            if begun is not None and account.verified:
                await claim_orders(connection, self._cipher, account.id, account.email)
            return begun is not None

    async def renew(self, session_id: uuid.UUID, generation: int) -> tuple[uuid.UUID, str] | None:
        """(account, role) of a session that goes on to its next generation; None when the token is not its newest.

        A token that was used before ends the session: either its owner or a thief has a copy of it.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(
                QUERIES.renew_session,
                session_id,
                generation,
                float(limits.ACCESS_TOKEN_TTL_S),
                float(limits.REFRESH_TOKEN_TTL_S),
            )
            if row is None:
                await connection.execute(QUERIES.end_reused, session_id, generation)
                return None
            return row["account_id"], row["role"]

    async def end_session(self, account_id: uuid.UUID, session_id: uuid.UUID) -> None:
        """Ends this session of the account."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.end_session, session_id, account_id)

    async def end_sessions(self, account_id: uuid.UUID) -> None:
        """Signs the account out everywhere."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.end_sessions, account_id, _NO_SESSION)

    async def ended(self) -> list[uuid.UUID]:
        """Sessions that ended while an access token of theirs may still be good."""
        return [row["session_id"] for row in await fetch_all(self._pool, QUERIES.ended_sessions)]

    # -- what is settled by mail

    async def ask(self, kind: str, email: str, document: Mapping[str, Any], *, ttl_s: float) -> uuid.UUID:
        """Remembers what somebody asked for, and owes the mail. The same work whether the address has an account or not."""
        request_id = uuid7()
        async with acquired(self._pool) as connection, connection.transaction():
            await self._ask(connection, request_id, kind, email, document, ttl_s)
        return request_id

    async def asked(self, request_id: uuid.UUID, kind: str) -> str | None:
        """The address of an open request."""
        row = await fetch_one(self._pool, QUERIES.request, request_id, kind)
        return None if row is None else str(self._cipher.opened(REQUEST, row, row["id"])["email"])

    async def register(self, request_id: uuid.UUID) -> int | None:
        """Makes the account of a registration whose link came back; gives how many guest orders became its own.

        None when the link was used, is too old, or another one of the same address was faster.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(QUERIES.take_request, request_id, "registration")
            if row is None:
                return None
            request = self._cipher.opened(REQUEST, row, row["id"])
            asked, email, new_id = request["document"], plain_email(request["email"]), uuid7()
            index = self._cipher.index(email)
            account_id = await connection.fetchval(
                QUERIES.add_shopper,
                new_id,
                self._cipher.seal(ACCOUNT, new_id, {"email": email, "profile": asked["profile"]}),
                index,
                asked["password_hash"],
                orjson.dumps(asked["consents"]).decode(),
                email,
            )
            await connection.execute(QUERIES.drop_requests, index, email, ["registration"])
            return (
                None
                if account_id is None
                else await claim_orders(connection, self._cipher, account_id, email)
            )

    async def reset_password(self, request_id: uuid.UUID, password_hash: str) -> bool:
        """Sets the password of whoever reads the address's mail, and ends every session; False for a link that is over."""
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(QUERIES.take_request, request_id, "password_reset")
            if row is None:
                return False
            email = plain_email(self._cipher.opened(REQUEST, row, row["id"])["email"])
            index = self._cipher.index(email)
            account_id = await connection.fetchval(QUERIES.reset_password, index, email, password_hash)
            if account_id is None:
                return False
            await connection.execute(QUERIES.drop_requests, index, email, ["password_reset"])
            await connection.execute(QUERIES.end_sessions, account_id, _NO_SESSION)
            await self._tell_changed(connection, email)
            return True

    async def change_password(
        self, account: Account, password_hash: str, *, session_id: uuid.UUID | None
    ) -> bool:
        """Sets the password and ends every session but this one; False when it was changed meanwhile."""
        async with acquired(self._pool) as connection, connection.transaction():
            email, set_password = plain_email(account.email), QUERIES.set_password
            if (
                await connection.fetchval(set_password, account.id, account.password_hash, password_hash)
                is None
            ):
                return False
            await connection.execute(QUERIES.end_sessions, account.id, session_id or _NO_SESSION)
            drop_requests, index = QUERIES.drop_requests, self._cipher.index(email)
            await connection.execute(drop_requests, index, email, ["password_reset"])
            await self._tell_changed(connection, email)
            return True

    # -- the second factor

    async def enrol(self, account_id: uuid.UUID, secret: bytes) -> bool:
        """Keeps a secret until it is confirmed; False while another one is in force."""
        sealed = self._cipher.seal_bytes(FACTOR, account_id, secret)
        return await fetch_one(self._pool, QUERIES.enrol, account_id, sealed) is not None

    async def enrolled(self, account_id: uuid.UUID) -> bytes | None:
        """The secret that waits to be confirmed."""
        row = await fetch_one(self._pool, QUERIES.enrolled, account_id)
        return None if row is None else self._secret(account_id, row)

    async def confirm_factor(
        self, account_id: uuid.UUID, secret: bytes, step: int, recovery: Sequence[bytes]
    ) -> bool:
        """Puts the secret in force; the code that proved it is used up."""
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(QUERIES.lock_enrolled, account_id)
            if row is None or self._secret(account_id, row) != secret:
                return False
            await connection.execute(QUERIES.confirm_factor, account_id, step, list(recovery))
            return True

    async def drop_factor(self, account_id: uuid.UUID) -> None:
        """Ends the second factor."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.drop_factor, account_id)

    async def use_code(self, account_id: uuid.UUID, step: int) -> bool:
        """Uses up the code of this step and all before; False when it was used."""
        return await fetch_one(self._pool, QUERIES.use_code, account_id, step) is not None

    async def use_recovery(self, account_id: uuid.UUID, digest: bytes) -> bool:
        """Uses up a recovery code; False when there is no such code any more."""
        return await fetch_one(self._pool, QUERIES.use_recovery, account_id, digest) is not None

    async def forget_old(self, *, most: int = limits.SWEEP_BATCH) -> None:
        """Deletes what has expired, at most `most` rows of a kind. Retry: safe."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.forget_sessions, most)
            await connection.execute(QUERIES.forget_ended)
            await connection.execute(QUERIES.forget_requests, most)

    async def _ask(
        self,
        connection: Connection,
        request_id: uuid.UUID,
        kind: str,
        email: str,
        document: Mapping[str, Any],
        ttl_s: float,
    ) -> None:
        plain = plain_email(email)
        sealed = self._cipher.seal(REQUEST, request_id, {"email": plain, "document": document})
        await connection.execute(
            QUERIES.ask, request_id, kind, sealed, self._cipher.index(plain), float(ttl_s)
        )
        await owe(connection, [Owed(ACCOUNT_MAIL, request_id)])

    async def _tell_changed(self, connection: Connection, email: str) -> None:
        await self._ask(connection, uuid7(), "password_changed", email, {}, limits.REGISTRATION_TTL_S)

    def _account(self, row: Record | None) -> Account | None:
        if row is None:
            return None
        return Account(
            row["id"],
            self._cipher.opened(ACCOUNT, row, row["id"])["email"],
            row["password_hash"],
            row["role"],
            row["disabled"],
            row["verified"],
            self._secret(row["id"], row),
        )

    def _secret(self, account_id: uuid.UUID, row: Record) -> bytes | None:
        sealed, plain = row["sealed_secret"], row["secret"]
        return plain if sealed is None else self._cipher.open_bytes(FACTOR, account_id, sealed)


async def claim_orders(connection: Connection, cipher: Cipher, account_id: uuid.UUID, email: str) -> int:
    """Makes the guest orders of a proven address the account's own; gives how many."""
    plain = plain_email(email)
    done = await connection.execute(QUERIES.claim_orders, account_id, cipher.index(plain), plain)
    return int(done.rpartition(" ")[2])


async def has_admin(connection: Connection) -> bool:
    """Whether any admin can sign in."""
    return bool(await connection.fetchval(QUERIES.any_admin))


async def add_account(
    connection: Connection, cipher: Cipher, *, email: str, password_hash: str, role: str
) -> uuid.UUID | None:
    """Makes the account and gives its id; None when the address has one already."""
    plain, account_id = plain_email(email), uuid7()
    sealed = cipher.seal(ACCOUNT, account_id, {"email": plain, "profile": {}})
    made: uuid.UUID | None = await connection.fetchval(
        QUERIES.add_account, account_id, sealed, cipher.index(plain), password_hash, role, plain
    )
    return made
