"""The only SQL of carts."""

import uuid
from collections.abc import Callable, Mapping

import msgspec
import orjson

from checkout.carts.model import Fields, Verdict
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired, fetch_all, fetch_one
from config import limits

QUERIES = sql.load(__file__)
_FIELDS = msgspec.json.Decoder(dict[str, str])
Change = Callable[[Fields], tuple[Verdict, Fields]]


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
