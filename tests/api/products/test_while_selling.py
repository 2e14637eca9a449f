"""Editors, a sale and shoppers at once: nobody waits for somebody who waits for them, and no unit is lost."""

import asyncio
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.api.products.conftest import PRODUCTS, Desk
from tests.api.products.test_publishing import clock

LEAST = {("buy", 201): 3, ("edit", 200): 10, ("price", 200): 2}


async def test_editing_and_selling_do_not_stand_in_each_others_way(desk: Desk) -> None:
    """If this fails, locks are taken in two orders: edits and orders deadlock when the shop is busiest."""
    shop, dice = desk.shop, random.Random(7)
    made = []
    for name in "abc":
        variants = [
            {"sku": f"{name}-{n}".upper(), "prices": {"EUR": {"amount": 1000}}, "on_hand": 10_000}
            for n in range(4)
        ]
        made.append(await desk.make(f"product-{name}", variants=variants))
    skus = [variant["sku"] for product in made for variant in product["variants"]]
    await shop.quiet()
    began = time.time()
    answers: Counter[tuple[str, int]] = Counter()

    def going_on() -> bool:
        """Five seconds, and on a slow machine until each has had its way often enough."""
        took_s = time.time() - began
        return took_s < 5 or (took_s < 60 and any(answers[what] < least for what, least in LEAST.items()))

    async def shopper() -> None:
        while going_on():
            status, _ = await shop.buy(*((sku, 1) for sku in dice.sample(skus, 3)))
            answers["buy", status] += 1

    async def editor(product: dict[str, str]) -> None:
        one = f"{PRODUCTS}/{product['id']}"
        while going_on():
            body = {"title": f"Product {dice.random()}", "tags": [str(dice.random())]}
            status, _, _ = await desk.call("PATCH", one, body)
            answers["edit", status] += 1
            sku = dice.choice(product["variants"])["sku"]  # type: ignore[call-overload,index]
            status, _, _ = await desk.call("PATCH", f"{one}/variants/{sku}", {"weight_g": dice.randrange(99)})
            answers["edit", status] += 1

    async def pricer() -> None:
        while going_on():
            prices = [
                {"sku": sku, "currency": "EUR", "amount": dice.randrange(900, 1100)}
                for sku in dice.sample(skus, 6)
            ]
            status, _, _ = await desk.call("PUT", "/v1/admin/prices", {"prices": prices})
            answers["price", status] += 1
            until = (datetime.now(UTC) + timedelta(seconds=0.7)).isoformat()
            status, _, _ = await desk.call(
                "POST", "/v1/admin/price-lists", {"name": "flash", "until": until, "prices": prices}
            )
            answers["list", status] += 1
            await asyncio.sleep(0.2)

    async def closer() -> None:
        while going_on():
            one = f"{PRODUCTS}/{made[0]['id']}"
            status, _, _ = await desk.call("POST", f"{one}/unpublish")
            answers["unpublish", status] += 1
            status, _, _ = await desk.call("POST", f"{one}/publish", {})
            answers["publish", status] += 1
            await asyncio.sleep(0.3)

    async with clock(desk):
        await asyncio.gather(
            *(shopper() for _ in range(6)),
            *(editor(product) for product in made),
            pricer(),
            pricer(),
            closer(),
        )
    print(dict(answers))
    assert all(answers[what] >= least for what, least in LEAST.items())
    assert {status for _, status in answers} <= {200, 201, 400, 409, 503}, answers
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    await asyncio.sleep(1.2)  # the server's figures are a second old
    assert await shop.db.fetchval(deadlocks) == 0
    wrong = await shop.db.fetch(
        """SELECT s.item_id FROM stock s JOIN variants v USING (item_id) LEFT JOIN order_lines l USING (item_id)
           WHERE v.sku = ANY ($1) GROUP BY s.item_id, s.reserved HAVING s.reserved <> coalesce(sum(l.quantity), 0)""",
        skus,
    )
    assert wrong == []
