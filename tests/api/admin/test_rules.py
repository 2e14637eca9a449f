"""Shipping zones and tax rates: edited as documents, and in force in every process at once."""

import asyncio
from typing import Any

from checkout.app import PARTS
from tests.api.access.conftest import Desk

ZONES, RATES = "/v1/admin/shipping-zones", "/v1/admin/tax-rates"


def rate(option: str = "standard", **changes: Any) -> dict[str, Any]:
    """A shipping rate in EUR, up to 2 kg."""
    return {
        "option": option,
        "title": "By post",
        "currency": "EUR",
        "up_to_weight_g": 2000,
        "amount": 490,
    } | changes


async def until(desk: Desk, holds: Any) -> None:
    """Waits until the process quotes by rules of which this holds."""
    async with asyncio.timeout(2):
        while not holds(desk.shop.app[PARTS].rules.current):
            await asyncio.sleep(0.01)


async def test_a_zone_is_made_changed_and_gone_for_quotes(desk: Desk) -> None:
    """If this fails, a merchant's shipping price is shown and another one is charged."""
    zone = {"name": "Iceland", "countries": ["IS"], "rates": [rate(), rate("express", amount=990)]}
    made = await desk.call("admin", "POST", ZONES, json=zone, expect=201)
    await until(desk, lambda rules: rules.zone("IS").name == "Iceland")
    address = {"name": "A", "line1": "B", "city": "C", "postal_code": "101", "country": "IS"}
    status, bought = await desk.shop.buy(("MUG-CLASSIC", 1), shipping_address=address)
    assert (status, bought["order"]["totals"]["shipping"]) == (201, 490)
    at = f"{ZONES}/{made['id']}"
    changed = zone | {"rates": [rate(amount=700)]}
    await desk.call("admin", "PUT", at, json=changed, headers={"If-Match": '"9"'}, expect=412)
    after = await desk.call("admin", "PUT", at, json=changed, headers={"If-Match": '"1"'}, expect=200)
    assert [entry["amount"] for entry in after["rates"]] == [700]
    await until(desk, lambda rules: rules.zone("IS").rates["EUR"][0].brackets[0].amount_minor == 700)
    status, bought = await desk.shop.buy(("MUG-CLASSIC", 1), shipping_address=address)
    assert (status, bought["order"]["totals"]["shipping"]) == (201, 700)
    await desk.call("admin", "DELETE", at, expect=204)
    await desk.call("admin", "GET", at, expect=404)
    await until(desk, lambda rules: rules.zone("IS").name == "Rest of the world")


async def test_no_two_zones_have_a_country(desk: Desk) -> None:
    """If this fails, which of two prices a country pays is left to chance, also when both are made at once."""
    await desk.call("admin", "POST", ZONES, json={"name": "Mine", "countries": ["IS", "DE"]}, expect=409)
    await desk.call("admin", "POST", ZONES, json={"name": "Germany", "countries": ["IS"]}, expect=409)
    racing = [
        desk.call("admin", "POST", ZONES, json={"name": f"Zone {n}", "countries": ["IS"]}) for n in range(5)
    ]
    assert sorted(status for status, _, _ in await asyncio.gather(*racing)) == [201] + [409] * 4


async def test_a_zone_that_makes_no_sense_is_refused_by_its_field(desk: Desk) -> None:
    """If this fails, a slip in a price list is quoted."""
    for wrong, field in (
        ({"rates": [rate(), rate(amount=1)]}, "rates[1]"),
        ({"rates": [rate("2026")]}, "rates[0].option"),
        ({"rates": [rate(days_min=5, days_max=2)]}, "rates[0].days_max"),
        ({"rates": [rate(), rate(up_to_weight_g=5000, title="By ship")]}, "rates[1]"),
        ({"countries": ["IS", "IS"]}, "countries"),
        ({"countries": []}, "countries"),
        ({"countries": ["IS\n"]}, "countries[0]"),
    ):
        body = {"name": "Iceland", "countries": ["IS"], "rates": []} | wrong
        problem = await desk.call("admin", "POST", ZONES, json=body, expect=400)
        assert [error["field"] for error in problem["errors"]] == [field], wrong


async def test_a_tax_rate_is_made_changed_and_gone_for_quotes(desk: Desk) -> None:
    """If this fails, the shop charges a tax that its merchant has changed."""
    wanted = {"country": "IS", "name": "VSK", "rate_bp": 2400, "inclusive": False}
    made = await desk.call("admin", "POST", RATES, json=wanted, expect=201)
    assert made["id"] == "IS.*.standard"
    await desk.call("admin", "POST", RATES, json=wanted, expect=409)
    await until(desk, lambda rules: rules.tax_table("IS", "").get("standard") is not None)
    address = {"name": "A", "line1": "B", "city": "C", "postal_code": "101", "country": "IS"}
    _, bought = await desk.shop.buy(("MUG-CLASSIC", 1), shipping_address=address)
    totals = bought["order"]["totals"]
    assert totals["tax"] == round((totals["subtotal"] + totals["shipping"]) * 0.24)
    at = f"{RATES}/{made['id']}"
    terms = {"name": "VSK", "rate_bp": 1100, "inclusive": False}
    after = await desk.call("admin", "PUT", at, json=terms, headers={"If-Match": '"1"'}, expect=200)
    assert (after["rate_bp"], after["version"]) == (1100, 2)
    await desk.call("admin", "PUT", at, json=terms, headers={"If-Match": '"1"'}, expect=412)
    await desk.call("admin", "DELETE", at, headers={"If-Match": '"2"'}, expect=204)
    await desk.call("admin", "GET", at, expect=404)
    await until(desk, lambda rules: rules.tax_table("IS", "").get("standard") is None)
    for wrong in ("IS", "is.*.standard", "IS..standard", "IS.*.exempt'", "%00", "IS.*.standard%0A"):
        await desk.call("admin", "GET", f"{RATES}/{wrong}", expect=404)
    await desk.call("admin", "POST", RATES, json=wanted | {"tax_class": "exempt"}, expect=400)


async def test_rules_are_listed_page_by_page_each_once(desk: Desk) -> None:
    """If this fails, a merchant misses a rate on the page's edge."""
    for at, name in (
        (ZONES, "id"),
        (RATES, "id"),
        ("/v1/admin/coupons", "code"),
        ("/v1/admin/roles", "name"),
    ):
        whole = await desk.call("admin", "GET", f"{at}?limit=100", expect=200)
        seen, cursor = [], ""
        while True:
            page = await desk.call("admin", "GET", f"{at}?limit=2{cursor}", expect=200)
            seen += [item[name] for item in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert seen == [item[name] for item in whole["items"]]
        assert len(seen) == len(set(seen)) > 2
