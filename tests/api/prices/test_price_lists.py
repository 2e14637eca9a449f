"""Price lists: begun and ended by the clock, over regular prices that come back; orders across both moments."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from checkout.app import PARTS
from checkout.audit.model import Charge
from checkout.audit.prove import audit
from checkout.catalog.model import Price
from checkout.catalog.write import set_prices
from checkout.prices import shape
from checkout.prices.keep_time import begin_and_end
from config import limits
from tests.api.products.conftest import PRODUCTS, Desk
from tests.api.products.test_publishing import clock

LISTS, PRICES = "/v1/admin/price-lists", "/v1/admin/prices"


def in_s(seconds: float) -> str:
    """The moment that many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def plan(desk: Desk, begin: float, end: float | None, amount: int = 900, **more: Any) -> Any:
    """A list for the scarf."""
    body = {
        "name": "Winter sale",
        "from": in_s(begin),
        "until": None if end is None else in_s(end),
        "prices": [{"sku": "SCARF", "currency": "EUR", "amount": amount, "compare_at": 1500}],
    }
    return await desk.ok("POST", LISTS, body | more)


async def price(desk: Desk) -> int | None:
    """What the scarf costs now in euros, by Postgres."""
    found: int | None = await desk.shop.db.fetchval(
        "SELECT amount_minor FROM prices JOIN variants USING (item_id) WHERE sku = 'SCARF' AND currency = 'EUR'"
    )
    return found


async def no_charges() -> AsyncIterator[Charge]:
    """A provider that nobody asked for money yet."""
    for charge in ():
        yield charge


async def move_clock(desk: Desk) -> int:
    """What the relay does when it looks."""
    return await begin_and_end(desk.shop.app[PARTS].pool, 100)


async def test_a_sale_begins_and_ends_by_itself(desk: Desk) -> None:
    """If this fails, a sale starts late, or goes on after its end."""
    made = await desk.make()
    begin, end = time.time() + 2, time.time() + 4.5
    planned = await plan(desk, 2, 4.5)
    msgspec.json.decode(json.dumps(planned), type=shape.PriceListDocument)
    assert (planned["status"], planned["entries"], planned["version"]) == ("waiting", 1, 1)
    seen = []
    async with clock(desk):
        while time.time() < end + 4 and len(seen) < 3:
            _, shown, _ = await desk.shop.call("GET", "/v1/products/scarf")
            variant = shown["variants"][0]
            at = (variant["prices"]["EUR"], variant["compare_at_prices"].get("EUR"))
            if not seen or seen[-1][1] != at:
                seen.append((time.time(), at))
            await asyncio.sleep(0.05)
    assert [at for _, at in seen] == [(1500, None), (900, 1500), (1500, None)]
    assert begin <= seen[1][0] <= begin + 4
    assert end <= seen[2][0] <= end + 4
    over = await desk.ok("GET", f"{LISTS}/{planned['id']}")
    assert (over["status"], over["began_at"] is not None, over["over_at"] is not None) == ("over", True, True)
    assert [action for action, _, _ in await desk.log(planned["id"])] == [
        "price_list.plan", "price_list.begin", "price_list.end",
    ]  # fmt: skip
    assert (await desk.ok("GET", f"{PRODUCTS}/{made['id']}"))["version"] == made["version"] + 2


async def test_orders_across_the_change_pay_a_price_that_was_shown(desk: Desk) -> None:
    """If this fails, someone who saw the old total is charged another one without being asked, or the books do not add up."""
    await desk.make(variants=[{"sku": "SCARF", "prices": {"EUR": {"amount": 1500}}, "on_hand": 5000}])
    await desk.shop.quiet()
    _, first = await desk.shop.buy(("SCARF", 1))
    old = first["order"]["totals"]["total"]
    answers: list[tuple[int, Any]] = []
    going = True

    async def shopper(expected: int) -> None:
        while going:
            status, answer = await desk.shop.buy(("SCARF", 1), expected_total=expected)
            answers.append((status, answer))
            if status == 409:
                assert answer["code"] == "total_changed"
                expected = answer["totals"]["total"]
            else:
                assert status in (201, 503), answer
                if status == 201:
                    assert answer["order"]["totals"]["total"] == expected
            await asyncio.sleep(0.01)

    async def sold(total: int) -> None:
        """Waits until ten more have bought at this total."""
        known = len(answers)
        async with asyncio.timeout(60):
            while True:
                bought = [a for status, a in answers[known:] if status == 201]
                if sum(answer["order"]["totals"]["total"] == total for answer in bought) >= 10:
                    return
                await asyncio.sleep(0.02)

    shoppers = [asyncio.create_task(shopper(old)) for _ in range(8)]
    await sold(old)
    planned = await plan(desk, -1, 3600)
    assert await move_clock(desk) == 1
    await sold(old - 600)
    await desk.shop.db.execute("UPDATE price_lists SET ends_at = now() WHERE id = $1", planned["id"])
    assert await move_clock(desk) == 1
    await sold(old)
    going = False
    await asyncio.gather(*shoppers)
    statuses = Counter(status for status, _ in answers)
    totals = {answer["order"]["totals"]["total"] for status, answer in answers if status == 201}
    assert totals == {old, old - 600}
    assert statuses[409] >= 16, "each shopper was asked at both moments"
    lines = await desk.shop.db.fetch("SELECT DISTINCT unit_minor FROM order_lines ORDER BY 1")
    assert [row[0] for row in lines] == [900, 1500]
    await desk.shop.quiet()
    acknowledged = [answer["order"]["id"] for status, answer in answers if status == 201]
    report = await audit(desk.shop.settings, acknowledged=acknowledged, wait_s=0, ledger=no_charges)
    broken = [
        one for one in report.findings if not one.ok and one.name != "outbox_unfinished"
    ]  # no worker runs
    assert broken == []


async def test_a_regular_price_set_during_a_sale_waits_for_its_end(desk: Desk) -> None:
    """If this fails, an import or an editor ends a sale without knowing, or the end of the sale undoes their price."""
    made = await desk.make()
    await plan(desk, -1, 3600)
    assert await move_clock(desk) == 1
    assert await price(desk) == 900
    async with desk.shop.db.acquire() as connection:
        assert await set_prices(connection, {"SCARF": {"EUR": Price(1600)}}) == 1
        assert await set_prices(connection, {"SCARF": {"EUR": Price(1600)}}) == 0
    assert await price(desk) == 900
    document = await desk.ok("GET", f"{PRODUCTS}/{made['id']}")
    variant = document["variants"][0]
    assert variant["prices"] == {"EUR": {"amount": 1600, "compare_at": None}}
    assert variant["list_prices"]["EUR"]["amount"] == 900
    body = {name: document[name] for name in ("title", "slug")} | {
        "variants": [{"sku": "SCARF", "prices": variant["prices"], "weight_g": 200}]
    }
    assert (await desk.ok("PUT", f"{PRODUCTS}/{made['id']}", body))["version"] == document["version"]
    current = (await desk.ok("GET", f"{PRICES}?sku=SCARF"))["items"][0]
    assert (current["amount"], current["regular_amount"]) == (900, 1600)
    assert (await desk.call("DELETE", f"{LISTS}/{current['list_id']}"))[0] == 204
    assert await price(desk) == 1600
    assert (await desk.call("DELETE", f"{LISTS}/{current['list_id']}"))[1]["code"] == "price_list_begun"


async def test_a_price_only_for_a_time_goes_at_its_end(desk: Desk) -> None:
    """If this fails, a test in another currency goes on for ever, or a price taken away comes back."""
    await desk.make()
    prices = [
        {"sku": "SCARF", "currency": "GBP", "amount": 700},
        {"sku": "SCARF", "currency": "EUR", "amount": 800},
    ]
    planned = await plan(desk, -1, 3600, prices=prices)
    await move_clock(desk)
    currencies = "SELECT array_agg(currency || ' ' || amount_minor ORDER BY currency) FROM prices JOIN variants USING (item_id) WHERE sku = 'SCARF'"
    assert await desk.shop.db.fetchval(currencies) == ["EUR 800", "GBP 700"]
    assert (await desk.call("DELETE", f"{PRICES}/SCARF/EUR"))[0] == 204
    assert await desk.shop.db.fetchval(currencies) == ["EUR 800", "GBP 700"], "the sale goes on"
    await desk.shop.db.execute(
        "UPDATE price_lists SET ends_at = now() - interval '1 s', starts_at = now() - interval '1 h'"
    )
    assert await move_clock(desk) == 1
    assert await desk.shop.db.fetchval(currencies) is None
    assert (await desk.ok("GET", f"{LISTS}/{planned['id']}"))["status"] == "over"


async def test_a_list_without_an_end_sets_regular_prices(desk: Desk) -> None:
    """If this fails, a price rise planned for the first of the month does not come, or covers what is set later."""
    await desk.make()
    await plan(desk, -2, 3600, amount=900)
    planned = await plan(desk, -1, None, amount=1800)
    assert await move_clock(desk) == 2
    assert await price(desk) == 900, "the sale covers it"
    assert (await desk.ok("GET", f"{LISTS}/{planned['id']}"))["status"] == "over"
    current = (await desk.ok("GET", f"{PRICES}?sku=SCARF"))["items"][0]
    assert current["regular_amount"] == 1800
    await desk.ok("PUT", PRICES, {"prices": [{"sku": "SCARF", "currency": "EUR", "amount": 1900}]})
    await desk.call("DELETE", f"{LISTS}/{current['list_id']}")
    assert await price(desk) == 1900


async def test_lists_do_not_overlap(desk: Desk) -> None:
    """If this fails, two sales fight over one price, and which one wins is chance."""
    await desk.make()
    zero = datetime.now(UTC)

    def at(seconds: float) -> str:
        return (zero + timedelta(seconds=seconds)).isoformat()

    first = await plan(desk, 0, 0, **{"from": at(10), "until": at(20)})
    attempt = {"name": "x", "prices": first["prices"]}
    for begin, end, status in ((12, 15, 409), (9, 11, 409), (19, 30, 409), (20, 30, 201), (1, 10, 201)):
        body = attempt | {"from": at(begin), "until": at(end)}
        got, problem, _ = await desk.call("POST", LISTS, body)
        assert got == status, (begin, end, problem)
        if status == 409:
            assert problem["code"] == "price_list_overlaps"
    body = attempt | {"from": in_s(100), "until": in_s(200)}
    races = await asyncio.gather(*(desk.call("POST", LISTS, body) for _ in range(8)))
    assert Counter(status for status, _, _ in races) == {201: 1, 409: 7}
    status, problem, _ = await desk.call("PATCH", f"{LISTS}/{first['id']}", {"until": in_s(150)})
    assert (status, problem["code"]) == (409, "price_list_overlaps")


async def test_neighbouring_lists_follow_each_other(desk: Desk) -> None:
    """If this fails, the second of two sales brings back the first one's price as the regular one."""
    await desk.make()
    await plan(desk, 1, 2, amount=900)
    await plan(desk, 2.1, 3600, amount=800)
    await asyncio.sleep(1.2)
    await move_clock(desk)
    assert await price(desk) == 900
    await asyncio.sleep(1.2)
    pool = desk.shop.app[PARTS].pool
    moved = await asyncio.gather(*(begin_and_end(pool, 100) for _ in range(4)))  # several relays
    moved.append(await move_clock(desk))
    assert sum(moved) == 2
    current = (await desk.ok("GET", f"{PRICES}?sku=SCARF"))["items"][0]
    assert (current["amount"], current["regular_amount"]) == (800, 1500)
    await desk.call("DELETE", f"{LISTS}/{current['list_id']}")
    assert await price(desk) == 1500


async def test_a_list_that_nobody_began_in_time_is_over(desk: Desk) -> None:
    """If this fails, a relay that was down starts last week's sale."""
    await desk.make()
    planned = await plan(desk, 0.1, 0.4)
    await asyncio.sleep(0.6)
    assert await move_clock(desk) == 1
    assert await price(desk) == 1500
    missed = await desk.ok("GET", f"{LISTS}/{planned['id']}")
    assert (missed["status"], missed["began_at"]) == ("over", None)


async def test_lists_are_changed_by_version_and_only_before_they_begin(desk: Desk) -> None:
    """If this fails, two editors overwrite each other's sale, or a running sale changes under its shoppers."""
    await desk.make()
    planned = await plan(desk, 3600, 7200)
    one = f"{LISTS}/{planned['id']}"
    changed = await desk.ok("PATCH", one, {"name": "Summer sale", "prices": [
        {"sku": "SCARF", "currency": "EUR", "amount": 1}]}, version=1)  # fmt: skip
    assert (changed["name"], changed["prices"][0]["amount"], changed["version"]) == ("Summer sale", 1, 2)
    assert (await desk.call("PATCH", one, {"name": "x"}, version=1))[1]["code"] == "stale_version"
    assert (await desk.call("DELETE", one, version=1))[1]["code"] == "stale_version"
    status, problem, _ = await desk.call("PATCH", one, {"until": in_s(10)})
    assert (status, problem["errors"][0]["field"]) == (400, "until"), "before its beginning"
    await desk.ok("PATCH", one, {"from": in_s(-5)})
    await move_clock(desk)
    assert await price(desk) == 1
    for body in ({"prices": planned["prices"]}, {"from": in_s(60)}, {"until": None}):
        assert (await desk.call("PATCH", one, body))[1]["code"] == "price_list_begun", body
    longer = await desk.ok("PATCH", one, {"until": in_s(9000), "name": "Longer"})
    assert (longer["status"], longer["name"]) == ("running", "Longer")
    waiting = await plan(desk, 10_000, 10_001)
    assert (await desk.call("DELETE", f"{LISTS}/{waiting['id']}"))[0] == 204
    assert (await desk.call("GET", f"{LISTS}/{waiting['id']}"))[0] == 404
    cards = await desk.ok("GET", f"{LISTS}?status=running")
    msgspec.json.decode(json.dumps(cards), type=shape.PriceLists)
    assert [card["name"] for card in cards["items"]] == ["Longer"]
    assert limits.CATALOG_CLOCK_INTERVAL_S < 1
