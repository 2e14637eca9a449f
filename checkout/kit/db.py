"""The Postgres pool and its settings, in one place.

Every connection runs with the lock wait and statement time-out of config/limits/, so that no request waits for a
stuck row for ever, and the reconciler knows when a statement can no longer commit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from asyncpg.pgproto import pgproto
from asyncpg.pool import PoolConnectionProxy

from checkout.errors import Unavailable
from config import limits

FastUUID = pgproto.UUID  # a uuid.UUID subclass, built and encoded in C

Record = asyncpg.Record
if TYPE_CHECKING:  # asyncpg's classes are generic for the type checker only
    OwnConnection: TypeAlias = asyncpg.Connection[asyncpg.Record]
    PooledConnection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
    Connection: TypeAlias = OwnConnection | PooledConnection
    Pool: TypeAlias = asyncpg.Pool[asyncpg.Record]
else:
    OwnConnection, PooledConnection, Pool = asyncpg.Connection, PoolConnectionProxy, asyncpg.Pool
    Connection = OwnConnection | PooledConnection

CheckViolation = asyncpg.CheckViolationError
UniqueViolation = asyncpg.UniqueViolationError
ForeignKeyViolation = asyncpg.ForeignKeyViolationError
PostgresError = asyncpg.PostgresError
InterfaceError = asyncpg.InterfaceError
QueryCanceled = asyncpg.QueryCanceledError

RETRYABLE = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
"""Postgres's own reasons: the statement did nothing, and may be sent again whole."""

NOT_REACHED = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,  # the server's last word has come, the end of the connection not yet
    TimeoutError,
)
"""No answer: before sending, nothing happened; after sending, the outcome is unknown."""


def server_settings(purpose: str) -> dict[str, str]:
    """What every connection of ours asks of the server. Units: ms."""
    return {
        "application_name": f"checkout-{purpose}",
        "statement_timeout": str(int(limits.STATEMENT_TIMEOUT_S * 1000)),
        "lock_timeout": str(int(limits.LOCK_WAIT_S * 1000)),
        "idle_in_transaction_session_timeout": str(int(limits.STATEMENT_TIMEOUT_S * 2000)),
        "jit": "off",
        "timezone": "UTC",
    }


def make_pool(database_url: str, *, purpose: str, max_size: int = 8) -> Pool:
    """A pool that connects when it is first used; begin with `await pool`, which needs no server to be there."""
    return asyncpg.create_pool(
        database_url,
        min_size=0,
        max_size=max_size,
        command_timeout=limits.STATEMENT_TIMEOUT_S + 1,
        timeout=limits.DATABASE_CONNECT_TIMEOUT_S,
        max_inactive_connection_lifetime=60,
        server_settings=server_settings(purpose),
    )


async def open_pool(database_url: str, *, purpose: str, max_size: int = 8) -> Pool:
    """A pool, begun."""
    pool = make_pool(database_url, purpose=purpose, max_size=max_size)
    await pool
    return pool


async def connect(database_url: str, *, purpose: str) -> OwnConnection:
    """One connection of one's own: the committer's, a listener's, a command's."""
    return await asyncpg.connect(
        database_url,
        timeout=limits.DATABASE_CONNECT_TIMEOUT_S,
        server_settings=server_settings(purpose),
    )


async def as_packed(connection: OwnConnection, row_type: str) -> int:
    """From now on this connection takes arrays of this row type as bytes, packed by the caller; gives the type's number.

    asyncpg has no public way: it offers codecs of its own for single values only.
    """
    found = await connection.fetch(
        "SELECT oid, typarray FROM pg_type WHERE oid = $1::text::regtype", row_type
    )
    type_id, array_id = found[0]
    settings = connection._protocol.get_settings()  # type: ignore[attr-defined]
    settings.add_python_codec(array_id, f"_{row_type}", "public", [], "scalar", bytes, bytes, "binary")
    return int(type_id)


@contextlib.asynccontextmanager
async def acquired(pool: Pool) -> AsyncIterator[PooledConnection]:
    """A pooled connection; while Postgres is away the caller gets Unavailable, with a moment to come back."""
    try:
        connection = await pool.acquire(timeout=limits.DATABASE_POOL_WAIT_S)
    except NOT_REACHED as error:
        raise Unavailable(
            "The database is not reachable; try again in a moment.", code="database_away", retry_after_ms=1000
        ) from error
    try:
        yield connection
    except NOT_REACHED as error:
        raise Unavailable(
            "The database did not answer; try again in a moment.", code="database_away", retry_after_ms=1000
        ) from error
    finally:
        with contextlib.suppress(*NOT_REACHED):
            await pool.release(connection)


@contextlib.asynccontextmanager
async def writing(pool: Pool) -> AsyncIterator[PooledConnection]:
    """A pooled connection inside a transaction. Raises: Unavailable, also when it lost a lock to somebody else: then
    nothing was done, and the same may be asked again."""
    try:
        async with acquired(pool) as connection, connection.transaction():
            yield connection
    except (*RETRYABLE, QueryCanceled) as error:
        raise Unavailable(
            "Somebody else is changing the same; try again in a moment.", retry_after_ms=500
        ) from error


async def fetch_all(pool: Pool, query: str, *args: Any) -> Sequence[asyncpg.Record]:
    """All rows of one bounded read. Raises: Unavailable."""
    async with acquired(pool) as connection:
        return await connection.fetch(query, *args)


async def fetch_one(pool: Pool, query: str, *args: Any) -> asyncpg.Record | None:
    """The row of one read, or None. Raises: Unavailable."""
    async with acquired(pool) as connection:
        return await connection.fetchrow(query, *args)


async def fetch_planned(pool: Pool, query: str, *args: Any) -> Sequence[asyncpg.Record]:
    """All rows of one bounded read whose conditions may be switched off (`$1 IS NULL OR …`).

    It is planned for the values given, so that each uses its index. Raises: Unavailable. Cost: two more round trips.
    """
    async with acquired(pool) as connection, connection.transaction(readonly=True):
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        return await connection.fetch(query, *args)


class Listener:
    """LISTEN on channels over one connection of its own; on each (re)connect `on_gap` runs, since events may be lost.

    Source: asyncpg's add_listener; a lost connection is found by the keep-alive query.
    """

    def __init__(self, database_url: str, handlers: dict[str, Any], on_gap: Any) -> None:
        self._url = database_url
        self._handlers = handlers
        self._on_gap = on_gap
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="listener")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                connection = await connect(self._url, purpose="listen")
            except (*NOT_REACHED, PostgresError):
                await asyncio.sleep(0.5)
                continue
            try:
                for channel, handler in self._handlers.items():
                    await connection.add_listener(channel, self._deliver(handler))
                self._on_gap()
                while True:
                    await asyncio.sleep(limits.LISTEN_KEEPALIVE_S)
                    await connection.execute("SELECT 1", timeout=limits.DATABASE_CONNECT_TIMEOUT_S)
            except (*NOT_REACHED, PostgresError):
                await asyncio.sleep(0.2)
            finally:
                connection.terminate()

    @staticmethod
    def _deliver(handler: Any) -> Any:
        def deliver(_connection: Any, _pid: int, _channel: str, payload: Any) -> None:
            handler(payload)

        return deliver
