"""What admins do: adjust stock under an Idempotency-Key, see figures, replay dead letters."""

import asyncio
import uuid
from base64 import urlsafe_b64encode
from collections import Counter
from typing import Any

from checkout.app import PARTS
from checkout.outbox.store import OutboxStore
from tests.api.accounts.conftest import People

STOCK = "/v1/admin/stock/adjustments"
LETTERS = "/v1/admin/dead-letters"


async def adjust(people: People, key: str | None, **change: Any) -> tuple[int, Any, Any]:
    """An adjustment by the admin; (status, document, header fields)."""
    body = {"sku": "MUG-CLASSIC", "reason": "counted", **change}
    headers = await people.token("admin") | ({"Idempotency-Key": key} if key is not None else {})
    return await people.shop.call("POST", STOCK, json=body, headers=headers)


async def test_an_adjustment_moves_stock_once_however_often_it_is_sent(people: People) -> None:
    """If this fails, a retried delivery of ten units counts as twenty."""
    shop = people.shop
    before, _ = await shop.stock("MUG-CLASSIC")
    answers = await asyncio.gather(*(adjust(people, "delivery-1", delta=10) for _ in range(20)))
    assert {status for status, _, _ in answers} == {200}
    assert len({str(sorted(document.items())) for _, document, _ in answers}) == 1
    first = answers[0][1]
    assert (first["sku"], first["delta"], first["on_hand"]) == ("MUG-CLASSIC", 10, before + 10)
    replayed = [headers.get("Idempotent-Replayed") for _, _, headers in answers]
    assert Counter(replayed) == {None: 1, "true": 19}
    assert (await shop.stock("MUG-CLASSIC"))[0] == before + 10
    status, problem, _ = await adjust(people, "delivery-1", delta=11)
    assert (status, problem["code"]) == (422, "idempotency_mismatch")
    status, counted, _ = await adjust(people, "count-1", on_hand=7)
    assert (status, counted["on_hand"], counted["delta"]) == (200, 7, 7 - before - 10)
    status, again, headers = await adjust(people, "count-1", on_hand=7)
    assert (status, again, headers["Idempotent-Replayed"]) == (200, counted, "true")
    status, same, _ = await adjust(people, "count-2", on_hand=7)
    assert (status, same["delta"], same["on_hand"]) == (200, 0, 7)
    admin = await shop.db.fetchval("SELECT id::text FROM accounts WHERE role = 'admin'")
    log = await shop.db.fetch("SELECT actor, action, subject FROM audit_log ORDER BY id")
    assert [(row["actor"], row["action"], row["subject"]) for row in log] == [
        (admin, "stock.adjust", "MUG-CLASSIC")
    ] * 3
    ledger = (
        "SELECT sum(on_hand_delta) FROM stock_ledger JOIN variants USING (item_id) WHERE sku = 'MUG-CLASSIC'"
    )
    assert await shop.db.fetchval(ledger) == 7
    await shop.quiet()
    status, problem = await shop.buy(("MUG-CLASSIC", 8))
    assert (status, problem["lines"][0]["available"]) == (409, 7)
    assert (await shop.buy(("MUG-CLASSIC", 7)))[0] == 201


async def test_adjustments_are_refused_when_they_make_no_sense(people: People) -> None:
    """If this fails, stock is adjusted below what was sold, by two amounts at once, or without a key."""
    shop = people.shop
    await shop.set_stock("MUG-CLASSIC", 5)
    assert (await shop.buy(("MUG-CLASSIC", 3)))[0] == 201
    for key, code in (
        (None, "idempotency_key_missing"),
        ("", "idempotency_key_invalid"),
        ("x" * 256, "idempotency_key_invalid"),
    ):
        status, problem, _ = await adjust(people, key, delta=1)
        assert (status, problem["code"]) == (400, code)
    for number, change in enumerate(
        ({}, {"delta": 1, "on_hand": 5}, {"delta": 1.5}, {"delta": "1"}, {"on_hand": -1}, {"delta": 2**63},
         {"delta": 1, "reason": ""}, {"delta": 1, "sku": ""}, {"delta": 1, "actor": "x"}, {"delta": 1, "location": "A B"})
    ):  # fmt: skip
        status, problem, _ = await adjust(people, f"wrong-{number}", **change)
        assert (status, problem["code"]) == (400, "invalid"), change
    status, problem, _ = await adjust(people, "unknown", delta=1, sku="NOTHING")
    assert (status, problem["code"]) == (404, "not_found")
    for change in ({"delta": -3}, {"on_hand": 2}):
        status, problem, _ = await adjust(people, "too-few", **change)
        assert (status, problem["code"]) == (409, "below_reserved"), change
    assert await shop.stock("MUG-CLASSIC") == (5, 3)
    status, answer, _ = await adjust(people, "too-few", delta=-2)
    assert (status, answer["on_hand"], answer["available"]) == (200, 3, 0), "a refused key may be used again"


async def test_the_figures_are_live(people: People) -> None:
    """If this fails, whoever watches a sale sees numbers of another one."""
    shop, admin = people.shop, await people.token("admin")
    for _ in range(3):
        assert (await shop.buy(("MUG-CLASSIC", 1)))[0] == 201
    async with asyncio.timeout(10):
        while True:
            status, stats, headers = await shop.call("GET", "/v1/admin/stats", headers=admin)
            assert (status, headers["Cache-Control"]) == (200, "no-store")
            gate = stats["gate"]  # open as of now, the epoch as of the last look at Postgres
            if stats["orders"]["last_minute"]["placed"] == 3 and gate["open"] and gate["epoch"] >= 1:
                break
            await asyncio.sleep(0.1)
    assert stats["orders"]["last_minute"]["by_status"] == {"placed": 3}
    assert stats["orders_per_s"] == 0.05
    assert stats["outbox"]["topics"]["payment.capture"] == 3
    await shop.db.execute("UPDATE orders SET status = 'paid', paid_at = now()")
    async with asyncio.timeout(10):
        while stats["orders"]["last_minute"]["by_status"] != {"paid": 3}:
            await asyncio.sleep(0.2)
            _, stats, _ = await shop.call("GET", "/v1/admin/stats", headers=admin)
    total = await shop.db.fetchval("SELECT sum(total_minor) FROM orders")
    assert stats["orders"]["last_minute"]["revenue"] == [{"currency": "EUR", "amount": total}]


async def test_dead_letters_are_listed_and_replayed(people: People) -> None:
    """If this fails, work that failed for good is out of sight, or cannot be tried again."""
    shop, admin = people.shop, await people.token("admin")
    rows = await shop.db.fetch(
        "INSERT INTO outbox (topic, subject_id, attempts, parked_at, last_error, payload) "
        "SELECT 'shipment.book', gen_random_uuid(), 8, now() - (n % 3) * interval '1 minute', 'carrier said ' || n, "
        "json_build_object('n', n) FROM generate_series(1, 7) n RETURNING id, parked_at"
    )
    await shop.db.execute("INSERT INTO outbox (topic, subject_id) VALUES ('shipment.book', $1)", uuid.uuid4())
    wanted = [
        str(row["id"]) for row in sorted(rows, key=lambda row: (row["parked_at"], row["id"]), reverse=True)
    ]
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        query = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        status, page, _ = await shop.call("GET", LETTERS, params=query, headers=admin)
        assert status == 200
        found += page["items"]
        cursor, pages = page["next_cursor"], pages + 1
    assert ([item["id"] for item in found], pages) == (wanted, 3)
    assert all(item["error"] == f"carrier said {item['payload']['n']}" for item in found)
    assert {(item["topic"], item["attempts"]) for item in found} == {("shipment.book", 8)}
    for number, expected in enumerate((202, 404)):
        status, answer, _ = await shop.call("POST", f"{LETTERS}/{wanted[0]}/replay", headers=admin)
        assert status == expected, number
    taken = await OutboxStore(shop.app[PARTS].pool).take({"shipment.book": 10})
    assert wanted[0] in [str(row.id) for row in taken["shipment.book"]], "it is not due again"
    _, page, _ = await shop.call("GET", LETTERS, headers=admin)
    assert [item["id"] for item in page["items"]] == wanted[1:]
    for wrong in ("0", "-1", "x", "9" * 18, "9" * 40, "1.5"):
        status, answer, _ = await shop.call("POST", f"{LETTERS}/{wrong}/replay", headers=admin)
        assert (status, answer["code"]) == (404, "not_found"), wrong


async def test_a_cursor_of_ones_own_making_is_refused(people: People) -> None:
    """If this fails, an address that somebody edited is a 500."""
    admin = await people.token("admin")
    made = (
        "x", "é", "2026-01-01 1", "2026-01-01T00:00:00 1", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00 x",
        "2026-01-01T00:00:00+00:00 -1", "2026-01-01T00:00:00+00:00 9223372036854775808",
        "0001-01-01T00:00:00+14:00 1", "9999-12-31T23:59:59-14:00 1",
    )  # fmt: skip
    for text in ("=", "%", "x", "aaaaa", *(urlsafe_b64encode(cursor.encode()).decode() for cursor in made)):
        status, problem, _ = await people.shop.call("GET", LETTERS, params={"cursor": text}, headers=admin)
        assert (status, problem["errors"][0]["field"]) == (400, "cursor"), text
    for limit in ("0", "-1", "101", "x", "1e1", "٣"):
        status, problem, _ = await people.shop.call("GET", LETTERS, params={"limit": limit}, headers=admin)
        assert (status, problem["errors"][0]["field"]) == (400, "limit"), limit
