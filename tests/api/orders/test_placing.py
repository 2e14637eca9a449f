"""Placing an order through HTTP: what is accepted, refused, repeated, and what Postgres holds afterwards."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from tests.shop import TestShop

TEE, MUG = "TEE-BLACK-M", "MUG-CLASSIC"


async def test_an_order_is_complete_when_it_is_answered(shop: TestShop) -> None:
    """If this fails, a 201 does not mean a committed order with stock, lines and work to be done."""
    _, before = await shop.stock(TEE)
    status, document = await shop.buy((TEE, 2), (MUG, 1))
    assert status == 201, document
    order = document["order"]
    assert order["status"] == "placed"
    totals = order["totals"]
    assert totals["subtotal"] - totals["discount"] + totals["shipping"] + totals["tax"] == totals["total"]
    assert totals["subtotal"] == sum(line["unit_price"] * line["quantity"] for line in order["lines"])
    assert (await shop.stock(TEE))[1] == before + 2
    row = await shop.db.fetchrow("SELECT * FROM orders WHERE id = $1", order["id"])
    assert str(row["number"]) == order["number"]
    assert await shop.db.fetchval("SELECT count(*) FROM order_lines WHERE order_id = $1", order["id"]) == 2
    topics = await shop.db.fetch("SELECT topic FROM outbox WHERE subject_id = $1", order["id"])
    assert [topic["topic"] for topic in topics] == ["payment.capture"]


async def test_only_the_token_opens_the_order(shop: TestShop) -> None:
    """If this fails, strangers can read orders, or learn which ids exist."""
    _, document = await shop.buy((TEE, 1))
    path = f"/v1/orders/{document['order']['id']}"
    status, order, _ = await shop.call(
        "GET", path, headers={"Authorization": f"Bearer {document['access_token']}"}
    )
    assert (status, order["number"]) == (200, document["order"]["number"])
    _, other = await shop.buy((TEE, 1))
    for headers in ({}, {"Authorization": f"Bearer {other['access_token']}"}, {"Authorization": "Bearer x"}):
        status, problem, _ = await shop.call("GET", path, headers=headers)
        assert (status, problem["code"]) == (404, "not_found")
    status, missing, _ = await shop.call("GET", "/v1/orders/01930000-0000-7000-8000-000000000000")
    assert (status, missing["code"]) == (404, "not_found")


async def test_the_last_unit_is_sold_once(shop: TestShop) -> None:
    """If this fails, one unit is sold to two people, or a refusal does not say what is left."""
    await shop.set_stock(MUG, 3)
    status, problem = await shop.buy((MUG, 5))
    assert status == 409
    assert problem["code"] == "out_of_stock"
    assert problem["lines"] == [{"sku": MUG, "requested": 5, "available": 3}]
    answers = await asyncio.gather(*(shop.buy((MUG, 1)) for _ in range(12)))
    assert Counter(status for status, _ in answers) == {201: 3, 409: 9}
    assert await shop.stock(MUG) == (3, 3)


async def test_two_lines_of_one_sku_are_one_demand(shop: TestShop) -> None:
    """If this fails, stock is oversold by an order that names a SKU twice."""
    await shop.set_stock(MUG, 3)
    status, problem = await shop.buy((MUG, 2), (MUG, 2))
    assert (status, problem["lines"][0]["requested"]) == (409, 4)
    status, document = await shop.buy((MUG, 1), (MUG, 2))
    assert (status, document["order"]["lines"][0]["quantity"]) == (201, 3)


async def test_a_missing_or_bad_key_is_refused(shop: TestShop) -> None:
    """If this fails, a purchase can be sent without the means to repeat it safely."""
    for headers, code in (
        ({}, "idempotency_key_missing"),
        ({"Idempotency-Key": " "}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "x" * 256}, "idempotency_key_invalid"),
    ):
        status, problem, _ = await shop.call(
            "POST", "/v1/checkouts", json=shop.purchase((TEE, 1)), headers=headers
        )
        assert (status, problem["code"], problem["errors"][0]["field"]) == (400, code, "Idempotency-Key")


async def test_one_key_500_times_is_one_order(shop: TestShop) -> None:
    """T22. If this fails, a double click or a retrying client buys twice."""
    answers = await asyncio.gather(*(shop.buy((TEE, 1), key="the-same") for _ in range(500)))
    statuses = Counter(status for status, _ in answers)
    assert set(statuses) <= {201, 409}
    assert all(document["code"] == "in_progress" for status, document in answers if status == 409)
    assert len({document["order"]["id"] for status, document in answers if status == 201}) == 1
    first = next(document for status, document in answers if status == 201)
    status, again, headers = await shop.call(
        "POST", "/v1/checkouts", json=shop.purchase((TEE, 1)), headers={"Idempotency-Key": "the-same"}
    )
    assert (status, again, headers["Idempotent-Replayed"]) == (201, first, "true")
    status, problem = await shop.buy((TEE, 2), key="the-same")
    assert (status, problem["code"]) == (422, "idempotency_mismatch")
    assert await shop.db.fetchval("SELECT count(*) FROM orders") == 1
    assert (await shop.stock(TEE))[1] == 1


async def test_a_repetition_of_what_is_under_way_is_counted_with_it(shop: TestShop) -> None:
    """If this fails, a double click costs a call of the gate for each click, and they take the room from other buyers."""
    body, headers = shop.purchase((TEE, 1)), {"Idempotency-Key": "clicked"}
    clicks = [shop.call("POST", "/v1/checkouts", json=body, headers=headers) for _ in range(20)]
    answers = await asyncio.gather(*clicks)
    repeated = [answer for status, _, answer in answers if status == 409]
    assert repeated
    assert not any("RateLimit" in answer for answer in repeated)
    assert all("RateLimit" in answer for status, _, answer in answers if status == 201)


async def test_a_retry_after_the_last_unit_was_sold_gives_the_order(shop: TestShop) -> None:
    """If this fails, the buyer of the last unit who lost the answer is told that it is sold out."""
    await shop.set_stock(MUG, 1)
    status, first = await shop.buy((MUG, 1), key="last")
    assert status == 201
    assert (await shop.buy((MUG, 1)))[0] == 409
    assert await shop.buy((MUG, 1), key="last") == (201, first)


async def test_10000_buyers_100_units(shop: TestShop) -> None:
    """T20. If this fails, a sale oversells, undersells or deadlocks when orders overlap on several SKUs."""
    await shop.set_stock(MUG, 100)
    room = asyncio.Semaphore(256)

    async def buyer(number: int) -> int:
        lines = [(MUG, 1), (TEE, 1)] if number % 2 else [(TEE, 1), (MUG, 1)]
        async with room:
            return (await shop.insist(*lines))[0]

    statuses = Counter(await asyncio.gather(*(buyer(number) for number in range(10_000))))
    assert statuses == {201: 100, 409: 9_900}
    assert await shop.stock(MUG) == (100, 100)
    assert (await shop.stock(TEE))[1] == 100


async def test_nothing_smuggled_in_is_accepted(shop: TestShop) -> None:
    """T18. If this fails, a shopper can set a price, a total, a status or an account."""
    line: dict[str, Any] = {"sku": TEE, "quantity": 1}
    smuggled: list[tuple[dict[str, Any], str]] = [
        ({"total": 1}, "total"),
        ({"status": "paid"}, "status"),
        ({"account_id": "x"}, "account_id"),
        ({"totals": {"total": 1}}, "totals"),
        ({"lines": [line | {"unit_price": 1}]}, "lines[0].unit_price"),
        ({"lines": [line | {"price": 0}]}, "lines[0].price"),
        ({"payment": {"provider": "stripe", "method": "pm_card_visa", "amount": 1}}, "payment.amount"),
        ({"shipping_address": {"country": "DE", "free": True}}, "shipping_address"),
    ]
    for change, field in smuggled:
        status, problem = await shop.buy((TEE, 1), **change)
        assert status == 400, change
        assert problem["errors"][0]["field"].startswith(field), problem
    status, problem = await shop.buy((TEE, 1), expected_total=1)
    assert (status, problem["code"]) == (409, "total_changed")
    status, document = await shop.buy((TEE, 1), expected_total=problem["totals"]["total"])
    assert (status, document["order"]["totals"]) == (201, problem["totals"])
    for currency in ("usd", "XXX", "JPY"):
        assert (await shop.buy((TEE, 1), currency=currency))[0] == 400
    assert await shop.db.fetchval("SELECT count(*) FROM orders") == 1


@pytest.mark.parametrize(
    "quantity", ["-1", "0", "1e9", "1000000000", "9223372036854775808", "1.5", '"1"', "NaN", "true", "null"]
)
async def test_impossible_quantities_are_named(shop: TestShop, quantity: str) -> None:
    """T19. If this fails, a number that is no quantity gets past the edge."""
    body = (
        b'{"email":"a@example.com","currency":"EUR","lines":[{"sku":"MUG-CLASSIC","quantity":%b}],'
        b'"shipping_address":{"name":"A","line1":"B","city":"C","postal_code":"1","country":"DE"},'
        b'"payment":{"provider":"stripe","method":"pm_card_visa"}}' % quantity.encode()
    )
    status, problem, _ = await shop.call(
        "POST",
        "/v1/checkouts",
        data=body,
        headers={"Idempotency-Key": "q", "Content-Type": "application/json"},
    )
    assert status == 400, problem
    assert problem["errors"][0]["field"] in ("lines[0].quantity", "body")


async def test_the_check_would_also_trip(shop: TestShop) -> None:
    """T19. If this fails, Postgres itself would store an impossible stock or line."""
    import asyncpg

    for statement in (
        "UPDATE stock SET reserved = on_hand + backorder_limit + 1",
        "UPDATE stock SET reserved = -1",
        "UPDATE stock SET on_hand = -1, reserved = 0",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await shop.db.execute(statement)


async def test_a_new_price_is_seen_before_anything_is_charged(shop: TestShop) -> None:
    """If this fails, an order is placed at a price that was withdrawn before it."""
    _, document = await shop.buy((TEE, 1))
    old = document["order"]["totals"]["total"]
    await shop.db.execute(
        "UPDATE prices SET amount_minor = amount_minor + 500 FROM variants v "
        "WHERE v.item_id = prices.item_id AND v.sku = $1",
        TEE,
    )
    status, problem = await shop.buy((TEE, 1), expected_total=old)
    assert (status, problem["code"]) == (409, "total_changed")
    assert problem["totals"]["subtotal"] == document["order"]["totals"]["subtotal"] + 500
    status, document = await shop.buy((TEE, 1))
    assert (status, document["order"]["totals"]) == (201, problem["totals"])


async def test_one_checkout_is_one_gate_call_and_a_batch_one_statement(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, an express checkout makes more round trips than the design allows."""
    from checkout.app import PARTS
    from checkout.kit.lane import Lane

    parts = shop.app[PARTS]
    sent: Counter[str] = Counter()
    script, call = Lane.script, Lane.call

    def counted_script(lane: Lane, which: Any, *args: Any) -> Any:
        sent[which.name] += 1
        return script(lane, which, *args)

    def counted_call(lane: Lane, *args: Any) -> Any:
        sent["calls"] += args[0] != b"EVALSHA"
        return call(lane, *args)

    await shop.buy((TEE, 1), (MUG, 1))
    await asyncio.sleep(0.1)
    monkeypatch.setattr(Lane, "script", counted_script)
    monkeypatch.setattr(Lane, "call", counted_call)
    # The reconciler looks at the gate on its own time: what it sends is its own, not the checkouts'.
    background = {"snapshot", "shift", "calls"}
    statements = parts.committer.stats.statements
    answers = await asyncio.gather(*(shop.buy((TEE, 1), (MUG, 1)) for _ in range(40)))
    await asyncio.sleep(0.1)
    assert all(status == 201 for status, _ in answers)
    batches = parts.committer.stats.statements - statements
    assert batches < 40, "orders that wait together are decided together"
    assert 1 <= sent["admit"] < 40, "claims that leave together are admitted together, limit included"
    assert sent["settle"] <= batches, "one settle a batch"
    assert set(sent) <= {"admit", "settle"} | background
    sent.clear()
    statements = parts.committer.stats.statements
    await shop.buy((TEE, 1))
    await asyncio.sleep(0.1)
    assert (sent["admit"], sent["settle"]) == (1, 1)
    assert parts.committer.stats.statements - statements == 1
