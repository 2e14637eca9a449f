"""The only SQL of coupons."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

from checkout.access.store import record
from checkout.errors import Conflict, Invalid, NotFound, ensure
from checkout.kit import sql
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import CheckViolation, Connection, Pool, Record, acquired, fetch_all, fetch_one
from checkout.kit.ids import uuid7
from checkout.promotions.shape import CouponTerms
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
        """The item by which this customer's uses of this coupon are counted. Raises: Unavailable, Invalid `unknown_coupon`.

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
                    row = await connection.fetchrow(QUERIES.limit_of, coupon_id)
                    if row is None:
                        raise Invalid("The coupon was just deleted.", field="coupons", code="unknown_coupon")
                    item_id = await connection.fetchval(
                        QUERIES.add_counter, "coupon_customer", row["per_customer_limit"] or limit, uuid7()
                    )
                    await connection.execute(QUERIES.add_customer_counter, coupon_id, key, item_id)
        ensure(item_id is not None, "a counter that was just made has an id")
        return int(item_id or 0)


class CouponStore:
    """Coupons as admins see them. Every method may raise Unavailable while Postgres is away.

    A limit is a row of stock, so it is changed by the ledger (decision 0006).
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, after: str, most: int) -> Sequence[Record]:
        """Coupons by code, after this one."""
        return await fetch_all(self._pool, QUERIES.coupons_page, after, most)

    async def one(self, code: str) -> Record:
        """Raises: NotFound."""
        return _found(await fetch_one(self._pool, QUERIES.coupon, code))

    async def add(self, code: str, terms: CouponTerms, *, actor: str) -> Record:
        """A new coupon with its counter. Raises: Conflict `coupon_taken`, Invalid."""
        with _sensible():
            async with acquired(self._pool) as connection, connection.transaction():
                coupon_id = await connection.fetchval(QUERIES.insert_coupon, code, *_columns(terms))
                if coupon_id is None:
                    raise Conflict("A coupon has this code.", code="coupon_taken")
                if terms.max_uses is not None:
                    item_id = await connection.fetchval(
                        QUERIES.add_counter, "coupon", terms.max_uses, uuid7()
                    )
                    await connection.execute(QUERIES.limit_coupon, coupon_id, item_id)
                row = _found(await connection.fetchrow(QUERIES.coupon, code))
                await record(connection, actor=actor, action="coupon.create", subject=code, after=_told(row))
        return row

    async def change(self, code: str, terms: CouponTerms, version: int | None, *, actor: str) -> Record:
        """The coupon with these terms instead; quotes made by the old ones are stale where it has `max_uses`.

        Raises: NotFound, Stale, Invalid, Conflict `below_reserved` when more uses are taken than would be allowed.
        Locks: the coupon's row, its counter, its customers' counters in item order.
        """
        with _sensible():
            async with acquired(self._pool) as connection, connection.transaction():
                old = await _locked(connection, code, version)
                before = _found(await connection.fetchrow(QUERIES.coupon, code))
                limit, item_id = terms.per_customer_limit, old["item_id"]
                each = limit is not None and limit != old["per_customer_limit"]
                rows = await connection.fetch(QUERIES.lock_counters, old["id"], item_id, each)
                on_hand = {row["item_id"]: row["on_hand"] for row in rows}.get(item_id, 0)
                item_id = await self._limit(connection, item_id, on_hand, terms.max_uses, actor)
                if each:
                    await connection.execute(QUERIES.move_customer_counters, old["id"], limit, actor)
                await connection.execute(QUERIES.change_coupon, old["id"], *_columns(terms), item_id)
                row = _found(await connection.fetchrow(QUERIES.coupon, code))
                await record(
                    connection,
                    actor=actor,
                    action="coupon.change",
                    subject=code,
                    before=_told(before),
                    after=_told(row),
                )
        return row

    async def delete(self, code: str, version: int | None, *, actor: str) -> None:
        """Deletes the coupon; orders keep what it took off. Raises: NotFound, Stale. Locks: the coupon's row."""
        async with acquired(self._pool) as connection, connection.transaction():
            old = await _locked(connection, code, version)
            before = _found(await connection.fetchrow(QUERIES.coupon, code))
            await connection.execute(QUERIES.delete_coupon, old["id"])
            await record(connection, actor=actor, action="coupon.delete", subject=code, before=_told(before))

    @staticmethod
    async def _limit(
        connection: Connection, item_id: int | None, on_hand: int, max_uses: int | None, actor: str
    ) -> int | None:
        """The item that counts the uses from now on. Shape: the one that did so far is locked, with `on_hand` uses."""
        if max_uses is None:
            return None
        if item_id is None:
            made: int = await connection.fetchval(QUERIES.add_counter, "coupon", max_uses, uuid7())
            return made
        await connection.execute(QUERIES.move_counter, item_id, max_uses - on_hand, uuid7(), actor)
        return item_id


@contextmanager
def _sensible() -> Iterator[None]:
    try:
        yield
    except CheckViolation as error:
        if error.constraint_name == "stock_never_oversold":
            raise Conflict(
                "More uses of the coupon are taken than this allows.", code="below_reserved"
            ) from None
        if error.constraint_name == "coupons_window":
            raise Invalid("valid_until: after valid_from", field="valid_until") from None
        raise


async def _locked(connection: Connection, code: str, version: int | None) -> Record:
    row = _found(await connection.fetchrow(QUERIES.lock_coupon, code))
    refuse_stale(row["version"], version)
    return row


def _columns(terms: CouponTerms) -> tuple[Any, ...]:
    return (
        terms.kind,
        terms.percent_bp,
        terms.amount,
        terms.currency,
        terms.min_subtotal,
        terms.per_customer_limit,
        terms.valid_from,
        terms.valid_until,
        terms.active,
    )


def _told(row: Record) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("id", "code", "used", "version")}


def _found(row: Record | None) -> Record:
    if row is None:
        raise NotFound("There is no such coupon.")
    return row
