"""T21: a one-use coupon under a thousand parallel uses."""

import asyncio
from collections import Counter

from checkout.app import PARTS
from checkout.promotions.store import add_coupon
from checkout.quoting.model import Coupon
from tests.shop import TestShop

from .steps import TEE, gate_open, until

USES = 1_000


async def test_a_one_use_coupon_is_used_once(shop: TestShop) -> None:
    """If this fails, a single-use discount is given away many times by asking many times at once (T21)."""
    await gate_open(shop)
    async with shop.db.acquire() as connection:
        await add_coupon(connection, Coupon(0, "JUSTONE", "percent", percent_bp=9_000), redemptions=1)
    await shop.set_stock(TEE, 5_000)
    await until(lambda: "JUSTONE" in shop.app[PARTS].rules.current.coupons)
    answers = await asyncio.gather(*(shop.insist((TEE, 1), coupons=["JUSTONE"]) for _ in range(USES)))
    assert Counter(status for status, _ in answers) == {201: 1, 409: USES - 1}
    assert {document["code"] for status, document in answers if status == 409} == {"coupon_used_up"}
    used = await shop.db.fetchrow("SELECT reserved, on_hand FROM stock WHERE kind = 'coupon' AND on_hand = 1")
    assert (used["reserved"], used["on_hand"]) == (1, 1)
    assert (await shop.stock(TEE))[1] == 1
