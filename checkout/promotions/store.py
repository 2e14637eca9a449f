"""The only SQL of coupons."""

from collections.abc import Sequence

from checkout.kit import sql
from checkout.kit.db import Connection
from checkout.kit.ids import uuid7
from checkout.quoting.model import Claim, Coupon

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


async def customer_claims(
    connection: Connection, coupons: Sequence[Coupon], customer_key: bytes
) -> tuple[list[Claim], list[int]]:
    """One unit of this customer's own counter for each coupon that is limited per customer.

    Shape: (claims, items of counters that were made just now and that the gate does not know yet); `customer_key` is a
    keyed hash of the customer's e-mail address.
    Cost: one read, once the customer has used the coupon before; otherwise a transaction under the customer's lock.
    """
    limited = [coupon for coupon in coupons if coupon.per_customer_limit is not None]
    if not limited:
        return [], []
    found = await _counters(connection, limited, customer_key)
    made: list[int] = []
    if len(found) < len(limited):
        async with connection.transaction():
            await connection.execute(QUERIES.lock_customer, customer_key)
            found = await _counters(connection, limited, customer_key)
            for coupon in limited:
                if coupon.id in found:
                    continue
                item_id = await connection.fetchval(
                    QUERIES.add_counter, "coupon_customer", coupon.per_customer_limit, uuid7()
                )
                await connection.execute(QUERIES.add_customer_counter, coupon.id, customer_key, item_id)
                found[coupon.id] = (item_id, 1, 1)
                made.append(item_id)
    return sorted(found.values()), made


async def _counters(
    connection: Connection, coupons: Sequence[Coupon], customer_key: bytes
) -> dict[int, Claim]:
    ids = [coupon.id for coupon in coupons]
    rows = await connection.fetch(QUERIES.customer_counters, customer_key, ids)
    return {row["coupon_id"]: (row["item_id"], 1, row["offer_version"]) for row in rows}
