"""The only SQL of carts."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import msgspec
import orjson

from checkout.carts.model import Fields, Verdict
from checkout.errors import Unauthenticated
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all, fetch_one
from config import limits

QUERIES = sql.load(__file__)
_FIELDS = msgspec.json.Decoder(dict[str, str])
Change = Callable[[Fields], tuple[Verdict, Fields]]


class Claiming:
    """A claim's transaction: the account's pointer to its open cart, locked. Made by `CartStore.claiming`."""

    def __init__(self, connection: Connection, account_id: uuid.UUID, currency: str, own_id: str) -> None:
        self._connection = connection
        self._account_id = account_id
        self._currency = currency
        self.own_id = own_id

    async def point(self, cart_id: str) -> None:
        """Another cart becomes the account's open one."""
        await self._connection.execute(QUERIES.point_elsewhere, self._account_id, self._currency, cart_id)
        self.own_id = cart_id

    async def get(self, cart_id: str) -> Fields | None:
        """The kept fields of a cart."""
        row = await self._connection.fetchrow(QUERIES.get_cart, cart_id)
        return None if row is None else _FIELDS.decode(row["document"])

    async def lock(self, cart_ids: Sequence[str]) -> dict[str, Fields]:
        """The kept fields of these carts, locked in order of their ids."""
        rows = await self._connection.fetch(QUERIES.lock_carts, list(cart_ids))
        return {row["id"]: _FIELDS.decode(row["document"]) for row in rows}

    async def keep(self, carts: Mapping[str, Fields]) -> None:
        """Writes these carts in one statement; only newer versions win."""
        await _keep(self._connection, carts)


class CartStore:
    """The kept copies. Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def get(self, cart_id: str) -> Fields | None:
        """The kept fields of the cart, without its hold: holds live in the gate alone."""
        row = await fetch_one(self._pool, QUERIES.get_cart, cart_id)
        return None if row is None else _FIELDS.decode(row["document"])

    async def keep(self, carts: Mapping[str, Fields]) -> None:
        """Writes these carts in one statement; only newer versions win. Retry: safe."""
        if carts:
            async with acquired(self._pool) as connection:
                await _keep(connection, carts)

    async def change(self, cart_id: str, change: Change, *, pending: Fields | None) -> tuple[Verdict, Fields]:
        """Changes the cart under its row lock; `pending` is what this process had not kept yet.

        Cost: a transaction of two statements: the way of the minutes when the gate is away.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            row = await connection.fetchrow(QUERIES.lock_cart, cart_id)
            fields: Fields = {} if row is None else _FIELDS.decode(row["document"])
            if pending is not None and int(pending["v"]) > int(fields.get("v", "0")):
                fields = pending
            verdict, after = change(fields)
            if after is not fields:
                await _keep(connection, {cart_id: after})
            return verdict, after

    @contextlib.asynccontextmanager
    async def claiming(self, account_id: uuid.UUID, currency: str, cart_id: str) -> AsyncIterator[Claiming]:
        """The transaction of a claim of `cart_id`, which becomes the account's open cart if it has none.

        Raises: Unauthenticated when the account is gone. Claims of one account and currency wait for each other.
        """
        async with acquired(self._pool) as connection, connection.transaction():
            own_id = await connection.fetchval(QUERIES.point, account_id, currency, cart_id)
            if own_id is None:
                raise Unauthenticated("This account is not there any more; sign in again.")
            yield Claiming(connection, account_id, currency, own_id)

    async def forget_old(
        self, *, age_s: float = limits.CART_MEMORY_S, most: int = limits.CART_PERSIST_BATCH
    ) -> int:
        """Deletes carts untouched for `age_s`, at most `most`; gives how many. Retry: safe, until it gives 0."""
        return len(await fetch_all(self._pool, QUERIES.forget_carts, float(age_s), most))


async def _keep(connection: Connection, carts: Mapping[str, Fields]) -> None:
    accounts = [fields.get("acct") for fields in carts.values()]
    documents = [
        orjson.dumps({name: value for name, value in fields.items() if name != "hold"}).decode()
        for fields in carts.values()
    ]
    await connection.execute(
        QUERIES.keep_carts,
        list(carts),
        [int(fields["v"]) for fields in carts.values()],
        [None if account is None else uuid.UUID(account) for account in accounts],
        [fields["cur"] for fields in carts.values()],
        documents,
        [fields.get("st", "open") for fields in carts.values()],
    )
