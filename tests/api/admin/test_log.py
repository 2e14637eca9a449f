"""The audit log: found by actor, action, subject and time; added to and never changed."""

import asyncpg
import pytest

from checkout.access.store import QUERIES, record
from tests.api.access.conftest import Desk

LOG = "/v1/admin/audit-log"


async def written(desk: Desk, *entries: tuple[str, str, str]) -> None:
    """Entries of (actor, action, subject)."""
    async with desk.shop.db.acquire() as connection:
        for actor, action, subject in entries:
            await record(connection, actor=actor, action=action, subject=subject, after={"n": subject})


async def test_entries_are_found_by_what_is_known_of_them(desk: Desk) -> None:
    """If this fails, nobody can say who changed a price, or what an admin did last week."""
    await written(
        desk,
        ("a", "role.change", "x"),
        ("b", "role.change", "y"),
        ("a", "user.change", "x"),
        ("key:c", "stock.adjust", "x"),
    )
    for query, wanted in (
        ("", ["x", "x", "y", "x"]),
        ("actor=a", ["x", "x"]),
        ("actor=key:c", ["x"]),
        ("action=role.change", ["y", "x"]),
        ("subject=y", ["y"]),
        ("subject=x&action=role.change", ["x"]),
        ("subject=z", []),
        ("from=2020-01-01T00:00:00Z", ["x", "x", "y", "x"]),
        ("to=2020-01-01T00:00:00%2B02:00", []),
    ):
        page = await desk.call("admin", "GET", f"{LOG}?{query}", expect=200)
        assert [entry["subject"] for entry in page["items"]] == wanted, query
        assert all(entry["after"] == {"n": entry["subject"]} for entry in page["items"])
    first = await desk.call("admin", "GET", f"{LOG}?limit=3", expect=200)
    await written(desk, ("a", "late", "late"))
    rest = await desk.call("admin", "GET", f"{LOG}?limit=3&cursor={first['next_cursor']}", expect=200)
    assert [entry["subject"] for entry in first["items"] + rest["items"]] == ["x", "x", "y", "x"]
    assert rest["next_cursor"] is None
    for query in (
        "actor=%00",
        "subject=",
        "from=yesterday",
        "from=2020-01-01",
        "to=9999-12-31T23:59:59-12:00",
        "from=0001-01-01T00:00:00Z",
        "cursor=WzE4NDQ2NzQ0MDczNzA5NTUxNjE2XQ==",
        "limit=101",
    ):
        await desk.call("admin", "GET", f"{LOG}?{query}", expect=400)


async def test_the_log_is_only_added_to(desk: Desk) -> None:
    """If this fails, whoever did something can take it out of the log."""
    await written(desk, ("a", "role.change", "x"))
    for statement in (
        "UPDATE audit_log SET actor = 'b'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DELETE FROM audit_log WHERE id = 0",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.shop.db.execute(statement)
    assert await desk.shop.db.fetchval("SELECT actor FROM audit_log") == "a"


async def test_every_filter_has_its_index(desk: Desk) -> None:
    """If this fails, looking up one entry reads the whole log, year after year."""
    await desk.shop.db.execute(
        """INSERT INTO audit_log (actor, action, subject)
           SELECT 'actor-' || n % 997, 'action-' || n % 991, 'subject-' || n FROM generate_series(1, 60000) n"""
    )
    await desk.shop.db.execute("ANALYZE audit_log")
    async with desk.shop.db.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        for number, name in enumerate(("actor", "action", "subject")):
            values: list[str | None] = [None] * 5
            values[number] = f"{name}-5"
            plan = await connection.fetch("EXPLAIN " + QUERIES.log_page, *values, 2**62, 20)
            text = "\n".join(row[0] for row in plan)
            assert f"audit_log_{name}" in text, text
            assert "Seq Scan" not in text
