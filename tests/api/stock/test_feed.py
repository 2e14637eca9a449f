"""The feed of an external inventory system: the same rows, in any order and any number of times, end in one state."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.stock.conftest import MUG, Desk

TEE = "TEE-BLACK-M"
START = datetime(2026, 1, 1, tzinfo=UTC)


def row(on_hand: int, at_s: int, **changes: Any) -> dict[str, Any]:
    """One figure of system `wms`, `at_s` seconds after the start."""
    moment = (START + timedelta(seconds=at_s)).isoformat()
    return {"sku": MUG, "location": "main", "on_hand": on_hand, "as_of": moment, "source_id": "wms"} | changes


async def take(desk: Desk, *rows: dict[str, Any], by: str = "admin") -> list[str]:
    """What became of each row."""
    status, answer, _ = await desk.ask("POST", "stock/feed", by=by, rows=list(rows))
    assert status == 200, answer
    return [result["status"] for result in answer["results"]]


@pytest.mark.parametrize("seed", range(4))
async def test_rows_in_any_order_and_any_number_of_times_end_in_one_state(desk: Desk, seed: int) -> None:
    """If this fails, a message queue that repeats or reorders makes our stock another one than the warehouse's."""
    dice = random.Random(seed)
    await desk.place("hamburg")
    rows = [
        row(dice.randrange(100), at_s, sku=sku, location=location)
        for sku in (MUG, TEE)
        for location in ("main", "hamburg")
        for at_s in range(12)
    ]
    last = {(r["sku"], r["location"]): r["on_hand"] for r in rows}
    sent = rows + dice.sample(rows, 24)
    dice.shuffle(sent)
    for at in range(0, len(sent), 17):
        await take(desk, *sent[at : at + 17])
    for sku in (MUG, TEE):
        found = await desk.at(sku)
        for location in ("main", "hamburg"):
            assert found.get(location, 0) == last[sku, location]
    assert set(await take(desk, *rows)) == {"ignored"}
    assert await desk.broken() == set()


async def test_an_older_figure_is_ignored_of_the_same_system_alone(desk: Desk) -> None:
    """If this fails, a late message undoes a newer one, or one system silences another."""
    await desk.shop.set_stock(MUG, 5)
    assert await take(desk, row(9, 10)) == ["applied"]
    assert await take(desk, row(3, 9), row(4, 10), row(9, 11)) == ["ignored", "ignored", "unchanged"]
    assert await take(desk, row(7, 5, source_id="shop floor")) == ["applied"]
    assert await desk.at() == {"main": 7}
    ledger = await desk.shop.db.fetch(
        "SELECT on_hand_delta FROM stock_movements WHERE kind = 'feed' ORDER BY id"
    )
    assert [row["on_hand_delta"] for row in ledger] == [4, -2]


async def test_a_bad_row_does_not_stop_its_neighbours(desk: Desk) -> None:
    """If this fails, one unknown SKU keeps a whole warehouse's figures out."""
    await desk.shop.set_stock(MUG, 10)
    await desk.place("hamburg")
    assert (await desk.shop.buy((MUG, 8)))[0] == 201
    assert await take(
        desk,
        row(5, 1, sku="NOTHING"),
        row(5, 1, location="nowhere"),
        row(4, 1),
        row(11, 1, sku=TEE),
    ) == ["unknown_sku", "unknown_location", "below_reserved", "applied"]
    assert await desk.shop.stock(MUG) == (10, 8)
    assert (await desk.shop.stock(TEE))[0] == 11
    moved = await take(desk, row(0, 2), row(10, 2, location="hamburg"))
    assert moved == ["applied", "applied"], "what one location lost another got"
    assert await desk.at() == {"hamburg": 10, "main": 0}
    assert await desk.broken() == set()


async def test_a_thousand_rows_are_taken_at_once_and_no_more(desk: Desk) -> None:
    """If this fails, a warehouse's usual message is refused, or one without end is tried."""
    skus = [r["sku"] for r in await desk.shop.db.fetch("SELECT sku FROM variants ORDER BY sku LIMIT 500")]
    await desk.place("hamburg")
    rows = [row(3, 1, sku=sku, location=location) for sku in skus for location in ("main", "hamburg")]
    results = await take(desk, *rows)
    assert len(results) == 1000
    assert set(results) <= {"applied", "unchanged"}
    total = await desk.shop.db.fetchval(
        "SELECT sum(on_hand) FROM stock JOIN variants USING (item_id) WHERE sku = ANY ($1::text[])", skus
    )
    assert total == 3000
    status, problem, _ = await desk.ask("POST", "stock/feed", rows=[*rows, row(1, 2)])
    assert (status, problem["code"]) == (400, "invalid")
    assert await desk.broken() == set()


async def test_a_figure_from_the_future_or_of_nobodys_is_refused(desk: Desk) -> None:
    """If this fails, a wrong clock blocks all later figures, or a vendor sets another's stock."""
    for as_of in (
        "2126-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-01-01T00:00:00Z",
    ):
        status, problem, _ = await desk.ask("POST", "stock/feed", rows=[row(1, 1), row(1, 1, as_of=as_of)])
        assert (status, problem["errors"][0]["field"]) == (400, "rows[1].as_of"), as_of
    for wrong in ({"as_of": "2026-01-01T00:00:00"}, {"on_hand": -1}, {"source_id": ""}, {"on_hand": 2**63}):
        status, problem, _ = await desk.ask("POST", "stock/feed", rows=[row(1, 1) | wrong])
        assert (status, problem["code"]) == (400, "invalid"), wrong
    assert await take(desk, row(1, 1), row(2, 1, sku=TEE), by="vendor") == ["applied", "unknown_sku"]
    assert await take(desk, row(1, 2), by="other") == ["unknown_sku"]
