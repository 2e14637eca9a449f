"""Carts through HTTP: every call of the contract, its refusals, and where the cart is kept."""

import asyncio
from typing import Any

import pytest

from checkout.app import PARTS
from tests.shop import ADDRESS, TestShop, running

from .steps import MUG, TEE, begin, gate_open, until


def check(cart: dict[str, Any]) -> dict[str, Any]:
    """The identity of the totals."""
    totals = cart["totals"]
    assert totals["subtotal"] - totals["discount"] + totals["shipping"] + totals["tax"] == totals["total"]
    return cart


async def test_a_cart_from_empty_to_order(shop: TestShop) -> None:
    """If this fails, a shopper cannot fill a cart, see its totals and order it."""
    cart = await begin(shop)
    at = f"/v1/carts/{cart['id']}"
    assert (cart["version"], cart["lines"], cart["totals"]["total"], cart["hold_expires_at"]) == (
        1,
        [],
        0,
        None,
    )
    assert len(cart["id"]) >= 22
    status, cart, headers = await shop.call("PUT", f"{at}/lines/{TEE}", json={"quantity": 3})
    assert (status, cart["version"], headers["ETag"]) == (200, 2, '"2"')
    _, cart, _ = await shop.call("PUT", f"{at}/lines/{MUG}", json={"quantity": 1})
    _, cart, _ = await shop.call("PUT", f"{at}/lines/{TEE}", json={"quantity": 2})
    assert [(line["sku"], line["quantity"]) for line in cart["lines"]] == [(TEE, 2), (MUG, 1)]
    assert check(cart)["totals"]["tax_included"] == 0
    _, cart, _ = await shop.call("PUT", f"{at}/address", json=ADDRESS)
    assert check(cart)["totals"]["tax_included"] > 0
    status, options, _ = await shop.call("GET", f"{at}/shipping-options")
    assert {option["option"] for option in options["items"]} == {"standard", "express"}
    status, cart, _ = await shop.call("PUT", f"{at}/shipping", json={"option": "express"})
    assert (status, cart["shipping_option"]["code"]) == (200, "express")
    status, cart, _ = await shop.call("POST", f"{at}/coupons", json={"code": "welcome10"})
    assert status == 200
    assert check(cart)["totals"]["discount"] > 0
    _, read, _ = await shop.call("GET", at)
    assert read == cart
    status, document = await shop.buy(
        cart_id=cart["id"],
        lines=None,
        currency=None,
        shipping_address=None,
        expected_total=cart["totals"]["total"],
    )
    assert status == 201, document
    assert document["order"]["totals"]["total"] == cart["totals"]["total"]

    async def is_ordered() -> bool:
        return bool((await shop.call("GET", at))[1]["status"] == "ordered")

    await until(is_ordered)
    status, problem, _ = await shop.call("PUT", f"{at}/lines/{TEE}", json={"quantity": 1})
    assert (status, problem["code"]) == (409, "cart_ordered")


async def test_zero_and_delete_remove_a_line(shop: TestShop) -> None:
    """If this fails, an article cannot be taken out of a cart, or removing it twice is an error."""
    cart = await begin(shop, (TEE, 1), (MUG, 2))
    at = f"/v1/carts/{cart['id']}"
    _, cart, _ = await shop.call("PUT", f"{at}/lines/{TEE}", json={"quantity": 0})
    assert [line["sku"] for line in cart["lines"]] == [MUG]
    for _ in range(2):
        status, cart, _ = await shop.call("DELETE", f"{at}/lines/{MUG}")
        assert (status, cart["lines"], cart["version"]) == (200, [], 3)


@pytest.mark.parametrize("quantity", [-1, 10_001, 10**9, 2**63, 1.5, "1", None, True])
async def test_impossible_quantities(shop: TestShop, quantity: Any) -> None:
    """If this fails, a cart holds a quantity that no shop can sell (T19)."""
    cart = await begin(shop, (TEE, 1))
    status, problem, _ = await shop.call(
        "PUT", f"/v1/carts/{cart['id']}/lines/{TEE}", json={"quantity": quantity}
    )
    assert (status, problem["errors"][0]["field"]) == (400, "quantity")
    _, after, _ = await shop.call("GET", f"/v1/carts/{cart['id']}")
    assert after == cart


async def test_refusals_name_their_reason(shop: TestShop) -> None:
    """If this fails, a client cannot tell what to mend."""
    cart = await begin(shop, (TEE, 1))
    at = f"/v1/carts/{cart['id']}"
    calls: list[tuple[str, str, Any, int, str]] = [
        ("GET", "/v1/carts/" + "x" * 32, None, 404, "unknown_cart"),
        ("GET", "/v1/carts/short", None, 404, "unknown_cart"),
        ("PUT", f"{at}/lines/NO-SUCH", {"quantity": 1}, 404, "unknown_sku"),
        ("PUT", f"{at}/lines/{TEE}", {"quantity": 1, "price": 1}, 400, "invalid"),
        ("POST", "/v1/carts", {"currency": "eur"}, 400, "invalid"),
        ("POST", "/v1/carts", {"currency": "EUR", "total": 1}, 400, "invalid"),
        (
            "POST",
            "/v1/carts",
            {"currency": "EUR", "lines": [{"sku": "NO-SUCH", "quantity": 1}]},
            400,
            "unknown_sku",
        ),
        ("POST", f"{at}/coupons", {"code": "NOPE"}, 400, "unknown_coupon"),
        ("GET", f"{at}/shipping-options", None, 409, "address_required"),
        ("PUT", f"{at}/shipping", {"option": "standard"}, 409, "address_required"),
        ("PUT", f"{at}/address", {"country": "Germany"}, 400, "invalid"),
    ]
    for method, path, body, status, code in calls:
        got, problem, headers = await shop.call(method, path, json=body)
        assert (got, problem["code"], headers["Content-Type"]) == (status, code, "application/problem+json")
    await shop.call("PUT", f"{at}/address", json={"country": "DE"})
    got, problem, _ = await shop.call("PUT", f"{at}/shipping", json={"option": "drone"})
    assert (got, problem["code"]) == (400, "unknown_shipping_option")


async def test_if_match_guards_edits(shop: TestShop) -> None:
    """If this fails, one tab overwrites what another one just did."""
    cart = await begin(shop, (TEE, 1))
    at = f"/v1/carts/{cart['id']}/lines/{TEE}"
    status, cart, _ = await shop.call("PUT", at, json={"quantity": 2}, headers={"If-Match": '"1"'})
    assert (status, cart["version"]) == (200, 2)
    for tag in ('"1"', '"nonsense"'):
        status, problem, _ = await shop.call("PUT", at, json={"quantity": 9}, headers={"If-Match": tag})
        assert (status, problem["code"]) == (412, "stale_version")
    edits = [shop.call("PUT", at, json={"quantity": n}, headers={"If-Match": '"2"'}) for n in range(3, 13)]
    assert sorted(status for status, _, _ in await asyncio.gather(*edits)) == [200] + [412] * 9


async def test_a_full_cart(shop: TestShop) -> None:
    """If this fails, a cart grows beyond what one claim can take."""
    rows = await shop.db.fetch(
        """SELECT v.sku FROM variants v JOIN products p ON p.id = v.product_id JOIN prices r USING (item_id)
           WHERE p.status = 'published' AND r.currency = 'EUR' ORDER BY v.sku LIMIT 101"""
    )
    skus = [row["sku"] for row in rows]
    cart = await begin(shop, *((sku, 1) for sku in skus[:100]))
    status, problem, _ = await shop.call(
        "PUT", f"/v1/carts/{cart['id']}/lines/{skus[100]}", json={"quantity": 1}
    )
    assert (status, problem["code"]) == (409, "cart_full")
    assert [line["sku"] for line in cart["lines"]] == skus[:100]


async def test_archived_articles_cost_nothing(shop: TestShop) -> None:
    """If this fails, a cart with an article that is not sold any more cannot be read, or is charged for it."""
    cart = await begin(shop, (TEE, 1), (MUG, 1))
    await shop.db.execute(
        """UPDATE products SET status = 'archived', archived_at = now()
           WHERE id = (SELECT product_id FROM variants WHERE sku = $1)""",
        MUG,
    )

    async def noticed() -> bool:
        return bool((await shop.call("GET", f"/v1/carts/{cart['id']}"))[1]["problems"])

    await until(noticed)
    _, now, _ = await shop.call("GET", f"/v1/carts/{cart['id']}")
    assert [(line["sku"], line["available"]) for line in now["lines"]] == [(TEE, True), (MUG, False)]
    assert now["problems"][0]["code"] == "not_for_sale"
    assert now["totals"]["total"] == cart["lines"][0]["total"]


async def test_carts_survive_every_process_and_the_gate(shop: TestShop) -> None:
    """If this fails, a shopper's cart is lost by a restart, or by losing Redis (C1)."""
    cart = await begin(shop, (TEE, 2))
    at = f"/v1/carts/{cart['id']}"
    await shop.call("POST", f"{at}/coupons", json={"code": "WELCOME10"})
    _, before, _ = await shop.call("PUT", f"{at}/address", json=ADDRESS)

    async def kept() -> bool:
        return bool(await shop.db.fetchval("SELECT version FROM carts WHERE id = $1", cart["id"]) == 3)

    await until(kept, wait_s=1.0)
    await shop.call("PUT", f"{at}/lines/{MUG}", json={"quantity": 1})
    await shop.app[PARTS].gate.lane.call(
        b"DEL", b"{0}:cart:%d:%b" % (shop.app[PARTS].gate.epoch, cart["id"].encode())
    )
    _, pending, _ = await shop.call("GET", at)
    assert pending["version"] == 4
    await shop.call("DELETE", f"{at}/lines/{MUG}")
    await shop.app[PARTS].gate.lane.call(b"FLUSHDB")
    status, after, _ = await shop.call("GET", at)
    assert status == 200
    await gate_open(shop)
    assert (await shop.call("GET", at))[1] == after
    assert after == {**before, "version": 5}
    async with running(shop.settings) as again:
        _, elsewhere, _ = await again.call("GET", at)
        assert elsewhere == after


async def test_edits_without_the_gate_win(shop: TestShop) -> None:
    """If this fails, carts stop working when Redis is away, or forget what was done meanwhile when it is back."""
    cart = await begin(shop, (TEE, 1))
    at = f"/v1/carts/{cart['id']}"
    _, cart, _ = await shop.call("PUT", f"{at}/lines/{TEE}", json={"quantity": 2})
    parts = shop.app[PARTS]
    parts.gate.close()
    status, away, _ = await shop.call("PUT", f"{at}/lines/{MUG}", json={"quantity": 4})
    assert status == 200
    assert [(line["sku"], line["quantity"]) for line in away["lines"]] == [(TEE, 2), (MUG, 4)]
    assert away["version"] > cart["version"] + 1
    parts.gate.close()
    status, new, _ = await shop.call("POST", "/v1/carts", json={"currency": "USD"})
    assert status == 201
    await gate_open(shop)
    _, back, _ = await shop.call("GET", at)
    assert back == away
    _, back, _ = await shop.call("PUT", f"{at}/lines/{MUG}", json={"quantity": 5})
    assert back["version"] == away["version"] + 1
    assert (await shop.call("GET", f"/v1/carts/{new['id']}"))[0] == 200
