"""Begin and end price lists at their times, by Postgres's clock."""

from checkout.catalog.store import touch_products, write_prices
from checkout.kit.db import Connection, Pool, Record, writing
from checkout.prices import store

_CLOCK = "system"


async def begin_and_end(pool: Pool, most: int) -> int:
    """Begins and ends lists that are due, each in a commit of its own; how many.

    Retry: safe, also by several relays at once. Cost: one read when nothing is due; else the list's stock rows are locked
    in item order, and its prices change in one statement.
    """
    for moved in range(most):
        async with writing(pool) as connection:
            due = await store.take_due(connection)
            if due is None:
                return moved
            await store.lock_entries(connection, due["id"])
            items, status = await _move(connection, due)
            if items:
                await touch_products(connection, items=items)
            await store.move_list(connection, due["id"], status, _CLOCK)
    return most


async def _move(connection: Connection, due: Record) -> tuple[list[int], str]:
    """(items whose prices changed, the list's new status)."""
    if due["status"] == "running":
        return await store.uncover(connection, due["id"]), "over"
    if due["is_past"]:  # nobody looked in all of its time
        return [], "over"
    if due["for_good"]:
        return await write_prices(connection, await store.listed(connection, due["id"])), "over"
    return await store.cover(connection, due["id"]), "running"
