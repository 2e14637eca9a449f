"""Locations are opened, changed against their version, and removed only while the ledger does not know them."""

import asyncio
from collections import Counter

from tests.api.stock.conftest import MUG, Desk


async def test_a_location_lives_and_ends(desk: Desk) -> None:
    """If this fails, a warehouse cannot be opened, found, renamed or given up."""
    wanted = {"code": "lyon", "name": "Lyon", "country": "FR", "region": "ARA", "priority": 5}
    status, made, headers = await desk.ask("POST", "locations", **wanted)
    assert (status, made) == (201, wanted | {"active": True, "version": 1})
    assert headers["ETag"] == '"1"'
    status, problem, _ = await desk.ask("POST", "locations", **wanted)
    assert (status, problem["code"]) == (409, "location_taken")
    status, changed, headers = await desk.ask(
        "PATCH", "locations/lyon", headers={"If-Match": '"1"'}, priority=1
    )
    assert (status, changed["priority"], changed["name"], headers["ETag"]) == (200, 1, "Lyon", '"2"')
    status, problem, _ = await desk.ask("DELETE", "locations/lyon", headers={"If-Match": '"1"'})
    assert (status, problem["code"]) == (412, "stale_version")
    assert (await desk.ask("GET", "locations/lyon"))[1] == changed
    assert (await desk.ask("DELETE", "locations/lyon", headers={"If-Match": '"2"'}))[0] == 204
    assert (await desk.ask("GET", "locations/lyon"))[0] == 404
    log = await desk.shop.db.fetch("SELECT action, subject FROM audit_log ORDER BY id")
    assert [tuple(row) for row in log] == [
        ("location.create", "lyon"),
        ("location.change", "lyon"),
        ("location.remove", "lyon"),
    ]


async def test_two_editors_do_not_overwrite_each_other(desk: Desk) -> None:
    """If this fails, the second of two people who edit a location undoes the first's change unseen."""
    await desk.place("lyon")
    done = await asyncio.gather(
        *(desk.ask("PATCH", "locations/lyon", headers={"If-Match": '"1"'}, priority=n) for n in range(12))
    )
    assert Counter(status for status, _, _ in done) == {200: 1, 412: 11}
    won = next(document for status, document, _ in done if status == 200)
    assert (await desk.ask("GET", "locations/lyon"))[1] == won


async def test_what_the_ledger_knows_stays(desk: Desk) -> None:
    """If this fails, a location is deleted under the units that lie there, or under their history."""
    await desk.place("lyon")
    line = {"lines": [{"sku": MUG, "quantity": 1}], "reason": "r"}
    assert (await desk.ask("POST", "stock/receipts", location="lyon", **line))[0] == 201
    assert (await desk.ask("POST", "stock/transfers", **{"from": "lyon", "to": "main"}, **line))[0] == 201
    for code in ("lyon", "main"):
        status, problem, _ = await desk.ask("DELETE", f"locations/{code}")
        assert (status, problem["code"]) == (409, "location_in_use"), code


async def test_locations_come_in_pages(desk: Desk) -> None:
    """If this fails, a shop with many warehouses sees some of them twice or never."""
    for code in ("b", "a", "d-1", "c"):
        await desk.place(code)
    seen, cursor = [], ""
    while True:
        _, page, _ = await desk.ask("GET", f"locations?limit=2{cursor}")
        seen += [item["code"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == ["a", "b", "c", "d-1", "main"]


async def test_locations_are_the_shops(desk: Desk) -> None:
    """If this fails, a vendor opens or closes the shop's warehouses."""
    for method, path, body in (
        ("GET", "locations", {}),
        ("GET", "locations/main", {}),
        ("PATCH", "locations/main", {"active": False}),
        ("DELETE", "locations/main", {}),
        ("POST", "locations", {"code": "x", "name": "X", "country": "DE"}),
    ):
        status, _, _ = await desk.ask(method, path, by="vendor", **body)
        assert status == 403, (method, path)


async def test_a_location_is_named_as_locations_are(desk: Desk) -> None:
    """If this fails, a code that no receipt can name is taken."""
    good = {"code": "x", "name": "X", "country": "DE"}
    for wrong in (
        {"code": "A"}, {"code": ""}, {"code": "a" * 33}, {"name": ""}, {"country": "Germany"}, {"priority": -1},
        {"priority": 2**63}, {"active": "yes"}, {"version": 7},
    ):  # fmt: skip
        status, problem, _ = await desk.ask("POST", "locations", **(good | wrong))
        assert (status, problem["code"]) == (400, "invalid"), wrong
    for code in ("A", "%00", "x" * 40, "%F0%9F%98%80"):
        assert (await desk.ask("GET", f"locations/{code}"))[0] == 404
