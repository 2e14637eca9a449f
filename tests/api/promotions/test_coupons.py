"""Coupons as admins edit them: their limits are stock, and a change is in force in every process (decision 0006)."""

import asyncio
from typing import Any

from checkout.app import PARTS
from checkout.audit.prove import audit
from tests.api.access.conftest import Desk

AT = "/v1/admin/coupons"
TENTH = {"kind": "percent", "percent_bp": 1000}


async def make(desk: Desk, code: str = "SPRING", **terms: Any) -> Any:
    """A coupon for a tenth, that the gate knows."""
    made = await desk.call("admin", "POST", AT, json={"code": code, **TENTH, **terms}, expect=201)
    await known(desk, code)
    return made


async def known(desk: Desk, code: str, **fields: Any) -> None:
    """Waits until the process quotes by the coupon as it is now."""
    await desk.shop.quiet()
    async with asyncio.timeout(2):
        while True:
            coupon = desk.shop.app[PARTS].rules.current.coupons.get(code)
            if coupon and all(getattr(coupon, name) == value for name, value in fields.items()):
                return
            await asyncio.sleep(0.01)


async def use(desk: Desk, code: str = "SPRING", email: str = "ada@example.com") -> int:
    """The status of a purchase with the coupon."""
    status, _ = await desk.shop.buy(("MUG-CLASSIC", 1), coupons=[code], email=email)
    return status


async def proven(desk: Desk) -> None:
    """The ledgers hold."""
    report = await audit(desk.shop.settings, wait_s=0)
    broken = set(report.failed) - {"outbox_unfinished", "provider_ledger", "provider_one_charge"}
    assert broken == set(), [finding for finding in report.findings if finding.name in broken]


async def test_a_limit_goes_up_and_down_by_the_ledger(desk: Desk) -> None:
    """If this fails, a coupon is used more often than its merchant allows, or the stock ledger no longer sums up."""
    made = await make(desk, max_uses=1)
    assert (made["max_uses"], made["used"], made["version"]) == (1, 0, 1)
    assert [await use(desk), await use(desk)] == [201, 409]
    more = TENTH | {"max_uses": 3}
    assert (await desk.call("admin", "PUT", f"{AT}/spring", json=more, expect=200))["used"] == 1
    await desk.shop.quiet()
    await known(desk, "SPRING", offer_version=2)
    assert [await use(desk), await use(desk), await use(desk)] == [201, 201, 409]
    less = TENTH | {"max_uses": 2}
    problem = await desk.call("admin", "PUT", f"{AT}/SPRING", json=less, expect=409)
    assert problem["code"] == "below_reserved"
    kept = await desk.call("admin", "GET", f"{AT}/SPRING", expect=200)
    assert (kept["max_uses"], kept["used"], kept["version"]) == (3, 3, 2)
    moved = await desk.shop.db.fetch(
        """SELECT m.on_hand_delta, m.actor FROM stock_movements m JOIN coupons c USING (item_id)
           WHERE c.code = 'SPRING' ORDER BY m.id"""
    )
    assert [(row["on_hand_delta"], row["actor"]) for row in moved][-1] == (2, str(desk.ids["admin"]))
    await proven(desk)


async def test_a_limit_comes_and_goes(desk: Desk) -> None:
    """If this fails, a coupon stays limited when its limit is taken away, or unlimited when it is given one."""
    await make(desk)
    assert [await use(desk), await use(desk)] == [201, 201]
    await desk.call("admin", "PUT", f"{AT}/SPRING", json=TENTH | {"max_uses": 1}, expect=200)
    await desk.shop.quiet()
    async with asyncio.timeout(2):
        while desk.shop.app[PARTS].rules.current.coupons["SPRING"].item_id is None:
            await asyncio.sleep(0.01)
    assert [await use(desk), await use(desk)] == [201, 409]
    await desk.call("admin", "PUT", f"{AT}/SPRING", json=TENTH, expect=200)
    await known(desk, "SPRING", item_id=None)
    assert await use(desk) == 201
    await proven(desk)


async def test_a_limit_per_customer_moves_for_those_who_came_before(desk: Desk) -> None:
    """If this fails, whoever used the coupon before its limit was changed keeps the old limit."""
    await make(desk, per_customer_limit=1)
    assert [await use(desk), await use(desk), await use(desk, email="bob@example.com")] == [201, 409, 201]
    await desk.call("admin", "PUT", f"{AT}/SPRING", json=TENTH | {"per_customer_limit": 2}, expect=200)
    await known(desk, "SPRING", per_customer_limit=2)
    assert [await use(desk), await use(desk)] == [201, 409]
    problem = await desk.call(
        "admin", "PUT", f"{AT}/SPRING", json=TENTH | {"per_customer_limit": 1}, expect=409
    )
    assert problem["code"] == "below_reserved"
    await proven(desk)


async def test_uses_race_with_a_limit_that_is_lowered(desk: Desk) -> None:
    """If this fails, lowering a limit in a rush lets more uses through than either limit, or stops orders for good."""
    await make(desk, max_uses=40)

    async def lower() -> list[int]:
        statuses = []
        for most in range(38, 18, -2):
            body = TENTH | {"max_uses": most}
            statuses.append((await desk.call("admin", "PUT", f"{AT}/SPRING", json=body))[0])
            await asyncio.sleep(0.02)
        return statuses

    buyers = [desk.shop.insist(("MUG-CLASSIC", 1), coupons=["SPRING"]) for _ in range(60)]
    statuses, *bought = await asyncio.gather(lower(), *buyers)
    assert set(statuses) <= {200, 409}
    sold = sum(status == 201 for status, _ in bought)
    coupon = await desk.call("admin", "GET", f"{AT}/SPRING", expect=200)
    assert coupon["used"] == sold <= coupon["max_uses"]
    assert {status for status, _ in bought} <= {201, 409}
    await proven(desk)


async def test_two_who_edit_lose_nothing_of_each_other(desk: Desk) -> None:
    """If this fails, one admin's change is overwritten by another who never saw it."""
    await make(desk)
    edits = [
        desk.call(
            "admin",
            "PUT",
            f"{AT}/SPRING",
            json={"kind": "percent", "percent_bp": n},
            headers={"If-Match": '"1"'},
        )
        for n in range(1, 21)
    ]
    statuses = [status for status, _, _ in await asyncio.gather(*edits)]
    assert sorted(statuses) == [200] + [412] * 19


async def test_a_coupon_that_makes_no_sense_is_refused_by_its_field(desk: Desk) -> None:
    """If this fails, a slip in a coupon gives goods away."""
    for wrong, fields in (
        ({"kind": "percent"}, ["percent_bp"]),
        ({"kind": "percent", "percent_bp": 10_001}, ["percent_bp"]),
        ({"kind": "amount", "amount": 500}, ["currency"]),
        ({"kind": "amount", "percent_bp": 500, "currency": "EUR"}, ["percent_bp", "amount"]),
        ({"kind": "free_shipping", "amount": 1}, ["amount"]),
        (TENTH | {"min_subtotal": 100}, ["currency"]),
        (TENTH | {"max_uses": 2**63}, ["max_uses"]),
        (TENTH | {"code": "A"}, ["code"]),
        (TENTH | {"code": "SPRING\n"}, ["code"]),
        (TENTH | {"valid_from": "0001-01-01T00:00:00+14:00"}, ["valid_from"]),
        (
            TENTH | {"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"},
            ["valid_until"],
        ),
        (TENTH | {"valid_until": "2001-01-01T00:00:00Z"}, ["valid_until"]),
    ):
        problem = await desk.call("admin", "POST", AT, json={"code": "SPRING", **wrong}, expect=400)
        assert [error["field"] for error in problem["errors"]] == fields, wrong


async def test_a_coupon_is_gone_when_it_is_deleted(desk: Desk) -> None:
    """If this fails, a coupon that was taken back still takes money off, or an order made with it is lost."""
    await make(desk, per_customer_limit=3, max_uses=5)
    assert await use(desk) == 201
    await desk.call("admin", "DELETE", f"{AT}/SPRING", headers={"If-Match": '"2"'}, expect=412)
    await desk.call("admin", "DELETE", f"{AT}/SPRING", expect=204)
    await desk.call("admin", "DELETE", f"{AT}/SPRING", expect=404)
    async with asyncio.timeout(2):
        while "SPRING" in desk.shop.app[PARTS].rules.current.coupons:
            await asyncio.sleep(0.01)
    assert await use(desk) == 400
    log = await desk.shop.db.fetch("SELECT action, actor FROM audit_log WHERE subject = 'SPRING' ORDER BY id")
    assert [row["action"] for row in log] == ["coupon.create", "coupon.delete"]
    assert {row["actor"] for row in log} == {str(desk.ids["admin"])}
    await proven(desk)
