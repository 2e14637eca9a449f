"""The invariants over HTTP: what is wrong is told, and asking often costs no more than asking once."""

import asyncio

import pytest

from checkout.app import PARTS
from checkout.audit.model import Report
from config import limits
from tests.api.access.conftest import Desk

AT = "/v1/admin/invariants"


async def test_what_is_wrong_is_told(desk: Desk) -> None:
    """If this fails, the dashboard shows a shop as sound that has lost a unit."""
    await desk.shop.buy(("MUG-CLASSIC", 1))
    await desk.shop.quiet()
    sound = await desk.call("admin", "GET", AT, expect=200)
    wrong = {finding["name"] for finding in sound["findings"] if not finding["ok"]}
    assert wrong <= {"outbox_unfinished"}, wrong
    assert sound["orders"] == 1
    assert len(sound["findings"]) >= 16
    await desk.shop.db.execute(
        "UPDATE stock SET reserved = reserved + 2 WHERE kind = 'variant' AND reserved = 1"
    )
    desk.shop.app[PARTS].audit._until = 0.0
    broken = await desk.call("admin", "GET", AT, expect=200)
    figures = {finding["name"]: finding["figure"] for finding in broken["findings"]}
    assert (broken["ok"], figures["reserved_ledger"], figures["reserved_orders"]) == (False, 2, 2)


async def test_asking_often_proves_once(desk: Desk) -> None:
    """If this fails, a dashboard that is left open scans the orders again and again."""
    reports = await asyncio.gather(*(desk.call("admin", "GET", AT, expect=200) for _ in range(20)))
    assert len({report["at"] for report in reports}) == 1
    again = await desk.call("admin", "GET", AT, expect=200)
    assert again["at"] == reports[0]["at"]


async def test_a_report_that_takes_long_is_waited_for_a_while(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If this fails, a large shop's admin gets a time-out instead of the last report, or of a word to come again."""
    live = desk.shop.app[PARTS].audit
    prove, free = live._prove, asyncio.Event()

    async def slowly() -> Report:
        await free.wait()
        return await prove()

    monkeypatch.setattr(limits, "AUDIT_WAIT_S", 0.1)
    monkeypatch.setattr(live, "_prove", slowly)
    problem = await desk.call("admin", "GET", AT, expect=503)
    assert problem["code"] == "audit_running"
    free.set()
    async with asyncio.timeout(5):
        while (await desk.call("admin", "GET", AT))[0] != 200:
            await asyncio.sleep(0.05)
    first = await desk.call("admin", "GET", AT, expect=200)
    free.clear()
    live._until = 0.0
    assert (await desk.call("admin", "GET", AT, expect=200))["at"] == first["at"], (
        "the last report, meanwhile"
    )
    free.set()
