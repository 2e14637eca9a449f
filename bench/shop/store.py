"""The only SQL of the benchmarks: what is on sale, and stock enough for a run. For shops that a benchmark started itself."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime

from bench.problem import BenchError
from checkout.kit import sql
from checkout.kit.db import OwnConnection, connect
from checkout.outbox.model import BOOK, CAPTURE
from config import limits

QUERIES = sql.load(__file__)
_MOST = 100_000
# What `min_wal_size` keeps (config/local/postgres.py).
_SEGMENTS = 32


async def on_sale(connection: OwnConnection, currency: str) -> tuple[list[str], list[str]]:
    """(SKUs, slugs of their products) on sale in the currency."""
    rows = await connection.fetch(QUERIES.skus, currency, _MOST)
    return [row["sku"] for row in rows], list(dict.fromkeys(row["slug"] for row in rows))


async def stock_up(
    database_url: str, *, units: int, currency: str = "EUR", sold_out: Sequence[str] = (), wait_s: float = 30
) -> tuple[list[str], list[str]]:
    """Gives every variant this many units, some none at all, and waits until the gate knows. Gives what is on sale.

    Raises: BenchError when no reconciler repairs the gate's counters in time.
    """
    connection = await connect(database_url, purpose="bench")
    try:
        await connection.execute(QUERIES.restock, [], units)
        if sold_out:
            await connection.execute(QUERIES.restock, list(sold_out), 0)
        await _known_to_the_gate(connection, wait_s)
        skus, slugs = await on_sale(connection, currency)
        return [sku for sku in skus if sku not in sold_out], slugs
    finally:
        await connection.close()


async def fill_the_log(database_url: str) -> None:
    """Lets the write-ahead log go round once, as that of a shop that has run for a while: its segments are taken again.

    Each one that a new shop makes is 16 MiB of zeros, written and synced while everybody waits: 15 to 20 ms, and again after
    each 6,000 orders.
    """
    connection = await connect(database_url, purpose="bench")
    try:
        for _ in range(_SEGMENTS):
            await connection.fetchval(QUERIES.next_segment)
        await connection.execute(QUERIES.checkpoint)
    finally:
        await connection.close()


async def set_stock(database_url: str, sku: str, units: int, *, wait_s: float = 30) -> None:
    """Gives one SKU exactly so many units to sell, and waits until the gate knows. Raises: BenchError."""
    connection = await connect(database_url, purpose="bench")
    try:
        await connection.execute(QUERIES.restock, [sku], units)
        await _known_to_the_gate(connection, wait_s)
    finally:
        await connection.close()


async def sold_units(database_url: str, sku: str) -> int:
    """Units of a SKU in orders that are not cancelled, by Postgres."""
    connection = await connect(database_url, purpose="bench")
    try:
        return int(await connection.fetchval(QUERIES.sold_units, sku))
    finally:
        await connection.close()


async def _known_to_the_gate(connection: OwnConnection, wait_s: float) -> None:
    try:
        async with asyncio.timeout(wait_s):
            while await connection.fetchval(QUERIES.suspects):  # noqa: ASYNC110 - another process repairs
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise BenchError(f"the gate did not learn of the new stock within {wait_s:.0f} s") from error


async def count_orders(database_url: str) -> int:
    """How many orders Postgres holds."""
    connection = await connect(database_url, purpose="bench")
    try:
        return int(await connection.fetchval(QUERIES.count_orders))
    finally:
        await connection.close()


class Backlog:
    """What is owed, asked again and again over one connection."""

    def __init__(self, connection: OwnConnection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, database_url: str) -> AsyncIterator["Backlog"]:
        """For a while."""
        connection = await connect(database_url, purpose="bench")
        try:
            yield cls(connection)
        finally:
            await connection.close()

    async def by_topic(self) -> dict[str, int]:
        """Open rows of the outbox by topic."""
        return {row["topic"]: row["rows"] for row in await self._connection.fetch(QUERIES.owed)}

    async def owed(self) -> int:
        """All open rows."""
        return sum((await self.by_topic()).values())

    async def doubt_minor(self) -> int:
        """What payments come to that were tried and are not known to be paid. Units: minor units."""
        return int(await self._connection.fetchval(QUERIES.doubt))

    async def unbooked(self) -> int:
        """Orders that are not paid or not booked yet."""
        return self.unbooked_of(await self.by_topic())

    @staticmethod
    def unbooked_of(owed: Mapping[str, int]) -> int:
        """The same, of open rows by topic: an order owes its capture, and once paid its booking."""
        return owed.get(CAPTURE, 0) + owed.get(BOOK, 0)


class Bulk:
    """Rows by the million, over one connection."""

    def __init__(self, connection: OwnConnection) -> None:
        self._connection = connection

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, database_url: str) -> AsyncIterator["Bulk"]:
        """For a while; statements may take as long as they need."""
        connection = await connect(database_url, purpose="bench")
        try:
            await connection.execute("SET statement_timeout = 0")
            await connection.execute(QUERIES.unwatched)
            yield cls(connection)
        finally:
            await connection.close()

    async def copy(self, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]) -> None:
        """COPY of these rows, one transaction."""
        await self._connection.copy_records_to_table(table, columns=list(columns), records=records)

    async def searchable(self, product_ids: Sequence[uuid.UUID]) -> None:
        """Lets these products be found: the triggers that would have do not run here."""
        await self._connection.execute(QUERIES.searchable, product_ids)

    async def highest_item(self) -> int:
        """The last item there is."""
        return int(await self._connection.fetchval(QUERIES.highest_item))

    async def highest_number(self) -> int:
        """The last order number there is."""
        return int(await self._connection.fetchval(QUERIES.highest_number))

    async def make_months(self, since: datetime) -> None:
        """Room for orders since then; keys of those that are old count as forgotten."""
        await self._connection.execute(QUERIES.mass_months, since, float(limits.ORDER_CLAIM_MEMORY_S))

    async def make_orders(
        self,
        number: int,
        count: int,
        *,
        at: datetime,
        apart_s: float,
        items: range,
        unit_minor: int,
        document: str,
    ) -> None:
        """Orders of two lines, numbered from `number`, made where they are kept. Cost: about 40 µs each on one core."""
        await self._connection.execute(
            QUERIES.mass_orders,
            number,
            count,
            int(at.timestamp() * 1000),
            apart_s,
            items.start,
            len(items),
            unit_minor,
            document,
        )

    async def release(self) -> None:
        """Takes back what cancelled orders held."""
        await self._connection.execute(QUERIES.release_history)

    async def settle(self) -> None:
        """After the rows: sequences, statistics, and everything on disk."""
        for query in (QUERIES.next_item, QUERIES.next_number, QUERIES.known, QUERIES.written):
            await self._connection.execute(query)

    async def size_mib(self) -> int:
        """How large the database is."""
        return int(await self._connection.fetchval(QUERIES.database_size))
