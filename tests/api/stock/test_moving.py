"""Receipts, adjustments, transfers and counts: each moves stock once, in the ledger, at its location, and nothing else."""

import asyncio
from collections import Counter
from typing import Any

from tests.api.stock.conftest import MUG, Desk

TEE = "TEE-BLACK-M"


async def test_goods_are_received_once_however_often_it_is_said(desk: Desk) -> None:
    """If this fails, a delivery note sent twice counts twice, or units lie nowhere."""
    await desk.shop.set_stock(MUG, 10)
    await desk.place("hamburg")
    lines = [{"sku": MUG, "quantity": 5}, {"sku": TEE, "quantity": 2}]
    answers = await asyncio.gather(
        *(
            desk.ask("POST", "stock/receipts", key="note-1", location="hamburg", reason="note 1", lines=lines)
            for _ in range(8)
        )
    )
    assert {status for status, _, _ in answers} == {201}
    assert Counter(headers.get("Idempotent-Replayed") for _, _, headers in answers) == {None: 1, "true": 7}
    first = answers[0][1]
    assert all(document == first for _, document, _ in answers)
    assert first["lines"][0] == {
        "sku": MUG, "delta": 5, "on_hand": 15, "reserved": 0, "available": 15, "location_on_hand": 5,
    }  # fmt: skip
    assert await desk.at() == {"hamburg": 5, "main": 10}
    status, problem, _ = await desk.ask("POST", "stock/receipts", key="note-1", reason="note 2", lines=lines)
    assert (status, problem["code"]) == (422, "idempotency_mismatch")
    _, ledger, _ = await desk.ask("GET", f"stock/{MUG}/movements?limit=1")
    newest = ledger["items"][0]
    admin = await desk.shop.db.fetchval("SELECT id::text FROM accounts WHERE role = 'admin'")
    assert (newest["kind"], newest["location"], newest["reason"], newest["actor"], newest["document_id"]) == (
        "receipt", "hamburg", "note 1", admin, first["id"],
    )  # fmt: skip
    await desk.shop.quiet()
    assert (await desk.shop.buy((MUG, 15)))[0] == 201
    assert await desk.broken() == set()


async def test_the_same_key_means_another_thing_to_another_verb_and_caller(desk: Desk) -> None:
    """If this fails, two people who number their requests 1, 2, 3 get each other's answers."""
    await desk.shop.set_stock(MUG, 10)
    line = {"lines": [{"sku": MUG, "quantity": 1}], "reason": "r"}
    count = {"lines": [{"sku": MUG, "counted": 20}], "reason": "r"}
    assert (await desk.ask("POST", "stock/receipts", key="1", **line))[0] == 201
    assert (await desk.ask("POST", "stock/receipts", key="1", by="vendor", **line))[0] == 201
    assert (await desk.ask("POST", "stock/counts", key="1", **count))[0] == 201
    assert await desk.shop.stock(MUG) == (20, 0)


async def test_a_transfer_loses_nothing(desk: Desk) -> None:
    """If this fails, units vanish between two warehouses, or are sold twice while they travel."""
    await desk.shop.set_stock(MUG, 10)
    await desk.place("hamburg")
    moved: dict[str, Any] = {"from": "main", "to": "hamburg", "reason": "nearer to buyers"}
    answers = await asyncio.gather(
        *(desk.ask("POST", "stock/transfers", lines=[{"sku": MUG, "quantity": 3}], **moved) for _ in range(6))
    )
    assert Counter(status for status, _, _ in answers) == {201: 3, 409: 3}
    assert {problem["code"] for status, problem, _ in answers if status == 409} == {"location_short"}
    assert await desk.at() == {"hamburg": 9, "main": 1}
    assert await desk.shop.stock(MUG) == (10, 0)
    legs = await desk.shop.db.fetch(
        "SELECT sum(on_hand_delta) AS total, count(*) AS legs FROM stock_movements WHERE kind = 'transfer' GROUP BY document_id"
    )
    assert [(leg["total"], leg["legs"]) for leg in legs] == [(0, 2)] * 3
    assert await desk.broken() == set()


async def test_units_that_are_promised_may_be_transferred(desk: Desk) -> None:
    """If this fails, a warehouse cannot be cleared while orders are open."""
    await desk.shop.set_stock(MUG, 5)
    await desk.place("hamburg")
    assert (await desk.shop.buy((MUG, 5)))[0] == 201
    moved: dict[str, Any] = {
        "from": "main",
        "to": "hamburg",
        "reason": "r",
        "lines": [{"sku": MUG, "quantity": 5}],
    }
    assert (await desk.ask("POST", "stock/transfers", **moved))[0] == 201
    assert await desk.shop.stock(MUG) == (5, 5)
    assert await desk.broken() == set()


async def test_a_count_moves_the_difference_and_is_kept_when_there_is_none(desk: Desk) -> None:
    """If this fails, a stocktake changes another location, or leaves no trace when it agreed."""
    await desk.shop.set_stock(MUG, 10)
    await desk.place("hamburg")
    lines = [{"sku": MUG, "counted": 4}]
    status, counted, _ = await desk.ask(
        "POST", "stock/counts", location="hamburg", reason="inventory", lines=lines
    )
    assert status == 201
    assert (
        counted["lines"][0]["expected"],
        counted["lines"][0]["delta"],
        counted["lines"][0]["on_hand"],
    ) == (0, 4, 14)
    status, same, _ = await desk.ask("POST", "stock/counts", location="hamburg", reason="again", lines=lines)
    assert (status, same["lines"][0]["delta"]) == (201, 0)
    rows = await desk.shop.db.fetch("SELECT location, expected, counted FROM stock_counts ORDER BY id")
    assert [tuple(row) for row in rows] == [("hamburg", 0, 4), ("hamburg", 4, 4)]
    moved = await desk.shop.db.fetchval("SELECT count(*) FROM stock_movements WHERE kind = 'count'")
    assert moved == 1, "a count that agrees moves nothing"
    assert await desk.at() == {"hamburg": 4, "main": 10}
    assert await desk.broken() == set()


async def test_nothing_falls_below_what_is_promised(desk: Desk) -> None:
    """If this fails, a count or an adjustment takes units that orders were promised."""
    await desk.shop.set_stock(MUG, 10)
    await desk.place("hamburg")
    assert (await desk.shop.buy((MUG, 8)))[0] == 201
    tries: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("adjustments", {"sku": MUG, "delta": -3, "reason": "r"}, "below_reserved"),
        ("adjustments", {"sku": MUG, "on_hand": 7, "reason": "r"}, "below_reserved"),
        ("counts", {"lines": [{"sku": MUG, "counted": 7}], "reason": "r"}, "below_reserved"),
        ("adjustments", {"sku": MUG, "delta": -1, "reason": "r", "location": "hamburg"}, "location_short"),
        ("receipts", {"lines": [{"sku": MUG, "quantity": 1_000_000_000}], "reason": "r"}, "below_reserved"),
    )
    for path, body, code in tries:
        status, problem, _ = await desk.ask("POST", f"stock/{path}", key="kept", **body)
        assert (status, problem["code"]) == (409, code), (path, body)
    assert await desk.shop.stock(MUG) == (10, 8)
    status, _, _ = await desk.ask("POST", "stock/adjustments", key="kept", sku=MUG, delta=-2, reason="r")
    assert status == 200, "a refused key may be used again"
    assert await desk.broken() == set()


async def test_requests_that_make_no_sense_are_refused(desk: Desk) -> None:
    """If this fails, stock is moved by a request that nobody can have meant."""
    await desk.place("closed", active=False)
    good = {"lines": [{"sku": MUG, "quantity": 1}], "reason": "r"}
    twice = [{"sku": MUG, "quantity": 1}, {"sku": MUG, "quantity": 2}]
    refused: tuple[tuple[str, dict[str, Any], int, str], ...] = (
        ("receipts", good | {"lines": []}, 400, "invalid"),
        ("receipts", good | {"lines": twice}, 400, "invalid"),
        ("receipts", good | {"lines": [{"sku": MUG, "quantity": 0}]}, 400, "invalid"),
        ("receipts", good | {"lines": [{"sku": MUG, "quantity": 1}] * 101}, 400, "invalid"),
        ("receipts", good | {"reason": ""}, 400, "invalid"),
        ("receipts", good | {"location": "A B"}, 400, "invalid"),
        ("receipts", good | {"location": "nowhere"}, 404, "not_found"),
        ("receipts", good | {"location": "closed"}, 409, "location_inactive"),
        ("receipts", good | {"lines": [{"sku": "NOTHING", "quantity": 1}]}, 404, "not_found"),
        ("transfers", good | {"from": "main", "to": "main"}, 400, "invalid"),
        ("transfers", good | {"from": "main", "to": "closed"}, 409, "location_inactive"),
        ("transfers", good | {"from": "nowhere", "to": "main"}, 404, "not_found"),
        ("counts", {"lines": [{"sku": MUG, "counted": -1}], "reason": "r"}, 400, "invalid"),
    )
    before = await desk.shop.db.fetchval("SELECT count(*) FROM stock_movements")
    for path, body, status, code in refused:
        found, problem, _ = await desk.ask("POST", f"stock/{path}", **body)
        assert (found, problem["code"]) == (status, code), (path, body)
    assert await desk.shop.db.fetchval("SELECT count(*) FROM stock_movements") == before


async def test_a_vendor_moves_only_its_own(desk: Desk) -> None:
    """If this fails, one vendor empties another's shelf, or learns which SKUs it has."""
    await desk.shop.set_stock(MUG, 10)
    line = {"lines": [{"sku": MUG, "quantity": 1}], "reason": "r"}
    change = {"sku": MUG, "delta": 1, "reason": "r"}
    assert (await desk.ask("POST", "stock/receipts", by="vendor", **line))[0] == 201
    assert (await desk.ask("POST", "stock/adjustments", by="vendor", **change))[0] == 200
    for path, body in (("receipts", line), ("adjustments", change)):
        status, problem, _ = await desk.ask("POST", f"stock/{path}", by="other", **body)
        missing = (
            {**body, "sku": "NOTHING"}
            if "sku" in body
            else body | {"lines": [{"sku": "NOTHING", "quantity": 1}]}
        )
        unknown, said, _ = await desk.ask("POST", f"stock/{path}", by="other", **missing)
        assert (status, problem["code"]) == (unknown, said["code"]) == (404, "not_found")
    for path in (f"stock/{MUG}", f"stock/{MUG}/movements"):
        assert (await desk.ask("GET", path, by="vendor"))[0] == 200
        assert (await desk.ask("GET", path, by="other"))[0] == 404
    _, mine, _ = await desk.ask("GET", "stock", by="vendor")
    assert MUG in [item["sku"] for item in mine["items"]]
    owned = await desk.shop.db.fetch(
        "SELECT sku FROM variants JOIN products p ON p.id = product_id WHERE owner_id IS NOT NULL"
    )
    assert {item["sku"] for item in mine["items"]} == {row["sku"] for row in owned}
    _, others, _ = await desk.ask("GET", "stock", by="other")
    assert others["items"] == []
    assert await desk.shop.stock(MUG) == (12, 0)


async def test_many_who_move_one_sku_while_it_sells_leave_exact_books(desk: Desk) -> None:
    """If this fails, receipts, counts, transfers and buyers that meet on one SKU lose or invent units."""
    await desk.shop.set_stock(MUG, 60)
    await desk.place("hamburg")

    async def receive(n: int) -> int:
        lines = [{"sku": MUG, "quantity": 2}, {"sku": TEE, "quantity": 1}]
        return (await desk.ask("POST", "stock/receipts", reason=f"r{n}", lines=lines[:: 1 if n % 2 else -1]))[
            0
        ]

    async def carry(n: int) -> int:
        there: dict[str, Any] = {"from": "main", "to": "hamburg", "reason": f"t{n}"}
        return (await desk.ask("POST", "stock/transfers", lines=[{"sku": MUG, "quantity": 1}], **there))[0]

    async def buy() -> int:
        return (await desk.shop.insist((MUG, 1), (TEE, 1)))[0]

    done = await asyncio.gather(
        *(receive(n) for n in range(12)), *(carry(n) for n in range(12)), *(buy() for _ in range(40))
    )
    assert Counter(done) == {201: 64}
    assert await desk.shop.stock(MUG) == (84, 40)
    assert await desk.at() == {"hamburg": 12, "main": 72}
    await desk.shop.quiet()
    assert await desk.broken() == set()
