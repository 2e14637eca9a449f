"""How Postgres plans the statements of a search: once for all values, and by the way that each was written for."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from checkout.kit.db import Connection
from checkout.search import store
from tests.api.catalog.conftest import Shelf

WALKS = {
    "walk_newest": "product_search_newest",
    "walk_title": "product_search_title",
    "walk_rating": "product_search_rating",
    "walk_price": "product_prices_up",
    "walk_price_down": "product_prices_down",
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node of a plan."""
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def planned(connection: Connection, name: str) -> list[dict[str, Any]]:
    """The nodes of a statement's plan, as a search's connection keeps it."""
    query = getattr(store.queries, name)
    nulls = ", ".join(["NULL"] * len((await connection.prepare(query)).get_parameters()))
    await connection.execute(f"PREPARE {name} AS {query}")
    told = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE {name}({nulls})")
    return list(nodes(json.loads(told)[0]["Plan"]))


@pytest.mark.parametrize("name", WALKS)
async def test_a_walk_goes_along_its_index(words: Shelf, name: str) -> None:
    """If it fails, a page of many matches is found by reading and sorting all of them."""
    async with store.reading(words.front.pool) as connection:
        plan = await planned(connection, name)
    kinds = {node["Node Type"] for node in plan}
    assert WALKS[name] in {node.get("Index Name") for node in plan}
    assert not kinds & {"Sort", "Incremental Sort", "Seq Scan", "Bitmap Heap Scan", "Hash Join"}, kinds


async def test_what_is_common_is_read_from_the_first_blocks(words: Shelf) -> None:
    """If it fails, the index names every product that a common word is in, of which a few hundred are looked at."""
    async with store.reading(words.front.pool) as connection:
        plan = await planned(connection, "survey")
    read = [node["Node Type"] for node in plan if node.get("Relation Name") == "product_search"]
    assert sorted(read) == ["Bitmap Heap Scan", "Sample Scan", "Sample Scan"]


async def test_settings_end_with_the_snapshot(words: Shelf) -> None:
    """If it fails, whoever has the connection next is planned as a search is, or writes into a transaction that never ends."""
    pool = words.front.pool
    with contextlib.suppress(RuntimeError):
        async with store.reading(pool) as connection:
            assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
            assert await connection.fetchval("SHOW transaction_read_only") == "on"
            raise RuntimeError
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        assert await connection.fetchval("SHOW enable_sort") == "on"
        assert await connection.fetchval("SHOW plan_cache_mode") == "auto"
