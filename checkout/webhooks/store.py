"""The only SQL of webhooks out."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkout.access.store import record
from checkout.errors import Conflict, NotFound, Stale
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.outbox.store import finish
from checkout.webhooks.model import Endpoint
from config import limits

QUERIES = sql.load(__file__)


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be sent. Shape: `secrets` are the numbers of those that sign, newest first."""

    url: str
    message_id: str
    body: bytes
    secrets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an endpoint is to be."""

    url: str
    events: tuple[str, ...]
    description: str
    active: bool


class WebhookStore:
    """Endpoints and their messages. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def before(self, endpoint_id: uuid.UUID | None, most: int) -> list[Endpoint]:
        """Endpoints, newest first, before this one."""
        return [_of(row) for row in await fetch_all(self._pool, QUERIES.list_endpoints, endpoint_id, most)]

    async def find(self, endpoint_id: uuid.UUID) -> Endpoint:
        """The endpoint. Raises: NotFound."""
        row = await fetch_one(self._pool, QUERIES.endpoint, endpoint_id)
        if row is None:
            raise _unknown()
        return _of(row)

    async def add(self, wanted: Wanted, *, actor: str) -> Endpoint:
        """A new endpoint. Raises: Conflict when there are WEBHOOK_ENDPOINTS_MAX."""
        async with acquired(self._pool) as connection, connection.transaction():
            if await connection.fetchval(QUERIES.count_endpoints) >= limits.WEBHOOK_ENDPOINTS_MAX:
                raise Conflict(f"There can be {limits.WEBHOOK_ENDPOINTS_MAX} webhooks; remove one first.")
            row = await connection.fetchrow(
                QUERIES.add_endpoint,
                uuid7(),
                wanted.url,
                list(wanted.events),
                wanted.description,
                wanted.active,
                actor,
            )
            made = _of(row)
            await record(
                connection, actor=actor, action="webhook.create", subject=str(made.id), after=made.logged()
            )
        return made

    async def change(
        self,
        endpoint_id: uuid.UUID,
        edit: Callable[[Endpoint], Wanted],
        *,
        expected: int | None,
        actor: str,
        rotate: bool = False,
    ) -> Endpoint:
        """Commits what `edit` makes of the endpoint, with a new secret when `rotate`. Raises: NotFound, Stale."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, endpoint_id, expected)
            new = edit(old)
            row = await connection.fetchrow(
                QUERIES.change_endpoint,
                endpoint_id,
                new.url,
                list(new.events),
                new.description,
                new.active,
                rotate,
            )
            now = _of(row)
            await record(
                connection,
                actor=actor,
                action="webhook.rotate" if rotate else "webhook.change",
                subject=str(endpoint_id),
                before=old.logged(),
                after=now.logged(),
            )
        return now

    async def remove(self, endpoint_id: uuid.UUID, *, expected: int | None, actor: str) -> None:
        """Deletes an endpoint; what is owed to it ends with it. Raises: NotFound, Stale."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, endpoint_id, expected)
            await connection.execute(QUERIES.remove_endpoint, endpoint_id)
            await record(
                connection,
                actor=actor,
                action="webhook.remove",
                subject=str(endpoint_id),
                before=old.logged(),
            )

    async def message(self, row_id: int, endpoint_id: uuid.UUID) -> Message | None:
        """What this outbox row owes to the endpoint; None when nobody listens any more."""
        row = await fetch_one(
            self._pool, QUERIES.message, row_id, endpoint_id, float(limits.WEBHOOK_ROTATION_S)
        )
        if row is None:
            return None
        newest = row["secret_number"]
        numbers = (newest, newest - 1) if row["signs_with_both"] else (newest,)
        return Message(row["url"], row["message_id"], row["body"].encode(), numbers)

    async def delivered(self, endpoint_id: uuid.UUID, row_id: int) -> None:
        """The subscriber has the message: finishes its row."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.delivered, endpoint_id, row_id)

    async def failed(self, endpoint_id: uuid.UUID, error: str) -> None:
        """The subscriber did not take the message."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.failed, endpoint_id, error)

    async def gone(self, endpoint_id: uuid.UUID, row_id: int) -> None:
        """The subscriber wants no more messages: the endpoint rests."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.gone, endpoint_id, row_id)

    async def finish(self, row_id: int) -> None:
        """Finishes a row that nobody listens to."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)


async def _locked(connection: Connection, endpoint_id: uuid.UUID, expected: int | None) -> Endpoint:
    row = await connection.fetchrow(QUERIES.lock_endpoint, endpoint_id)
    if row is None:
        raise _unknown()
    found = _of(row)
    if expected is not None and expected != found.version:
        raise Stale(f"The webhook is at version {found.version} now; read it again.")
    return found


def _of(row: Any) -> Endpoint:
    values = dict(row)
    return Endpoint(**values | {"events": tuple(values["events"])})


def _unknown() -> NotFound:
    return NotFound("There is no such webhook.")
