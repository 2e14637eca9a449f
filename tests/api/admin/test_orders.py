"""Orders as support, admins and vendors find them."""

import uuid
from typing import Any

import pytest

from config import limits
from tests.api.access.conftest import Desk

ORDERS = "/v1/admin/orders"


async def bought(desk: Desk, *skus: str, email: str = "ada@example.com") -> Any:
    """An order of one unit each."""
    status, document = await desk.shop.buy(*((sku, 1) for sku in skus), email=email)
    assert status == 201
    return document["order"]


async def found(desk: Desk, query: str, who: str = "support") -> list[str]:
    """Numbers of the orders that a search finds, over all its pages."""
    numbers, cursor = [], ""
    while True:
        page = await desk.call(who, "GET", f"{ORDERS}?{query}{cursor}", expect=200)
        numbers += [order["number"] for order in page["items"]]
        if page["next_cursor"] is None:
            return numbers
        cursor = f"&cursor={page['next_cursor']}"


async def test_an_order_is_found_by_what_the_customer_can_tell(desk: Desk) -> None:
    """If this fails, support cannot find the order of whoever calls."""
    mug = await bought(desk, "MUG-CLASSIC")
    both = await bought(desk, "MUG-CLASSIC", "TEE-BLACK-M", email="Bob@example.com")
    gone = await bought(desk, "TEE-BLACK-M")
    await desk.call("support", "POST", f"{ORDERS}/{gone['id']}/cancel", expect=200)
    everything = [gone["number"], both["number"], mug["number"]]
    for query, wanted in (
        ("", everything),
        ("limit=1", everything),
        (f"number={both['number']}", [both["number"]]),
        ("number=999999999999999999", []),
        ("email=BOB@Example.com", [both["number"]]),
        ("email=nobody@example.com", []),
        ("status=cancelled", [gone["number"]]),
        ("status=placed&limit=1", [both["number"], mug["number"]]),
        ("sku=MUG-CLASSIC", [both["number"], mug["number"]]),
        ("sku=MUG-CLASSIC&email=ada@example.com", [mug["number"]]),
        ("sku=NO-SUCH-SKU", []),
        ("from=2020-01-01T00:00:00Z", everything),
        ("to=2020-01-01T00:00:00Z", []),
        ("from=2999-01-01T00:00:00Z", []),
    ):
        assert await found(desk, query) == wanted, query
    for query in (
        "number=1.5",
        "number=-1",
        "status=lost",
        "email=%00",
        "sku=",
        "from=now",
        "cursor=WyJ4Il0=",
        "cursor=x",
        "limit=1e2",
    ):
        await desk.call("support", "GET", f"{ORDERS}?{query}", expect=400)
    whole = await desk.call("support", "GET", f"{ORDERS}/{both['id']}", expect=200)
    assert (whole["email"].lower(), whole["order"]["totals"]) == ("bob@example.com", both["totals"])
    for path in ("x", "%00", uuid.UUID(int=0)):
        await desk.call("support", "GET", f"{ORDERS}/{path}", expect=404)
        await desk.call("support", "POST", f"{ORDERS}/{path}/cancel", expect=404)


async def test_a_vendor_sees_its_lines_and_nothing_of_the_customer(desk: Desk) -> None:
    """If this fails, a vendor reads who bought, what else they bought, or what the shop earns."""
    await desk.shop.db.execute("UPDATE products SET owner_id = $1", desk.ids["other"])
    await desk.shop.db.execute(
        "UPDATE products SET owner_id = $1 WHERE id = (SELECT product_id FROM variants WHERE sku = 'MUG-CLASSIC')",
        desk.ids["vendor"],
    )
    both, tee = await bought(desk, "MUG-CLASSIC", "TEE-BLACK-M"), await bought(desk, "TEE-BLACK-M")
    assert await found(desk, "", "vendor") == [both["number"]]
    assert await found(desk, "", "other") == [tee["number"], both["number"]]
    assert await found(desk, "sku=TEE-BLACK-M", "vendor") == []
    assert await found(desk, f"number={tee['number']}", "vendor") == []
    await desk.call("vendor", "GET", f"{ORDERS}?email=ada@example.com", expect=400)
    seen = await desk.call("vendor", "GET", f"{ORDERS}/{both['id']}", expect=200)
    assert [line["sku"] for line in seen["lines"]] == ["MUG-CLASSIC"]
    shown = {"id", "number", "status", "currency", "placed_at", "lines", "shipments", "timeline"}
    assert set(seen) == shown
    text = str(seen) + str(await desk.call("vendor", "GET", ORDERS, expect=200))
    assert not [word for word in ("ada@", "Lovelace", "Linden", "TEE-BLACK", "stripe") if word in text]
    await desk.call("vendor", "GET", f"{ORDERS}/{tee['id']}", expect=404)
    await desk.give_role({"packer": ["own:orders:*"]})
    packer = desk.token("vendor", "packer")
    assert (await desk.call(packer, "POST", f"{ORDERS}/{both['id']}/cancel"))[0] == 404


async def test_support_cancels_and_the_log_says_who(desk: Desk) -> None:
    """If this fails, units of a cancelled order stay reserved, or nobody knows who cancelled it."""
    order = await bought(desk, "MUG-CLASSIC")
    before = await desk.shop.stock("MUG-CLASSIC")
    key = await desk.key("admin", "all:orders:*")
    for _ in range(2):
        document = await desk.call(key, "POST", f"{ORDERS}/{order['id']}/cancel", expect=200)
        assert document["status"] == "cancelled"
    assert await desk.shop.stock("MUG-CLASSIC") == (before[0], before[1] - 1)
    key_id = await desk.shop.db.fetchval("SELECT id FROM api_keys")
    log = await desk.shop.db.fetch("SELECT actor, subject FROM audit_log WHERE action = 'order.cancel'")
    assert [(row["actor"], row["subject"]) for row in log] == [(f"key:{key_id}", order["id"])]
    detail = await desk.shop.db.fetchval("SELECT detail::text FROM order_events WHERE status = 'cancelled'")
    assert "support" in detail
    paid = await bought(desk, "MUG-CLASSIC")
    await desk.shop.db.execute(
        "UPDATE orders SET status = 'paid', paid_at = now() WHERE id = $1", uuid.UUID(paid["id"])
    )
    problem = await desk.call("support", "POST", f"{ORDERS}/{paid['id']}/cancel", expect=409)
    assert problem["code"] == "not_cancellable"
    assert await desk.shop.db.fetchval("SELECT count(*) FROM audit_log WHERE action = 'order.cancel'") == 1


async def test_what_is_rare_is_found_on_a_later_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a search for a rare state scans the whole shop, or stops before it has found all."""
    monkeypatch.setattr(limits, "ORDERS_LOOKED_AT_MAX", 3)
    rare = await bought(desk, "TEE-BLACK-M")
    others = [await bought(desk, "MUG-CLASSIC") for _ in range(7)]
    first = await desk.call("support", "GET", f"{ORDERS}?sku=TEE-BLACK-M", expect=200)
    assert (first["items"], first["next_cursor"] is not None) == ([], True)
    assert await found(desk, "sku=TEE-BLACK-M") == [rare["number"]]
    newest_first = [order["number"] for order in reversed(others)]
    assert await found(desk, "limit=2") == [*newest_first, rare["number"]]
