"""Regular prices: set, read, taken away; what editors and quotes notice of it."""

import asyncio
import json

import msgspec

from checkout.prices import shape
from config import limits
from tests.api.products.conftest import PRODUCTS, Desk

PRICES = "/v1/admin/prices"


async def test_prices_are_set_read_and_taken_away(desk: Desk) -> None:
    """If this fails, a shop cannot change what its goods cost, or does not see what they cost."""
    made = await desk.make()
    wanted = [
        {"sku": "SCARF", "currency": "EUR", "amount": 1200, "compare_at": 1500},
        {"sku": "SCARF", "currency": "GBP", "amount": 1100},
        {"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 990},
    ]
    assert await desk.ok("PUT", PRICES, {"prices": wanted}) == {"changed": 3}
    assert await desk.ok("PUT", PRICES, {"prices": wanted}) == {"changed": 0}
    page = await desk.ok("GET", f"{PRICES}?sku=SCARF")
    msgspec.json.decode(json.dumps(page), type=shape.CurrentPrices)
    assert [(p["currency"], p["amount"], p["compare_at"], p["list_id"]) for p in page["items"]] == [
        ("EUR", 1200, 1500, None),
        ("GBP", 1100, None, None),
    ]
    assert (await desk.ok("GET", f"{PRODUCTS}/{made['id']}"))["version"] == made["version"] + 1
    assert (await desk.call("PATCH", f"{PRODUCTS}/{made['id']}", {"title": "x"}, version=made["version"]))[
        0
    ] == 412
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
    assert shown["variants"][0]["prices"] == {"EUR": 1200, "GBP": 1100}
    assert (await desk.call("DELETE", f"{PRICES}/SCARF/GBP"))[0] == 204
    assert (await desk.call("DELETE", f"{PRICES}/SCARF/GBP"))[0] == 404
    assert len((await desk.ok("GET", f"{PRICES}?product={made['id']}"))["items"]) == 1
    log = await desk.log("SCARF")
    assert [action for action, _, _ in log] == ["price.set", "price.set"]
    assert json.loads(log[0][1]) == {"EUR": {"amount": 1500, "compare_at": None}}
    assert json.loads(log[1][2]) == {"EUR": {"amount": 1200, "compare_at": 1500}}


async def test_who_edits_prices_that_have_changed_is_told(desk: Desk) -> None:
    """If this fails, two who edit prices at once overwrite each other unseen."""
    made = await desk.make()
    read = (await desk.ok("GET", f"{PRICES}?sku=SCARF&currency=EUR"))["items"][0]
    assert read["version"] == made["version"]
    old = {"sku": "SCARF", "currency": "EUR", "version": read["version"]}
    other = {"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 1}
    edits = [{**old, "amount": 100 + at} for at in range(20)]
    answers = await asyncio.gather(*(desk.call("PUT", PRICES, {"prices": [other, edit]}) for edit in edits))
    assert sorted(status for status, _, _ in answers) == [200] + [412] * 19
    won = next(at for at, (status, _, _) in enumerate(answers) if status == 200)
    now = (await desk.ok("GET", f"{PRICES}?sku=SCARF&currency=EUR"))["items"][0]
    assert (now["amount"], now["version"]) == (100 + won, read["version"] + 1)
    status, problem, _ = await desk.call("DELETE", f"{PRICES}/SCARF/EUR", version=read["version"])
    assert (status, problem["code"], problem["version"]) == (412, "stale_version", now["version"])
    assert (await desk.call("DELETE", f"{PRICES}/SCARF/EUR", version=now["version"]))[0] == 204
    whole = {"prices": [{"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 1}]}
    status, problem, _ = await desk.call("PUT", PRICES, whole, version=1)
    assert (status, problem["code"]) == (412, "stale_version")
    two = [{**old, "amount": 1}, {**old, "currency": "GBP", "amount": 1, "version": 9}]
    status, problem, _ = await desk.call("PUT", PRICES, {"prices": two})
    assert (status, problem["errors"][0]["field"]) == (400, "prices[1].version")


async def test_prices_are_all_set_or_none(desk: Desk) -> None:
    """If this fails, half of a price change is in force, and nobody knows which half."""
    entry = {"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 1}
    for wrong, field in (
        ({"sku": "NOPE", "currency": "EUR", "amount": 1}, "prices[1].sku"),
        ({"sku": "MUG-CLASSIC", "currency": "EUR", "amount": 2}, "prices[1]"),
        ({"sku": "MUG-CLASSIC", "currency": "euro", "amount": 2}, "prices[1].currency"),
        ({"sku": "MUG-CLASSIC", "currency": "EUR", "amount": -1}, "prices[1].amount"),
    ):
        status, problem, _ = await desk.call("PUT", PRICES, {"prices": [entry, wrong]})
        assert (status, problem["errors"][0]["field"]) == (400, field), problem
    assert (await desk.ok("GET", f"{PRICES}?sku=MUG-CLASSIC&currency=EUR"))["items"][0]["amount"] == 1250


async def test_vendors_price_their_own_alone(desk: Desk) -> None:
    """If this fails, a vendor sells a competitor's goods for a cent."""
    await desk.make("mine", who="vendor")
    await desk.make("theirs", who="other")
    for sku in ("THEIRS", "MUG-CLASSIC"):
        body = {"prices": [{"sku": sku, "currency": "EUR", "amount": 1}]}
        assert (await desk.call("PUT", PRICES, body, who="vendor"))[0] == 400
        assert (await desk.call("DELETE", f"{PRICES}/{sku}/EUR", who="vendor"))[0] == 404
        assert (await desk.ok("GET", f"{PRICES}?sku={sku}", who="vendor"))["items"] == []
        listed = {"name": "x", "prices": body["prices"], "until": "2099-01-01T00:00:00Z"}
        assert (await desk.call("POST", "/v1/admin/price-lists", listed, who="vendor"))[0] == 400
    mine = {"prices": [{"sku": "MINE", "currency": "EUR", "amount": 1}]}
    assert await desk.ok("PUT", PRICES, mine, who="vendor") == {"changed": 1}
    assert [p["sku"] for p in (await desk.ok("GET", PRICES, who="vendor"))["items"]] == ["MINE"]


async def test_pages_of_prices_are_whole(desk: Desk) -> None:
    """If this fails, an export by pages misses prices, or has them twice."""
    seen = []
    cursor = ""
    while cursor is not None:
        page = await desk.ok("GET", f"{PRICES}?limit=100" + (f"&cursor={cursor}" if cursor else ""))
        seen += [(p["sku"], p["currency"]) for p in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == await desk.shop.db.fetchval("SELECT count(*) FROM prices")
    for bad in ("zzz", "W10=", "WzEsIlx1MDAwMCJd"):
        assert (await desk.call("GET", f"{PRICES}?cursor={bad}"))[0] == 400
