"""The committer: every order waiting in this process is decided in one statement, one commit, one fsync.

The next batch forms while one is in flight; a small one waits a moment for company then. A batch that Postgres refuses is
looked at order by order, in arrival order: those that cannot be had are refused, the others are sent again together. A
batch that fails for Postgres's own reasons is sent again whole. A batch whose answer was lost is looked up by claim ids
before anything is said to anyone.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from checkout.errors import ensure
from checkout.kit.crash import crash_point
from checkout.kit.db import NOT_REACHED, RETRYABLE, CheckViolation, PostgresError, QueryCanceled
from checkout.kit.turn import breathe
from checkout.orders.model import (
    CartUsed,
    Decision,
    Draft,
    Earlier,
    Outdated,
    Placed,
    SoldOut,
    Undecided,
)
from checkout.orders.store import BatchConnection, StockRow
from config import limits

log = structlog.get_logger()
_RETRIES = 3
_BUSY = Undecided(False, "The shop is very busy; try again in a moment.")
_AWAY = Undecided(False, "The database is not reachable; try again in a moment.")
_CANCELLED = Undecided(False, "The database took too long; nothing was ordered. Try again in a moment.")
_LOST = Undecided(True, "The answer was lost; send the same request again to learn what became of it.")


@dataclass(slots=True)
class _Waiting:
    draft: Draft
    answer: asyncio.Future[Decision]
    since: float


@dataclass(slots=True)
class Stats:
    """What the committer has done: for /metrics and the benchmarks."""

    batches: int = 0
    orders: int = 0
    refused: int = 0
    resent: int = 0
    statements: int = field(default=0)


class Committer:
    """Decides the orders of one process over its own connections.

    Units: payment may take `payment_window_s` from the moment of placing, by Postgres's clock.
    Cost: one statement a batch of up to BATCH_MAX orders; under load an order costs Postgres about 40 µs.
    """

    def __init__(
        self,
        database_url: str,
        *,
        payment_window_s: float = limits.PAYMENT_WINDOW_S,
        connections: int = limits.COMMITTERS_PER_PROCESS,
    ) -> None:
        self._url = database_url
        self._payment_window_s = payment_window_s
        self._connections = connections
        self._queue: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._under_way = 0
        self.stats = Stats()

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(), name=f"committer-{n}") for n in range(self._connections)
        ]

    async def stop(self) -> None:
        """Decides what is waiting, then ends."""
        self._stopping = True
        self._wake.set()
        done, late = (
            await asyncio.wait(self._tasks, timeout=limits.STATEMENT_TIMEOUT_S) if self._tasks else ((), ())
        )
        for task in late:
            task.cancel()
        await asyncio.gather(*done, *late, return_exceptions=True)

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def submit(self, draft: Draft) -> asyncio.Future[Decision]:
        """The decision on this draft, to be awaited. It always comes: within QUEUE_WAIT_S plus a statement's time."""
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        if len(self._queue) >= limits.QUEUE_MAX or self._stopping:
            answer.set_result(_BUSY)
            return answer
        self._queue.append(_Waiting(draft, answer, time.monotonic()))
        self._wake.set()
        return answer

    def _connect(self) -> BatchConnection:
        return BatchConnection(self._url, payment_window_s=self._payment_window_s)

    async def _run(self) -> None:
        connection = self._connect()
        try:
            while not (self._stopping and not self._queue):
                if not self._queue:
                    self._wake.clear()
                    await self._wake.wait()
                    continue
                if self._under_way and len(self._queue) < limits.BATCH_GATHERS_TO:
                    await asyncio.sleep(limits.BATCH_GATHERS_S)
                batch = self._take()
                if batch:
                    self._under_way += 1
                    try:
                        await self._decide(connection, batch)
                    finally:
                        self._under_way -= 1
        finally:
            await connection.close()

    def _take(self) -> list[_Waiting]:
        """The next batch; orders that waited too long are told so, before anything was sent for them."""
        queue = self._queue
        batch: list[_Waiting] = []
        oldest = time.monotonic() - limits.QUEUE_WAIT_S
        while queue and len(batch) < limits.BATCH_MAX:
            waiting = queue.popleft()
            if waiting.since < oldest:
                _answer([waiting], _BUSY)
            else:
                batch.append(waiting)
        return batch

    async def _decide(self, connection: BatchConnection, batch: list[_Waiting]) -> None:
        """Answers the whole batch, whatever happens: a committer that ended would leave a shop that cannot sell."""
        try:
            self.stats.batches += 1
            self.stats.orders += len(batch)
            await self._place(connection, batch)
        except Exception as error:
            log.error("a batch broke", exc_info=error, orders=len(batch))
            await connection.close()
        finally:
            _answer(batch, _LOST)

    async def _place(self, connection: BatchConnection, batch: list[_Waiting]) -> None:
        """Rounds of: send all together; after a refusal take out those that cannot be had; at last one by one."""
        for _ in range(_RETRIES):
            if not batch:
                return
            try:
                await self._send(connection, batch)
            except CheckViolation:
                batch = await self._sift(connection, batch)
            except PostgresError as error:
                log.warning("batch refused by its content", error=str(error), orders=len(batch))
                break
            else:
                return
        for waiting in batch:
            await self._place_alone(connection, waiting)

    async def _place_alone(self, connection: BatchConnection, waiting: _Waiting) -> None:
        for _ in range(_RETRIES):
            try:
                await self._send(connection, [waiting])
            except CheckViolation:
                if not await self._sift(connection, [waiting]):
                    return
            except PostgresError as error:
                log.error("order refused by its content", error=str(error), order=str(waiting.draft.id))
                return _answer([waiting], _CANCELLED)
            else:
                return
        _answer([waiting], _BUSY)

    async def _send(self, connection: BatchConnection, batch: list[_Waiting]) -> None:
        """One statement; every draft is answered on return. Raises: CheckViolation, content errors: nothing was done."""
        breathe()
        drafts = sorted((waiting.draft for waiting in batch), key=_by_claim)
        placed: dict[object, Placed] = {}
        for attempt in range(_RETRIES):
            if not await connection.ready():
                return _answer(batch, _AWAY)
            self.stats.statements += 1
            try:
                crash_point("commit.before_send")
                placed = await connection.place(drafts)
                crash_point("commit.after_commit")
            except RETRYABLE:
                self.stats.resent += 1
                if attempt == _RETRIES - 1:
                    return _answer(batch, _BUSY)
                continue
            except QueryCanceled:
                return _answer(batch, _CANCELLED)
            except NOT_REACHED as error:
                log.warning("the answer to a batch was lost", error=str(error), orders=len(batch))
                return await self._look_up(batch)
            break
        missing = []
        for waiting in batch:
            decision = placed.get(waiting.draft.id)
            if decision is None:
                missing.append(waiting)
            elif not waiting.answer.done():
                waiting.answer.set_result(decision)
        if missing:
            await self._explain(connection, missing)

    async def _explain(self, connection: BatchConnection, missing: list[_Waiting]) -> None:
        """Left out by a conflict: the key has an order, or else the cart has."""
        try:
            earlier = await connection.by_claim([w.draft.claim_id for w in missing])
        except (*NOT_REACHED, QueryCanceled):
            return _answer(missing, _LOST)
        for waiting in missing:
            row = earlier.get(waiting.draft.claim_id)
            decision: Decision = Earlier(row.id, row.fingerprint) if row else CartUsed()
            ensure(row or waiting.draft.cart_id, "an order was left out without a reason")
            if not waiting.answer.done():
                waiting.answer.set_result(decision)

    async def _look_up(self, batch: list[_Waiting]) -> None:
        """After a lost answer: what is found was placed; of what is not found nobody knows yet."""
        found = {}
        fresh = self._connect()
        with contextlib.suppress(*NOT_REACHED, PostgresError):
            if await fresh.ready():
                found = await fresh.by_claim([w.draft.claim_id for w in batch])
        await fresh.close()
        for waiting in batch:
            row = found.get(waiting.draft.claim_id)
            if waiting.answer.done():
                continue
            if row is None:
                waiting.answer.set_result(_LOST)
            elif row.id == waiting.draft.id:
                waiting.answer.set_result(Placed(row.number, row.placed_at, row.payment_deadline))
            else:
                waiting.answer.set_result(Earlier(row.id, row.fingerprint))

    async def _sift(self, connection: BatchConnection, batch: list[_Waiting]) -> list[_Waiting]:
        """Refuses, in arrival order, what cannot be had by what Postgres shows now; gives the rest.

        A draft whose order exists (a retry of a key whose answer was lost) is told of it, not that its own units are gone.
        """
        items = {item for waiting in batch for item, _ in waiting.draft.items()}
        try:
            rows = await connection.stock_of(sorted(items))
            earlier = await connection.by_claim([waiting.draft.claim_id for waiting in batch])
        except (*NOT_REACHED, QueryCanceled):
            _answer(batch, _AWAY)
            return []
        remaining = []
        for waiting in batch:
            order = earlier.get(waiting.draft.claim_id)
            if order is not None:
                _answer([waiting], Earlier(order.id, order.fingerprint))
                continue
            refusal = refuse(waiting.draft, rows)
            if refusal is None:
                remaining.append(waiting)
                continue
            self.stats.refused += 1
            if not waiting.answer.done():
                waiting.answer.set_result(refusal)
        return remaining


def refuse(draft: Draft, rows: dict[int, StockRow]) -> Decision | None:
    """Why this draft cannot be placed on these rows, or None; then its units are taken off the rows."""
    stale = frozenset(
        item for item, _, _, version in draft.lines if item not in rows or rows[item].offer_version != version
    )
    if stale:
        return Outdated(stale)
    short = {item: rows[item].available for item, units in draft.items() if rows[item].available < units}
    if short:
        return SoldOut(short)
    for item, units in draft.items():
        rows[item].available -= units
    return None


def _by_claim(draft: Draft) -> bytes:
    return draft.claim_id.bytes


def _answer(batch: Sequence[_Waiting], decision: Decision) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_result(decision)
