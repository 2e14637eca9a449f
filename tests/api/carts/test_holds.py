"""Holds through HTTP: every line reserved for a while, all or nothing, also when the cart is edited."""

import asyncio
import time
from datetime import datetime
from typing import Any

import msgspec

from checkout.app import PARTS
from checkout.promotions.store import add_coupon
from checkout.quoting.model import Coupon
from tests.shop import ADDRESS, Stores, TestShop, running

from .steps import MUG, TEE, gate_open, left, until
from .steps import begin as new_cart


async def begin(shop: TestShop, *lines: tuple[str, int]) -> str:
    """The path of a new cart with these lines."""
    return f"/v1/carts/{(await new_cart(shop, *lines))['id']}"


async def test_a_hold_reserves_all_lines_or_none(shop: TestShop) -> None:
    """If this fails, two shoppers hold the last unit, or a refused hold keeps some of its lines."""
    await gate_open(shop)
    await shop.set_stock(TEE, 5)
    await gate_open(shop)
    await shop.set_stock(MUG, 1)
    first = await begin(shop, (TEE, 2), (MUG, 1))
    status, cart, _ = await shop.call("POST", f"{first}/hold")
    assert status == 200, cart
    until = datetime.fromisoformat(cart["hold_expires_at"]).timestamp()
    assert abs(until - time.time() - shop.settings.hold_ttl_s) < 3
    assert 0 < cart["hold_expires_in_s"] <= shop.settings.hold_ttl_s
    second = await begin(shop, (TEE, 2), (MUG, 1))
    status, problem, _ = await shop.call("POST", f"{second}/hold")
    assert (status, problem["code"]) == (409, "out_of_stock")
    assert problem["lines"] == [{"sku": MUG, "requested": 1, "available": 0}]
    assert (await left(shop, TEE), await left(shop, MUG)) == (3, 0)
    status, cart, _ = await shop.call("DELETE", f"{first}/hold")
    assert (status, cart["hold_expires_at"]) == (200, None)
    assert (await left(shop, TEE), await left(shop, MUG)) == (5, 1)
    assert (await shop.call("POST", f"{second}/hold"))[0] == 200
    status, _, _ = await shop.call("POST", f"{second}/hold")
    assert (status, await left(shop, MUG)) == (200, 0)


async def test_edits_of_a_held_cart_move_the_hold(shop: TestShop) -> None:
    """If this fails, a held cart promises units that nobody reserved, or keeps units it gave up."""
    await gate_open(shop)
    await shop.set_stock(TEE, 5)
    cart = await begin(shop, (TEE, 2))
    _, held, _ = await shop.call("POST", f"{cart}/hold")
    status, after, _ = await shop.call("PUT", f"{cart}/lines/{TEE}", json={"quantity": 4})
    assert (status, await left(shop, TEE)) == (200, 1)
    assert abs(after["hold_expires_in_s"] - held["hold_expires_in_s"]) <= 2
    status, problem, _ = await shop.call("PUT", f"{cart}/lines/{TEE}", json={"quantity": 6})
    assert (status, problem["lines"]) == (409, [{"sku": TEE, "requested": 6, "available": 5}])
    _, unchanged, _ = await shop.call("GET", cart)
    assert (unchanged["lines"][0]["quantity"], unchanged["version"]) == (4, after["version"])
    await shop.call("PUT", f"{cart}/lines/{TEE}", json={"quantity": 1})
    assert await left(shop, TEE) == 4
    _, empty, _ = await shop.call("DELETE", f"{cart}/lines/{TEE}")
    assert (empty["lines"], empty["hold_expires_at"], await left(shop, TEE)) == ([], None, 5)
    status, problem, _ = await shop.call("POST", f"{cart}/hold")
    assert (status, problem["code"]) == (409, "cart_empty")


async def test_edits_at_once_leave_one_truth(shop: TestShop) -> None:
    """If this fails, concurrent edits of a held cart leave the hold and the lines apart."""
    await gate_open(shop)
    await shop.set_stock(TEE, 50)
    cart = await begin(shop, (TEE, 1))
    await shop.call("POST", f"{cart}/hold")
    edits = [shop.call("PUT", f"{cart}/lines/{TEE}", json={"quantity": n}) for n in range(1, 9)]
    statuses = {status for status, _, _ in await asyncio.gather(*edits)}
    assert statuses <= {200, 503}
    _, settled, _ = await shop.call("PUT", f"{cart}/lines/{TEE}", json={"quantity": 7})
    assert settled["lines"][0]["quantity"] == 7
    assert await left(shop, TEE) == 43


async def test_an_order_takes_over_its_carts_hold(shop: TestShop) -> None:
    """If this fails, a shopper is blocked by the hold of the own cart, or it stays behind after the order."""
    await gate_open(shop)
    await shop.set_stock(MUG, 2)
    cart = await begin(shop, (MUG, 2))
    assert (await shop.call("POST", f"{cart}/hold"))[0] == 200
    status, document = await shop.buy((MUG, 1))
    assert (status, document["code"]) == (409, "out_of_stock")
    status, document = await shop.buy(cart_id=cart.rpartition("/")[2], lines=None, currency=None)
    assert status == 201, document
    assert (await shop.stock(MUG), await left(shop, MUG)) == ((2, 2), 0)


async def test_a_limited_coupon_is_held_like_stock(shop: TestShop) -> None:
    """If this fails, a one-use coupon is promised to two carts at once."""
    async with shop.db.acquire() as connection:
        await add_coupon(connection, Coupon(0, "SINGLE", "percent", percent_bp=5_000), redemptions=1)
    await shop.quiet()
    rules = shop.app[PARTS].rules
    await until(lambda: "SINGLE" in rules.current.coupons)
    carts = [await begin(shop, (TEE, 1)) for _ in range(2)]
    for cart in carts:
        status, document, _ = await shop.call("POST", f"{cart}/coupons", json={"code": "single"})
        assert (status, document["coupons"][0]["applied"]) == (200, True)
    assert (await shop.call("POST", f"{carts[0]}/hold"))[0] == 200
    status, problem, _ = await shop.call("POST", f"{carts[1]}/hold")
    assert (status, problem["code"], problem["coupons"]) == (409, "coupon_used_up", ["SINGLE"])
    status, _, _ = await shop.call("DELETE", f"{carts[0]}/coupons/SINGLE")
    assert status == 200
    assert (await shop.call("POST", f"{carts[1]}/hold"))[0] == 200


async def test_holds_expire(stores: Stores) -> None:
    """If this fails, units of a shopper who left are never sold to anybody else."""
    settings: Any = msgspec.structs.replace(await stores.fresh_settings(), hold_ttl_s=1)
    async with running(settings) as shop:
        await gate_open(shop)
        await shop.set_stock(MUG, 1)
        cart = await begin(shop, (MUG, 1))
        assert (await shop.call("POST", f"{cart}/hold"))[0] == 200
        assert await left(shop, MUG) == 0

        async def given_back() -> bool:
            return await left(shop, MUG) == 1

        await until(given_back)
        _, document, _ = await shop.call("GET", cart)
        assert document["hold_expires_at"] is None
        status, _ = await shop.buy((MUG, 1), shipping_address=ADDRESS)
        assert status == 201
