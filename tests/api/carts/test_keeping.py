"""What is kept of carts in Postgres, and customer counters of coupons."""

import asyncio
from typing import Any

from checkout.app import PARTS
from checkout.carts.persist import Persister
from checkout.carts.store import CartStore
from checkout.errors import Unavailable
from checkout.promotions.store import CustomerCounters
from tests.shop import TestShop

from .steps import TEE, until


async def test_many_carts_are_kept_by_one_statement(shop: TestShop) -> None:
    """If this fails, busy shops write a statement a cart, or a newer cart is overwritten by an older one."""
    store = CartStore(shop.app[PARTS].pool)
    persister = Persister(store)
    ids = [f"{n:032d}" for n in range(300)]
    for version in (2, 1):
        for cart_id in ids:
            persister.mark(cart_id, {"v": str(version), "cur": "EUR", "l:A": f"{version} 1", "hold": "99"})
    await persister.flush()
    assert (persister.waiting, persister.written) == (0, 300)
    await store.keep({ids[0]: {"v": "1", "cur": "EUR"}})
    assert await store.get(ids[0]) == {"v": "2", "cur": "EUR", "l:A": "2 1"}
    assert await shop.db.fetchval("SELECT count(*) FROM carts WHERE version = 2") == 300


async def test_what_postgres_refuses_stays_marked(shop: TestShop) -> None:
    """If this fails, edits made while Postgres is away are never kept."""

    class Away(CartStore):
        away = True

        async def keep(self, carts: Any) -> None:
            if self.away:
                raise Unavailable("away")
            await super().keep(carts)

    store = Away(shop.app[PARTS].pool)
    persister = Persister(store, interval_s=0.01)
    persister.start()
    persister.mark("a" * 32, {"v": "1", "cur": "EUR"})
    await asyncio.sleep(0.1)
    assert persister.waiting == 1
    persister.mark("a" * 32, {"v": "2", "cur": "EUR"})
    store.away = False
    await until(lambda: persister.waiting == 0)
    assert await store.get("a" * 32) == {"v": "2", "cur": "EUR"}
    await persister.stop()


async def test_stopping_keeps_what_is_left(shop: TestShop) -> None:
    """If this fails, a deploy loses the last half second of everybody's carts."""
    store = CartStore(shop.app[PARTS].pool)
    persister = Persister(store, interval_s=60)
    persister.start()
    persister.mark("b" * 32, {"v": "1", "cur": "EUR"})
    await persister.stop()
    assert await store.get("b" * 32) == {"v": "1", "cur": "EUR"}


async def test_one_counter_a_coupon_and_customer(shop: TestShop) -> None:
    """If this fails, a customer uses a once-only coupon twice by asking twice at the same time."""
    counters = CustomerCounters(shop.app[PARTS].pool, b"s" * 32)
    coupon = await shop.db.fetchval("SELECT id FROM coupons WHERE code = 'ONCE20'")
    asked = [counters.counter(coupon, email, 1) for email in ("a@b.de", " A@B.de ") * 10]
    items = set(await asyncio.gather(*asked))
    assert len(items) == 1
    assert await counters.counter(coupon, "c@d.de", 1) not in items
    rows = await shop.db.fetch("SELECT on_hand, kind FROM stock WHERE kind = 'coupon_customer'")
    assert [(row["on_hand"], row["kind"]) for row in rows] == [(1, "coupon_customer")] * 2


async def test_a_once_only_coupon_is_used_once(shop: TestShop) -> None:
    """If this fails, the limit per customer does not hold, also under concurrency."""
    buys = [shop.buy((TEE, 1), coupons=["once20"], email="eve@example.com") for _ in range(6)]
    answers = await asyncio.gather(*buys)
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409, 409, 409]
    assert {document["code"] for status, document in answers if status == 409} == {"coupon_used_up"}
    assert (await shop.buy((TEE, 1), coupons=["ONCE20"], email="bob@example.com"))[0] == 201


async def test_old_carts_are_forgotten(shop: TestShop) -> None:
    """If this fails, abandoned carts and the addresses in them are kept for ever."""
    store = CartStore(shop.app[PARTS].pool)
    await store.keep({name * 32: {"v": "1", "cur": "EUR"} for name in "xyz"})
    await shop.db.execute(
        "UPDATE carts SET updated_at = now() - interval '100 days' WHERE id <> $1", "x" * 32
    )
    assert [await store.forget_old(most=1) for _ in range(3)] == [1, 1, 0]
    assert await store.get("x" * 32) is not None
