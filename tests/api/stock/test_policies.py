"""What may be sold: safety stock, back-orders and pre-orders, against buyers who come together."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checkout.stock.schedule import end_preorders
from tests.api.stock.conftest import MUG, Desk


async def _set(desk: Desk, **policy: Any) -> Any:
    status, document, _ = await desk.ask("PATCH", f"stock/{MUG}", **policy)
    assert status == 200, document
    await desk.shop.quiet()
    return document


def _in(**time: float) -> str:
    return (datetime.now(UTC) + timedelta(**time)).isoformat()


async def _race(desk: Desk, buyers: int, units: int = 1) -> int:
    """How many of so many buyers who come at once get their units."""
    done = Counter(
        [
            status
            for status, _ in await asyncio.gather(*(desk.shop.insist((MUG, units)) for _ in range(buyers)))
        ]
    )
    assert set(done) <= {201, 409}
    return done[201]


@pytest.mark.parametrize(
    ("policy", "sold"),
    [
        ({"safety_stock": 4}, 6),
        ({"backorder_limit": 3}, 13),
        ({"backorder_limit": 3, "safety_stock": 4}, 9),
        ({"safety_stock": 25}, 0),
        ({"safety_stock": 25, "backorder_limit": 20}, 5),
    ],
)
async def test_exactly_as_many_are_sold_as_the_policy_allows(
    desk: Desk, policy: dict[str, int], sold: int
) -> None:
    """If this fails, a rush sells units that were to be kept back, or refuses ones that were for sale."""
    await desk.shop.set_stock(MUG, 10)
    document = await _set(desk, **policy)
    assert document["orderable"] == sold or sold == 0
    assert await _race(desk, 30) == sold
    assert (await desk.shop.stock(MUG)) == (10, sold)
    assert await desk.broken() == set()


@pytest.mark.parametrize("gate", ["open", "away"])
async def test_safety_stock_holds_with_and_without_the_gate(desk: Desk, gate: str) -> None:
    """If this fails, losing the gate sells the units that were to be kept back."""
    from checkout.app import PARTS

    await desk.shop.set_stock(MUG, 10)
    await _set(desk, safety_stock=7)
    if gate == "away":
        await desk.shop.app[PARTS].gate.lane.call("FLUSHDB")
        desk.shop.app[PARTS].gate.close()
    assert await _race(desk, 20) == 3


async def test_a_policy_that_comes_late_keeps_what_was_promised_and_then_holds(desk: Desk) -> None:
    """If this fails, safety stock breaks orders that were made before it, or is forgotten when one of them ends."""
    await desk.shop.set_stock(MUG, 10)
    orders = [(await desk.shop.buy((MUG, 2)))[1] for _ in range(4)]
    document = await _set(desk, safety_stock=5)
    assert (document["reserved"], document["orderable"], document["available"]) == (8, 0, 0)
    assert await _race(desk, 5) == 0
    for order, free in zip(orders, (0, 1, 3, 5), strict=True):
        token = {"Authorization": f"Bearer {order['access_token']}"}
        status, _, _ = await desk.shop.call(
            "POST", f"/v1/orders/{order['order']['id']}/cancel", headers=token
        )
        assert status == 200
        await desk.shop.quiet()
        _, now, _ = await desk.ask("GET", f"stock/{MUG}")
        assert now["available"] == free
    assert await _race(desk, 10) == 5
    assert await desk.broken() == set()


async def test_safety_stock_lets_itself_be_counted_and_taken(desk: Desk) -> None:
    """If this fails, damaged units cannot be written off because a policy keeps them back from buyers."""
    await desk.shop.set_stock(MUG, 10)
    await _set(desk, safety_stock=6)
    assert (await desk.shop.buy((MUG, 3)))[0] == 201
    status, answer, _ = await desk.ask("POST", "stock/adjustments", sku=MUG, delta=-7, reason="water damage")
    assert (status, answer["on_hand"], answer["available"]) == (200, 3, 0)
    status, problem, _ = await desk.ask("POST", "stock/adjustments", sku=MUG, delta=-1, reason="more")
    assert (status, problem["code"]) == (409, "below_reserved")
    status, answer, _ = await desk.ask("POST", "stock/adjustments", sku=MUG, delta=8, reason="found")
    assert (status, answer["on_hand"], answer["available"]) == (200, 11, 2)
    await desk.shop.quiet()
    assert await _race(desk, 6) == 2
    assert await desk.broken() == set()


async def test_a_preorder_sells_what_is_expected_and_its_receipt_is_not_sold_twice(desk: Desk) -> None:
    """If this fails, goods are sold ahead without end, or once ahead and again when they come."""
    await desk.shop.set_stock(MUG, 2)
    until = _in(days=20)
    document = await _set(desk, preorder={"units": 5, "until": until})
    assert (document["available"], document["orderable"], document["policy"]["preorder"]["units"]) == (
        2,
        7,
        5,
    )
    assert (await desk.shop.buy((MUG, 2)))[0] == 201
    async with asyncio.timeout(5):
        while True:
            _, seen, _ = await desk.shop.call("GET", f"/v1/skus/{MUG}/availability")
            if seen["status"] == "preorder":
                break
            await asyncio.sleep(0.2)
    assert (seen["available"], seen["orderable"]) == (0, 5)
    assert datetime.fromisoformat(seen["preorder_until"]) == datetime.fromisoformat(until)
    assert await _race(desk, 4) == 4
    lines = [{"sku": MUG, "quantity": 3}]
    assert (await desk.ask("POST", "stock/receipts", reason="the first part", lines=lines))[0] == 201
    _, now, _ = await desk.ask("GET", f"stock/{MUG}")
    assert (now["on_hand"], now["reserved"], now["orderable"], now["policy"]["preorder"]["units"]) == (
        5,
        6,
        1,
        2,
    )
    await desk.shop.quiet()
    assert await _race(desk, 5) == 1
    assert (await desk.ask("POST", "stock/receipts", reason="the rest", lines=lines))[0] == 201
    _, now, _ = await desk.ask("GET", f"stock/{MUG}")
    assert (now["on_hand"], now["reserved"], now["orderable"], now["policy"]["preorder"]) == (8, 7, 1, None)
    assert await desk.broken() == set()


async def test_a_preorder_ends_at_its_moment_and_keeps_its_promises(desk: Desk) -> None:
    """If this fails, goods that never came are sold for ever, or orders for them are broken."""
    await desk.shop.set_stock(MUG, 0)
    await _set(desk, preorder={"units": 5, "until": _in(days=1)})
    assert (await desk.shop.buy((MUG, 2)))[0] == 201
    pool = desk.shop.app[_parts()].pool
    assert await end_preorders(pool, 100) == 0
    await desk.shop.db.execute("UPDATE stock_policies SET preorder_until = now() - interval '1 second'")
    assert await end_preorders(pool, 100) == 1
    await desk.shop.quiet()
    assert await _race(desk, 4) == 0
    _, now, _ = await desk.ask("GET", f"stock/{MUG}")
    assert (now["reserved"], now["orderable"], now["policy"]["preorder"]) == (2, 0, None)
    assert await desk.broken() == set()


def _parts() -> Any:
    from checkout.app import PARTS

    return PARTS


async def test_a_policy_is_edited_against_its_version(desk: Desk) -> None:
    """If this fails, two people who set a SKU's policy overwrite each other unseen."""
    _, _, headers = await desk.ask("GET", f"stock/{MUG}")
    assert headers["ETag"] == '"0"'
    done = await asyncio.gather(
        *(desk.ask("PATCH", f"stock/{MUG}", headers={"If-Match": '"0"'}, low_at=n) for n in range(10))
    )
    assert Counter(status for status, _, _ in done) == {200: 1, 412: 9}
    _, document, headers = await desk.ask("GET", f"stock/{MUG}")
    assert headers["ETag"] == '"1"'
    assert document["policy"]["low_at"] == next(d for s, d, _ in done if s == 200)["policy"]["low_at"]
    assert (await desk.ask("PATCH", f"stock/{MUG}", by="vendor", low_at=None))[0] == 200
    assert (await desk.ask("PATCH", f"stock/{MUG}", by="other", low_at=3))[0] == 404
    log = await desk.shop.db.fetch("SELECT action, subject FROM audit_log ORDER BY id")
    assert [tuple(row) for row in log] == [("stock.set_policy", MUG)] * 2


async def test_a_policy_that_makes_no_sense_is_refused(desk: Desk) -> None:
    """If this fails, a policy that nobody can have meant sells or keeps back units."""
    for wrong in (
        {"safety_stock": -1}, {"backorder_limit": 1_000_000_001}, {"low_at": 1.5}, {"safety_stock": None},
        {"preorder": {"units": 0, "until": _in(days=1)}}, {"preorder": {"units": 1, "until": _in(days=-1)}},
        {"preorder": {"units": 1, "until": _in(days=900)}}, {"preorder": {"units": 1, "until": "2030-01-01"}},
        {"preorder": {"units": 1}}, {"preorder": {"units": 1, "until": "9999-12-31T23:59:59-14:00"}},
        {"preorder": {"units": 1, "until": "0001-01-01T00:00:00+14:00"}},
        {"backorder_limit": 900_000_000, "preorder": {"units": 900_000_000, "until": _in(days=1)}}, {"version": 3},
    ):  # fmt: skip
        status, problem, _ = await desk.ask("PATCH", f"stock/{MUG}", **wrong)
        assert (status, problem["code"]) == (400, "invalid"), wrong
    assert await desk.shop.db.fetchval("SELECT count(*) FROM stock_policies") == 0


async def test_low_stock_is_listed_by_each_skus_own_threshold(desk: Desk) -> None:
    """If this fails, whoever orders goods anew is told of the wrong SKUs, or of none."""
    await desk.shop.db.execute(
        """INSERT INTO stock_movements (movement_id, item_id, kind, on_hand_delta)
           SELECT gen_random_uuid(), item_id, 'adjustment', 50 - on_hand FROM stock WHERE kind = 'variant' AND on_hand <> 50;
           UPDATE stock SET on_hand = 50 WHERE kind = 'variant'"""
    )
    assert (await desk.ask("GET", "stock?low=true"))[1]["items"] == []
    await desk.shop.set_stock(MUG, 20)
    await _set(desk, low_at=12, safety_stock=9)
    await desk.shop.set_stock("TEE-BLACK-M", 5)
    _, page, _ = await desk.ask("GET", "stock?low=true")
    assert [(item["sku"], item["available"], item["low_at"]) for item in page["items"]] == [
        (MUG, 11, 12),
        ("TEE-BLACK-M", 5, 5),
    ]
    assert (await desk.shop.buy(("TEE-BLACK-M", 5)))[0] == 201
    _, page, _ = await desk.ask("GET", "stock?low=true&sku=TEE")
    assert [(item["sku"], item["available"]) for item in page["items"]] == [("TEE-BLACK-M", 0)]
