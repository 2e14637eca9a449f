"""What Postgres does for each statement of the shop when the shop is large: by which index, in which month.

60,000 orders by default; `PLANS_ORDERS=1000000 pytest tests/plans` takes a million (three minutes on two cores).
"""

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from checkout.kit import sql
from tests.house.tree import read, written_by_us
from tests.plans.fill import fill
from tests.shop import Stores

ORDERS = int(os.environ.get("PLANS_ORDERS", "60000"))
# The first test waits for the large shop to be written: 120 s, as all tests have, for the default.
pytestmark = pytest.mark.timeout(max(120, ORDERS // 1000))
ROWS_MAX = 50_000
"""A statement of a request or an actor never plans for more rows than this."""

LARGE = (
    *(
        "orders",
        "order_lines",
        "order_events",
        "stock_movements",
        "order_claims",
        "payments",
        "invoices",
        "shipments",
    ),
    *(
        "notifications_sent",
        "webhook_inbox",
        "carts",
        "outbox",
        "admin_requests",
        "stock",
        "variants",
        "prices",
        "products",
    ),
)
FEW_PAGES = 25.0
"""Planner's cost of a table that is hardly there: a month to come, whose one page is read quicker than its index."""
_PARTITION = re.compile(r"_(\d{4}_\d\d|other|until_\d{4}_\d\d)$")
APART = {"checkout/sandbox/sqlite.sql", "checkout/audit/queries.sql"}
"""Not Postgres's; and the audit, which reads everything: that is what it is for."""

FILES = [
    p
    for p in written_by_us(".sql")
    if "-- name: " in read(p) and p.parts[0] == "checkout" and p.as_posix() not in APART
]

SCANS = {
    "admin:low_stock": "asked at most every half minute; what is low is known only by looking at all stock",
    "bulk:attribute_names": "an export begins with it, and reads every product anyway",
    "bulk:count_rows": "an export begins with it, and reads every variant anyway",
    "bulk:currencies": "an export begins with it, and reads every price anyway",
    "catalog:category_tree": "counts what each category holds, for a document that is cached",
    "carts:forget_carts": "hourly; an index on the time of the last edit would make every edit of a cart write an index",
    "personal:by_key": "a command's proof that no row lies under another key; a key is counted nowhere but in its rows",
    "prices:prices": "one plan for all filters of an admin's list; which of them are given, a generic plan cannot know",
}
"""Statements that may read a large table whole, each with its reason."""


@pytest.fixture(scope="module")
def large_url(stores: Stores) -> str:
    """The URL of a large shop."""

    async def made() -> str:
        url = await stores.fresh_database()
        await fill(url, ORDERS)
        return url

    return asyncio.run(made())


def plain(query: str) -> str:
    """Without comments, whose dollars would be parameters."""
    return "\n".join(line.split(" -- ")[0] for line in query.splitlines() if not line.startswith("--"))


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def whole(plan: dict[str, Any]) -> set[str]:
    """Large tables that a plan reads from end to end.

    A walk along an index without a condition counts unless the whole plan costs less than it: then somebody above stops it.
    """
    found = set()
    for node in nodes(plan):
        table = _PARTITION.sub("", node.get("Relation Name", ""))
        if table not in LARGE or node["Total Cost"] < FEW_PAGES:
            continue
        unbound = (
            "Index Cond" not in node
            and "Recheck Cond" not in node
            and node["Total Cost"] <= plan["Total Cost"]
        )
        if node["Node Type"] == "Seq Scan" or (unbound and node["Node Type"].startswith("Index")):
            found.add(table)
    return found


async def plans_of(connection: "asyncpg.Connection[asyncpg.Record]", path: Path) -> dict[str, dict[str, Any]]:
    """Each statement's generic plan, as a pool's connection uses it after five times."""
    found = {}
    for name, text in sql.parse(read(path)).items():
        query = plain(text)
        if re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b", query):
            found[name] = json.loads(await connection.fetchval("SELECT plan_of($1)", query))[0]["Plan"]
    return found


async def test_no_statement_reads_a_large_table_whole(large_url: str) -> None:
    """If this fails, a statement gets slower with every order that the shop has ever had."""
    connection = await asyncpg.connect(large_url)
    scans, many = {}, {}
    try:
        for path in FILES:
            for name, plan in (await plans_of(connection, path)).items():
                label = f"{path.parent.as_posix().removeprefix('checkout/')}:{name}"
                if found := whole(plan):
                    scans[label] = sorted(found)
                if plan["Plan Rows"] > ROWS_MAX:
                    many[label] = plan["Plan Rows"]
    finally:
        await connection.close()
    assert {label: tables for label, tables in scans.items() if label not in SCANS} == {}
    assert set(SCANS) - set(scans) == set(), "these no longer read it whole: take them off the list"
    assert {label: rows for label, rows in many.items() if label not in SCANS} == {}


BY_ID = {
    "checkout/orders/queries.sql": ("orders_by_id", "events_of"),
    "checkout/payments/queries.sql": ("lock_units",),
}


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, names in BY_ID.items() for name in names])
async def test_an_id_reads_one_month(large_url: str, file: str, name: str) -> None:
    """If this fails, a look-up by an order's id searches every month that there is."""
    connection = await asyncpg.connect(large_url)
    try:
        row = await connection.fetchrow(
            "SELECT id, tableoid::regclass::text AS part FROM orders ORDER BY id DESC OFFSET 10 LIMIT 1"
        )
        assert row is not None
        query = plain(sql.parse(read(Path(file)))[name])
        prepared = await connection.prepare(query)
        arguments = [
            f"'{row['id']}'"
            if p.name == "uuid"
            else f"ARRAY['{row['id']}'::uuid]"
            if p.kind == "array"
            else "1"
            for p in prepared.get_parameters()
        ]
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE by_id AS {query}")
        told = await connection.fetchval(
            f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE by_id({', '.join(arguments)})"
        )
    finally:
        await connection.close()
    month = row["part"].removeprefix("months.orders_")
    read_from = {
        node["Relation Name"]
        for node in nodes(json.loads(told)[0]["Plan"])
        if "Relation Name" in node and node["Actual Loops"]
    }
    months = {table for table in read_from if _PARTITION.search(table)}
    assert months
    assert all(table.endswith(month) for table in months)


async def test_stock_is_updated_in_item_order(large_url: str) -> None:
    """If this fails, two batches lock their stock rows crosswise, and one of them is turned back as a deadlock."""
    connection = await asyncpg.connect(large_url)
    try:
        await connection.execute("SET enable_seqscan = off")
        query = plain(sql.parse(read(Path("checkout/orders/queries.sql")))["place_batch"])
        plan = json.loads(await connection.fetchval("SELECT plan_of($1)", query))[0]["Plan"]
    finally:
        await connection.close()
    taken = next(node for node in nodes(plan) if node.get("Subplan Name") == "CTE taken")
    loop = taken["Plans"][0]
    assert loop["Node Type"] == "Nested Loop"
    outer, inner = loop["Plans"]
    assert inner["Index Name"] == "stock_pkey"
    ordered = list(nodes(outer))
    assert any(node["Node Type"] == "Sort" and "item_id" in node["Sort Key"][0] for node in ordered)
    assert not any("Hash" in node["Node Type"] or node.get("Strategy") == "Hashed" for node in ordered)
