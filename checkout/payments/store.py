"""The only SQL of payments."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson

from checkout.errors import ensure
from checkout.kit import sql
from checkout.kit.cipher import Cipher
from checkout.kit.db import (
    RETRYABLE,
    CheckViolation,
    Connection,
    Pool,
    UniqueViolation,
    acquired,
    fetch_all,
    fetch_one,
)
from checkout.kit.grouped import Grouped
from checkout.kit.ids import uuid7
from checkout.kit.together import Together
from checkout.orders.personal import opened_order
from checkout.outbox.model import Later
from checkout.outbox.store import finish
from checkout.payments.model import Attempt, Change, OrderState, after
from config import limits

QUERIES = sql.load(__file__)
INBOX = "webhook_inbox"
"""The table whose column `personal` holds what a provider said, sealed."""
Also = Callable[[Connection], Awaitable[None]]
_ROUNDS = 5


def movement_id(order_id: uuid.UUID, item_id: int, kind: str) -> uuid.UUID:
    """The name of an order's movement of one item: the same cause moves nothing twice.

    It begins with the order's time, so that the movement lies in the order's month.
    """
    cause = uuid.uuid5(order_id, f"{item_id}:{kind}")
    return uuid.UUID(bytes=order_id.bytes[:6] + cause.bytes[6:])


@dataclass(frozen=True, slots=True)
class Commit:
    """One order's change on its way into Postgres. Shape: `finishes` is the outbox row that the commit deletes."""

    order_id: uuid.UUID
    version: int
    change: Change
    finishes: int | None


class PaymentStore:
    """Orders as payments see them. Every method may raise Unavailable while Postgres is away.

    Reads and commits of orders that come at the same time share a statement.
    """

    def __init__(self, pool: Pool, cipher: Cipher) -> None:
        self._pool = pool
        self._cipher = cipher
        self._loads: Together[uuid.UUID, OrderState] = Together(self._load, most=limits.RELAY_GROUP_MAX)
        self._commits: Grouped[Commit, bool] = Grouped(
            self._write_alone, most=limits.RELAY_GROUP_MAX, subject=lambda one: one.order_id
        )

    async def load(self, order_id: uuid.UUID) -> OrderState | None:
        """The order's payment as it stands, or None when there is no such order. Cost: a share of one read."""
        return await self._loads.find(order_id)

    async def _load(self, order_ids: Sequence[uuid.UUID]) -> Mapping[uuid.UUID, OrderState]:
        rows = await fetch_all(self._pool, QUERIES.load, order_ids, float(limits.PAYMENT_SLACK_S))
        return {key: self._state(list(group)) for key, group in groupby(rows, key=lambda row: row["id"])}

    def _state(self, rows: Sequence[Any]) -> OrderState:
        first = opened_order(self._cipher, rows[0])
        attempts = tuple(
            Attempt(
                row["attempt"],
                row["attempt_method"],
                row["attempt_status"],
                row["provider_ref"],
                row["client_secret"],
                row["action_url"],
                row["decline_code"],
                row["refunded_minor"],
            )
            for row in rows
            if row["attempt"] is not None
        )
        return OrderState(
            order_id=first["id"],
            status=first["status"],
            version=first["timeline_seq"],
            amount_minor=first["total_minor"],
            currency=first["currency"],
            provider=first["payment_provider"],
            method=first["payment_method"],
            attempts=attempts,
            past_deadline=first["past_deadline"],
            past_slack=first["past_slack"],
            cancelled_by=first["cancelled_by"],
            email=first["email"],
            number=first["number"],
        )

    async def settle(
        self,
        state: OrderState,
        decide: Callable[[OrderState], Change | None],
        *,
        finishes: int | None = None,
        also: Also | None = None,
    ) -> OrderState:
        """Commits what `decide` makes of the order; decided anew when another commit came between.

        Shape: `finishes` is the outbox row that the commit deletes, also when there is nothing to change; `also` is
        done in the transaction of the change.
        Raises: Later when others keep coming between. Retry: safe.
        """
        for _ in range(_ROUNDS):
            change = decide(state)
            if change is None:
                if finishes is not None:
                    await self.done(finishes)
                return state
            committed = await self.commit(state, change, finishes=finishes, also=also)
            if committed is not None:
                return after(state, committed)
            again = await self.load(state.order_id)
            ensure(again, "an order is never deleted")
            state = again or state
        raise Later("the order is being changed by others", delay_s=1.0)

    async def commit(
        self, state: OrderState, change: Change, *, finishes: int | None = None, also: Also | None = None
    ) -> Change | None:
        """Commits the change, or its `otherwise`; None when the order is no longer at `state.version`.

        Cost: a share of one statement; with stock a transaction of four. Locks: the order, then its stock rows by item.
        """
        piece = Commit(state.order_id, state.version, change, finishes)
        try:
            if not change.stock and also is None:
                return change if await self._commits.commit(piece) else None
            async with acquired(self._pool) as connection, connection.transaction():
                if not (await _write(connection, [piece]))[0]:
                    return None
                if change.stock:
                    await self._move(connection, state.order_id, change)
                if also is not None:
                    await also(connection)
        except (CheckViolation, UniqueViolation):
            if change.otherwise is None:
                raise
            return await self.commit(state, change.otherwise, finishes=finishes, also=also)
        except RETRYABLE:
            return None
        return change

    async def _write_alone(self, pieces: Sequence[Commit]) -> list[bool]:
        async with acquired(self._pool) as connection:
            return await _write(connection, pieces)

    @staticmethod
    async def _move(connection: Connection, order_id: uuid.UUID, change: Change) -> None:
        sign = -1 if change.stock == "release" else 1
        rows = await connection.fetch(QUERIES.lock_units, order_id)
        await connection.execute(
            QUERIES.move_units,
            [movement_id(order_id, row["item_id"], change.stock) for row in rows],
            [row["item_id"] for row in rows],
            [sign * row["quantity"] for row in rows],
            change.stock,
            order_id,
            f"order {change.status}",
        )

    async def done(self, row_id: int) -> None:
        """Finishes an outbox row for which there is nothing to do."""
        async with acquired(self._pool) as connection:
            await finish(connection, row_id)

    async def owe_overdue(self, most: int) -> int:
        """Owes the cancelling of unpaid orders past their deadline, by Postgres's clock. Retry: safe."""
        return len(await fetch_all(self._pool, QUERIES.owe_overdue, most))

    async def receive(
        self, *, provider: str, event_id: str, kind: str, payload: bytes, order_id: uuid.UUID | None
    ) -> bool:
        """Keeps a verified webhook and owes its application; False when it was known."""
        webhook_id = uuid7()
        sealed = self._cipher.seal_bytes(INBOX, webhook_id, payload)
        async with acquired(self._pool) as connection:
            return bool(
                await connection.fetchval(
                    QUERIES.receive_webhook, webhook_id, provider, event_id, kind, sealed, order_id
                )
            )

    async def webhook(self, webhook_id: uuid.UUID) -> Any:
        """The kept webhook's row, or None."""
        row = await fetch_one(self._pool, QUERIES.webhook, webhook_id)
        if row is None or row["personal"] is None:
            return row
        payload = self._cipher.open_bytes(INBOX, webhook_id, row["personal"])
        return dict(row.items()) | {"payload": payload}

    async def close_webhook(self, webhook_id: uuid.UUID, status: str, row_id: int) -> None:
        """Says what became of a webhook, and finishes its outbox row."""
        async with acquired(self._pool) as connection:
            await connection.execute(QUERIES.close_webhook, webhook_id, status, row_id)

    async def owe_parked_webhooks(self, most: int) -> int:
        """Owes again the webhooks whose order has come since they were parked."""
        rows: Sequence[Any] = await fetch_all(self._pool, QUERIES.owe_parked_webhooks, most)
        return len(rows)


async def _write(connection: Connection, pieces: Sequence[Commit]) -> list[bool]:
    """Which of the orders were still at their version, and are changed now."""
    attempts = [(one.order_id, attempt) for one in pieces for attempt in one.change.attempts]
    events = [(one.order_id, n, event) for one in pieces for n, event in enumerate(one.change.events, 1)]
    owed = [(one.order_id, work) for one in pieces for work in one.change.owed]
    rows = await connection.fetch(
        QUERIES.commit_changes,
        [one.order_id for one in pieces],
        [one.version for one in pieces],
        [one.change.status for one in pieces],
        [len(one.change.events) for one in pieces],
        [one.finishes for one in pieces],
        [order_id for order_id, _ in attempts],
        [uuid7() for _ in attempts],
        [a.number for _, a in attempts],
        [a.method for _, a in attempts],
        [a.provider_ref for _, a in attempts],
        [a.refunded_minor for _, a in attempts],
        [a.status for _, a in attempts],
        [a.client_secret for _, a in attempts],
        [a.action_url for _, a in attempts],
        [a.decline_code for _, a in attempts],
        [order_id for order_id, _, _ in events],
        [n for _, n, _ in events],
        [e.status for _, _, e in events],
        [orjson.dumps(e.detail).decode() if e.detail else None for _, _, e in events],
        [order_id for order_id, _ in owed],
        [o.topic for _, o in owed],
        [orjson.dumps(o.payload).decode() if o.payload is not None else None for _, o in owed],
    )
    moved = {row["id"] for row in rows}
    return [one.order_id in moved for one in pieces]
