"""The relay: moves due rows of the outbox to Dramatiq, and runs the sweepers and the reconciler. One or several may run.

A row is taken by a commit that makes it due again at its deadline, then sent: a relay, broker or worker that dies at any
moment only delays it. Rows are taken only as fast as workers work them, so a backlog waits in Postgres, where it is safe.
"""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence

import redis
import structlog
import uvloop
from dramatiq import Message
from dramatiq.brokers.redis import RedisBroker

from checkout.accounts.own.store import OwnStore
from checkout.accounts.store import AccountStore
from checkout.bulk.store import BulkStore
from checkout.carts.store import CartStore
from checkout.errors import Unavailable
from checkout.kit.cipher import Cipher
from checkout.kit.db import NOT_REACHED, RETRYABLE, Pool, PostgresError, make_pool
from checkout.kit.lane import Lane
from checkout.outbox.model import TOPICS, Row
from checkout.outbox.store import OutboxStore
from checkout.payments.store import PaymentStore
from checkout.prices.keep_time import begin_and_end
from checkout.products.publish import publish_due
from checkout.retention.keep import keep_house
from checkout.retention.store import RetentionStore
from checkout.stock.gate import Gate
from checkout.stock.rebuild import keep_open
from checkout.stock.reconcile import Reconciler
from checkout.stock.schedule import end_preorders, notice_low
from checkout.stock.store import StockStore
from config import limits
from config.settings import Settings
from workers.actors import pack
from workers.broker import actor_of, make_broker, outstanding, queue_of
from workers.log import configure_logs

log = structlog.get_logger()
# Short enough for a shopper who watches the order, long enough for messages of many ids, which share their work.
_PAUSE_S = 0.1
_AWAY_PAUSE_S = 0.5
_AWAY = (Unavailable, PostgresError, *RETRYABLE, *NOT_REACHED, redis.RedisError)


class Relay:
    """Moves owed work from one outbox to one broker."""

    def __init__(self, outbox: OutboxStore, broker: RedisBroker, *, messages_max: int) -> None:
        self._outbox = outbox
        self._broker = broker
        self._messages_max = messages_max

    async def run(self) -> None:
        """Runs for ever; stores that are away are waited for."""
        while True:
            try:
                await self.step()
            except _AWAY as error:
                log.info("relay waits", error=str(error))
                await asyncio.sleep(_AWAY_PAUSE_S)
                continue
            await asyncio.sleep(_PAUSE_S)

    async def step(self) -> int:
        """Takes what is due, as much as the workers have room for, and sends it. Gives the number of rows.

        Cost: one broker call, one statement, one broker call a message. Raises: what the stores raise.
        """
        waiting = await asyncio.to_thread(outstanding, self._broker)
        room = {
            topic: max(0, self._messages_max - waiting[topic]) * limits.RELAY_GROUP_MAX for topic in TOPICS
        }
        taken = await self._outbox.take({t: min(n, limits.RELAY_BATCH) for t, n in room.items()})
        if taken:
            await asyncio.to_thread(self._send, taken)
        return sum(len(rows) for rows in taken.values())

    def _send(self, taken: dict[str, list[Row]]) -> None:
        for topic, rows in taken.items():
            for at in range(0, len(rows), limits.RELAY_GROUP_MAX):
                self._broker.enqueue(message_of(topic, rows[at : at + limits.RELAY_GROUP_MAX]))


def message_of(topic: str, rows: Sequence[Row]) -> "Message[None]":
    """One message of ids."""
    return Message(
        queue_name=queue_of(topic), actor_name=actor_of(topic), args=(pack(rows),), kwargs={}, options={}
    )


async def sweep(
    payments: PaymentStore,
    outbox: OutboxStore,
    carts: CartStore,
    accounts: AccountStore,
    own: OwnStore,
) -> None:
    """Looks for ever after what time makes due, by Postgres's clock: unpaid orders, parked webhooks, rows without an end,
    carts that nobody has touched for long, sessions and links that are over, data that no law keeps any more."""
    clock = asyncio.get_running_loop().time
    forget_at = clock()
    while True:
        try:
            await payments.owe_overdue(limits.SWEEP_BATCH)
            await payments.owe_parked_webhooks(limits.SWEEP_BATCH)
            await outbox.give_up()
            if clock() >= forget_at:
                await accounts.forget_old()
                left = await carts.forget_old() >= limits.CART_PERSIST_BATCH
                if await own.blank_due() < limits.SWEEP_BATCH and not left:
                    forget_at = clock() + limits.CART_FORGET_INTERVAL_S
        except _AWAY as error:
            log.info("sweeper waits", error=str(error))
        await asyncio.sleep(limits.SWEEP_INTERVAL_S)


async def sweep_bulk(jobs: BulkStore) -> None:
    """Looks for ever after imports and exports that nobody moves, and after their old files."""
    while True:
        try:
            await jobs.sweep()
        except _AWAY as error:
            log.info("sweeper waits", error=str(error))
        await asyncio.sleep(limits.BULK_SWEEP_INTERVAL_S)


async def keep_catalog_time(pool: Pool) -> None:
    """Publishes products and begins and ends price lists for ever, each at its time by Postgres's clock."""
    while True:
        try:
            await publish_due(pool, limits.SWEEP_BATCH)
            await begin_and_end(pool, limits.SWEEP_BATCH)
        except _AWAY as error:
            log.info("catalogue's clock waits", error=str(error))
        await asyncio.sleep(limits.CATALOG_CLOCK_INTERVAL_S)


async def keep_stock_time(pool: Pool) -> None:
    """Ends pre-orders at their moment and tells of stock that has become low, for ever, by Postgres's clock."""
    after = 0
    while True:
        try:
            await end_preorders(pool, limits.SWEEP_BATCH)
            after = await notice_low(pool, after, limits.LOW_STOCK_LOOKS)
        except _AWAY as error:
            log.info("stock's clock waits", error=str(error))
        await asyncio.sleep(limits.SWEEP_INTERVAL_S)


async def run(settings: Settings, *, beside: Sequence[Callable[[], Awaitable[None]]] = ()) -> None:
    """Runs the relay and the sweepers, and what is handed in beside them, until cancelled."""
    pool = make_pool(settings.database_url, purpose="relay", max_size=limits.RELAY_POOL_SIZE)
    await pool
    outbox = OutboxStore(pool)
    broker = make_broker(settings.broker_url)
    cipher = Cipher(settings.personal_keys, settings.personal_index_key)
    relay = Relay(outbox, broker, messages_max=max(4, 2 * settings.work_processes))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(relay.run(), name="relay")
            group.create_task(
                sweep(
                    PaymentStore(pool, cipher),
                    outbox,
                    CartStore(pool),
                    AccountStore(pool, cipher),
                    OwnStore(pool, cipher),
                ),
                name="sweeper",
            )
            group.create_task(keep_catalog_time(pool), name="catalog-clock")
            group.create_task(keep_stock_time(pool), name="stock-clock")
            group.create_task(sweep_bulk(BulkStore(pool)), name="bulk-sweeper")
            group.create_task(keep_house(RetentionStore(pool)), name="housekeeping")
            for job in beside:
                group.create_task(_job(job))
    finally:
        broker.close()
        await pool.close()


async def _job(job: Callable[[], Awaitable[None]]) -> None:
    await job()


async def _run_with_gate(settings: Settings) -> None:
    """The relay with the reconciler of the gate, until SIGTERM or SIGINT."""
    pool = make_pool(settings.database_url, purpose="reconcile", max_size=limits.RELAY_POOL_SIZE)
    await pool
    stock = StockStore(pool)
    lane = Lane(
        settings.gate_url, timeout_s=limits.GATE_TIMEOUT_S, connect_timeout_s=limits.GATE_CONNECT_TIMEOUT_S
    )
    gate = Gate(lane, stock.gate_state, on_stale=stock.suspect_claims)
    await lane.start()

    async def keep_gate() -> None:
        await keep_open(gate, stock)

    working = asyncio.create_task(run(settings, beside=[keep_gate, Reconciler(gate, stock).run]))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working
    await lane.close()
    await pool.close()


def run_relay(settings: Settings) -> int:
    """Runs until it is told to stop; gives the exit code."""
    configure_logs(settings)
    uvloop.run(_run_with_gate(settings))
    return 0
