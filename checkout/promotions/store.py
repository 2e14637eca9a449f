"""The only SQL of coupons."""

from hashlib import blake2b

from checkout.errors import ensure
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, acquired
from checkout.kit.ids import uuid7
from checkout.quoting.model import Coupon

QUERIES = sql.load(__file__)


async def load_coupons(connection: Connection) -> list[Coupon]:
    """Every coupon that is active; also those expired lately, so that they are refused by their own reason."""
    return [
        Coupon(
            id=row["id"],
            code=row["code"],
            kind=row["kind"],
            percent_bp=row["percent_bp"] or 0,
            amount_minor=row["amount_minor"] or 0,
            currency=row["currency"],
            min_subtotal_minor=row["min_subtotal_minor"],
            item_id=row["item_id"],
            offer_version=row["offer_version"] or 1,
            per_customer_limit=row["per_customer_limit"],
            valid_from_ms=row["valid_from_ms"],
            valid_until_ms=row["valid_until_ms"],
        )
        for row in await connection.fetch(QUERIES.all_coupons)
    ]


async def add_coupon(connection: Connection, coupon: Coupon, *, redemptions: int | None = None) -> int | None:
    """Makes a coupon, limited to `redemptions` when given, and gives its id; None when the code is taken.

    Shape: `id`, `item_id` and `offer_version` of the argument are ignored: the database makes them.
    """
    async with connection.transaction():
        coupon_id: int | None = await connection.fetchval(
            QUERIES.add_coupon,
            coupon.code,
            coupon.kind,
            coupon.percent_bp or None,
            coupon.amount_minor or None,
            coupon.currency,
            coupon.min_subtotal_minor,
            coupon.per_customer_limit,
            coupon.valid_from_ms,
            coupon.valid_until_ms,
        )
        if coupon_id is not None and redemptions is not None:
            item_id = await connection.fetchval(QUERIES.add_counter, "coupon", redemptions, uuid7())
            await connection.execute(QUERIES.limit_coupon, coupon_id, item_id)
    return coupon_id


class CustomerCounters:
    """Counters of coupons that are limited per customer: one row of stock a coupon and customer, made on first use.

    Guarantees: they are known to Postgres alone and never to the gate: the placing statement decides them.
    """

    def __init__(self, pool: Pool, secret: bytes) -> None:
        self._pool = pool
        self._secret = secret

    def key(self, email: str) -> bytes:
        """What a customer is known by here: a keyed hash of the e-mail address."""
        return blake2b(
            email.strip().lower().encode(), key=self._secret[:64], digest_size=16, person=b"coupon-customer"
        ).digest()

    async def counter(self, coupon_id: int, email: str, limit: int) -> int:
        """The item by which this customer's uses of this coupon are counted. Raises: Unavailable.

        Retry: safe. Cost: one read once it exists, else a transaction under the customer's lock.
        """
        key = self.key(email)
        async with acquired(self._pool) as connection:
            item_id: int | None = await connection.fetchval(QUERIES.customer_counter, coupon_id, key)
            if item_id is not None:
                return item_id
            async with connection.transaction():
                await connection.execute(QUERIES.lock_customer, key)
                item_id = await connection.fetchval(QUERIES.customer_counter, coupon_id, key)
                if item_id is None:
                    item_id = await connection.fetchval(
                        QUERIES.add_counter, "coupon_customer", limit, uuid7()
                    )
                    await connection.execute(QUERIES.add_customer_counter, coupon_id, key, item_id)
        ensure(item_id is not None, "a counter that was just made has an id")
        return int(item_id or 0)
