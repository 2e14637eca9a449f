"""What is on sale when: published now, at a time, not any more; and what carts and checkouts say of what is gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from checkout.app import PARTS
from config import limits
from tests.api.products.conftest import PRODUCTS, Desk
from workers.relay import keep_catalog_time


@asynccontextmanager
async def clock(desk: Desk) -> AsyncIterator[None]:
    """The relay's part that keeps the catalogue's time."""
    running = asyncio.create_task(keep_catalog_time(desk.shop.app[PARTS].pool))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def shown(desk: Desk, slug: str) -> int:
    """The status of the storefront's product page."""
    return (await desk.shop.call("GET", f"/v1/products/{slug}"))[0]


async def test_a_planned_product_appears_within_seconds_of_its_time(desk: Desk) -> None:
    """If this fails, a launch is late, early, or never happens."""
    at = datetime.now(UTC) + timedelta(seconds=2)
    made = await desk.make("launch", status="draft", publish_at=at.isoformat())
    assert (made["status"], made["publish_at"] is not None) == ("draft", True)
    assert await shown(desk, "launch") == 404
    async with clock(desk):
        while await shown(desk, "launch") == 404:
            assert time.time() < at.timestamp() + 3, "it never appeared"
            await asyncio.sleep(0.05)
        assert time.time() >= at.timestamp(), "it appeared early"
    after = await desk.ok("GET", f"{PRODUCTS}/{made['id']}")
    assert (after["status"], after["publish_at"]) == ("published", None)
    assert after["version"] > made["version"]
    assert (await desk.log(made["id"]))[-1][0] == "product.publish"
    assert limits.CATALOG_CLOCK_INTERVAL_S + limits.INVALIDATION_MAX_S < 3


async def test_a_plan_can_be_changed_and_called_off(desk: Desk) -> None:
    """If this fails, a product goes live although its launch was called off."""
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    off = await desk.make("called-off", status="draft")
    planned = await desk.ok("POST", f"{PRODUCTS}/{off['id']}/publish", {"at": soon})
    assert (planned["status"], planned["publish_at"] is not None) == ("draft", True)
    called_off = await desk.ok("POST", f"{PRODUCTS}/{off['id']}/unpublish", version=planned["version"])
    assert called_off["publish_at"] is None
    gone = await desk.make("archived", status="draft", publish_at=soon)
    await desk.ok("POST", f"{PRODUCTS}/{gone['id']}/archive")
    edited = await desk.make("edited", status="draft", publish_at=soon)
    kept = await desk.ok("PATCH", f"{PRODUCTS}/{edited['id']}", {"title": "Edited meanwhile"})
    assert kept["publish_at"] == edited["publish_at"]
    async with clock(desk):
        await asyncio.sleep(2)
    assert [await shown(desk, slug) for slug in ("called-off", "archived", "edited")] == [404, 404, 200]
    status, problem, _ = await desk.call("POST", f"{PRODUCTS}/{edited['id']}/publish", {"at": soon})
    assert (status, problem["code"]) == (409, "conflict")


async def test_publish_unpublish_archive_are_seen_at_once(desk: Desk) -> None:
    """If this fails, shoppers buy what was taken off sale, or do not see what was put on sale."""
    made = await desk.make(status="draft")
    one = f"{PRODUCTS}/{made['id']}"
    states = [("publish", "published", 200), ("unpublish", "draft", 404), ("publish", "published", 200),
              ("archive", "archived", 404), ("archive", "archived", 404), ("publish", "published", 200)]  # fmt: skip
    for verb, state, seen in states:
        document = await desk.ok("POST", f"{one}/{verb}")
        assert document["status"] == state
        await asyncio.sleep(limits.INVALIDATION_MAX_S)
        assert await shown(desk, "scarf") == seen, (verb, state)
        assert (document["archived_at"] is not None) == (state == "archived")
    assert [action for action, _, _ in await desk.log(made["id"])][1:] == [
        "product.publish", "product.unpublish", "product.publish", "product.archive", "product.publish",
    ]  # fmt: skip


async def test_what_is_off_sale_is_named_by_cart_and_checkout(desk: Desk) -> None:
    """If this fails, an archived product is still sold, or a shopper is told only that something is wrong."""
    shop = desk.shop
    made = await desk.make()
    await shop.quiet()
    lines = [{"sku": "SCARF", "quantity": 2}, {"sku": "MUG-CLASSIC", "quantity": 1}]
    _, cart, _ = await shop.call("POST", "/v1/carts", json={"currency": "EUR", "lines": lines})
    assert cart["problems"] == []
    await desk.ok("POST", f"{PRODUCTS}/{made['id']}/archive")
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    _, cart, _ = await shop.call("GET", f"/v1/carts/{cart['id']}")
    assert [(p["code"], p["field"]) for p in cart["problems"]] == [("not_for_sale", "lines.SCARF")]
    assert [line["available"] for line in cart["lines"]] == [True, False]
    status, problem = await shop.buy(lines=None, currency=None, cart_id=cart["id"])
    assert (status, problem["code"]) == (409, "out_of_stock")
    assert problem["lines"] == [{"sku": "SCARF", "requested": 2, "available": 0}]
    status, problem = await shop.buy(("MUG-CLASSIC", 1), ("SCARF", 1))
    assert (status, problem["code"]) == (400, "unknown_sku")
    assert [error["field"] for error in problem["errors"]] == ["lines[1].sku"]
    for path in ("/v1/products/scarf", "/v1/skus/SCARF/availability", "/v1/skus/SCARF/barcode.svg"):
        assert (await shop.call("GET", path))[0] == 404, path
    _, listed, _ = await shop.call("GET", "/v1/products?q=scarf")
    assert listed["items"] == []
    assert await shop.stock("SCARF") == (100, 0)


async def test_an_archived_product_is_not_sold_by_a_process_that_has_not_heard(desk: Desk) -> None:
    """If this fails, a cached offer sells what was archived a moment ago."""
    shop = desk.shop
    made = await desk.make()
    await shop.quiet()
    assert (await shop.buy(("SCARF", 1)))[0] == 201
    pool = shop.app[PARTS].pool
    shop.app[PARTS].offers.invalidate = lambda payload: None  # this process is deaf
    async with pool.acquire() as connection:
        await connection.execute("SELECT 1")
    await desk.ok("POST", f"{PRODUCTS}/{made['id']}/archive")
    del shop.app[PARTS].offers.invalidate
    status, problem = await shop.buy(("SCARF", 1))
    assert (status, problem["code"]) == (400, "unknown_sku")
    assert await shop.stock("SCARF") == (100, 1)
