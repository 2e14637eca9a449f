"""Variants: made from options, added, changed, archived, removed; SKUs and barcodes."""

import asyncio
from typing import Any

from checkout.catalog import gtin
from config import limits
from tests.api.products.conftest import PRODUCTS, Desk

OPTIONS = {"size": ["S", "M"], "colour": ["red", "deep blue"]}
EACH = {
    "prices": {"EUR": {"amount": 1990, "compare_at": 2490}, "USD": {"amount": 2190}},
    "weight_g": 150,
    "on_hand": 5,
}


async def made_from_options(desk: Desk, **more: Any) -> Any:
    """A published product with four variants."""
    body = {"title": "Linen shirt", "options": OPTIONS, "each": EACH, "status": "published"}
    return await desk.ok("POST", PRODUCTS, body | more)


async def test_options_make_every_combination_once(desk: Desk) -> None:
    """If this fails, a size and colour that is on the shelf cannot be bought."""
    made = await made_from_options(desk)
    assert made["slug"] == "linen-shirt"
    assert [(v["sku"], v["options"]) for v in made["variants"]] == [
        ("LINEN-SHIRT-S-RED", {"size": "S", "colour": "red"}),
        ("LINEN-SHIRT-S-DEEP-BLUE", {"size": "S", "colour": "deep blue"}),
        ("LINEN-SHIRT-M-RED", {"size": "M", "colour": "red"}),
        ("LINEN-SHIRT-M-DEEP-BLUE", {"size": "M", "colour": "deep blue"}),
    ]
    assert {v["title"] for v in made["variants"]} >= {"S / red"}
    assert all((v["on_hand"], v["prices"]) == (5, {
        "EUR": {"amount": 1990, "compare_at": 2490}, "USD": {"amount": 2190, "compare_at": None}})
        for v in made["variants"])  # fmt: skip
    more = await desk.ok(
        "POST",
        f"{PRODUCTS}/{made['id']}/variants",
        {"options": {"size": ["M", "L"], "colour": ["red"]}, "each": EACH},
        version=made["version"],
    )
    assert [v["sku"] for v in more["variants"]][4:] == ["LINEN-SHIRT-L-RED"], "M / red is there already"
    assert [v["position"] for v in more["variants"]] == [0, 1, 2, 3, 4]
    await desk.shop.quiet()
    _, answer = await desk.shop.buy(("LINEN-SHIRT-L-RED", 5))
    assert answer["order"]["lines"][0]["title"] == "Linen shirt – L / red"


async def test_a_variant_changes_by_itself(desk: Desk) -> None:
    """If this fails, changing one variant's weight or price touches another one, or forgets a currency."""
    made = await made_from_options(desk)
    path = f"{PRODUCTS}/{made['id']}/variants/LINEN-SHIRT-M-RED"
    barcode = gtin.complete("400638133393")
    changed = await desk.ok(
        "PATCH", path, {"prices": {"EUR": {"amount": 1500}}, "barcode": barcode, "weight_g": 99}, version=1
    )
    red = changed["variants"][2]
    assert red["prices"] == {"EUR": {"amount": 1500, "compare_at": None}}, "USD was left out: it is gone"
    assert (red["barcode"], red["weight_g"], red["on_hand"]) == (barcode, 99, 5)
    assert [v for v in changed["variants"] if v is not red] == [
        v for v in made["variants"] if v["sku"] != red["sku"]
    ]
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    _, shown, _ = await desk.shop.call("GET", "/v1/products/linen-shirt")
    assert [v["prices"] for v in shown["variants"]][2] == {"EUR": 1500}
    status, problem = await desk.shop.buy(("LINEN-SHIRT-M-RED", 1), currency="USD")
    assert (status, problem["code"]) == (400, "unknown_sku")
    assert (await desk.call("PATCH", f"{PRODUCTS}/{made['id']}/variants/NOPE", {"weight_g": 1}))[0] == 404


async def test_an_archived_variant_is_not_sold_and_not_shown(desk: Desk) -> None:
    """If this fails, a discontinued size is still offered, or its orders lose their line."""
    made = await made_from_options(desk)
    await desk.shop.quiet()
    _, answer = await desk.shop.buy(("LINEN-SHIRT-S-RED", 1))
    path = f"{PRODUCTS}/{made['id']}/variants/LINEN-SHIRT-S-RED"
    archived = await desk.ok("PATCH", path, {"archived": True})
    assert archived["variants"][0]["archived_at"] is not None
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    _, shown, _ = await desk.shop.call("GET", "/v1/products/linen-shirt")
    assert "LINEN-SHIRT-S-RED" not in {v["sku"] for v in shown["variants"]}
    for path_ in ("/v1/skus/LINEN-SHIRT-S-RED/availability", "/v1/skus/LINEN-SHIRT-S-RED/barcode.svg"):
        assert (await desk.shop.call("GET", path_))[0] == 404
    status, problem = await desk.shop.buy(("LINEN-SHIRT-S-RED", 1))
    assert (status, problem["code"]) == (400, "unknown_sku")
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    _, order, _ = await desk.shop.call("GET", f"/v1/orders/{answer['order']['id']}", headers=headers)
    assert order["lines"][0]["sku"] == "LINEN-SHIRT-S-RED"
    back = await desk.ok("PATCH", path, {"archived": False})
    assert back["variants"][0]["archived_at"] is None
    await asyncio.sleep(limits.INVALIDATION_MAX_S)
    assert (await desk.shop.buy(("LINEN-SHIRT-S-RED", 1)))[0] == 201


async def test_what_was_stocked_or_ordered_is_not_removed(desk: Desk) -> None:
    """If this fails, an order, or units on a shelf, belong to nothing."""
    made = await made_from_options(desk)
    one = f"{PRODUCTS}/{made['id']}"
    status, problem, _ = await desk.call("DELETE", f"{one}/variants/LINEN-SHIRT-S-RED")
    assert (status, problem["code"]) == (409, "variant_in_use")
    added = await desk.ok(
        "POST", f"{one}/variants", {"variants": [{"sku": "NEVER", "prices": {"EUR": {"amount": 1}}}]}
    )
    assert len(added["variants"]) == 5
    gone = await desk.ok("DELETE", f"{one}/variants/NEVER", version=added["version"])
    assert [v["sku"] for v in gone["variants"]] == [v["sku"] for v in made["variants"]]
    again = await desk.ok("POST", f"{one}/variants", {"variants": [{"sku": "NEVER", "on_hand": 3}]})
    assert again["variants"][4]["on_hand"] == 3
    kept = {name: made[name] for name in ("title", "slug")} | {"variants": [{"sku": "LINEN-SHIRT-M-RED"}]}
    put = await desk.ok("PUT", one, kept)
    live = [v["sku"] for v in put["variants"] if v["archived_at"] is None]
    assert live == ["LINEN-SHIRT-M-RED"]
    assert len(put["variants"]) == 5, "the others had stock: archived, not removed"
    for method, path, body in (
        ("DELETE", f"{one}/variants/LINEN-SHIRT-M-RED", None),
        ("PATCH", f"{one}/variants/LINEN-SHIRT-M-RED", {"archived": True}),
    ):
        status, problem, _ = await desk.call(method, path, body)
        assert (status, problem["code"]) == (409, "last_variant")


async def test_removing_a_variant_while_it_is_bought_sells_nothing_unreserved(desk: Desk) -> None:
    """If this fails, an order is placed for a variant that was just removed, and no unit is reserved for it."""
    made = await made_from_options(desk)
    one = f"{PRODUCTS}/{made['id']}"
    for turn in range(5):
        sku = f"SHORT-LIVED-{turn}"
        await desk.ok("POST", f"{one}/variants", {"variants": [
            {"sku": sku, "prices": {"EUR": {"amount": 100}}, "backorder_limit": 50}]})  # fmt: skip
        await desk.shop.quiet()
        results = await asyncio.gather(
            *(desk.shop.buy((sku, 1)) for _ in range(6)),
            desk.call("DELETE", f"{one}/variants/{sku}"),
            *(desk.shop.buy((sku, 1)) for _ in range(6)),
        )
        removed = results[6][0] == 200
        placed = sum(result[0] == 201 for result in results[:6] + results[7:])
        assert not (removed and placed), (turn, placed)
        assert results[6][0] in (200, 409)
    unreserved = await desk.shop.db.fetchval(
        """SELECT count(*) FROM (SELECT item_id, sum(quantity) AS units FROM order_lines GROUP BY item_id) l
           JOIN stock s USING (item_id) WHERE s.reserved <> l.units"""
    )
    assert unreserved == 0
    await desk.shop.quiet()


async def test_a_scan_finds_its_article_in_every_spelling(desk: Desk) -> None:
    """If this fails, the warehouse scans a parcel and is told that it does not exist."""
    upc = gtin.complete("03600029145")
    await desk.make("soap", variants=[{"sku": "SOAP/1", "barcode": upc, "on_hand": 4}])
    for code in (upc, "0" + upc, "00" + upc):
        found = await desk.ok("GET", f"/v1/admin/skus?barcode={code}")
        assert [(item["sku"], item["on_hand"]) for item in found["items"]] == [("SOAP/1", 4)], code
    assert (await desk.ok("GET", "/v1/admin/skus?sku=SOAP/1"))["items"][0]["barcode"] == upc
    assert (await desk.ok("GET", f"/v1/admin/skus?barcode={gtin.complete('1234567')}"))["items"] == []
    for query in ("barcode=123", "barcode=4006381333932", "", f"sku=A&barcode={upc}", "sku=%00"):
        status, problem, _ = await desk.call("GET", f"/v1/admin/skus?{query}")
        assert (status, problem["code"]) == (400, "invalid"), query
    product = (await desk.ok("GET", "/v1/admin/skus?sku=SOAP/1"))["items"][0]["product_id"]
    changed = await desk.ok("PATCH", f"{PRODUCTS}/{product}/variants/SOAP%2F1", {"weight_g": 7})
    assert changed["variants"][0]["weight_g"] == 7
