"""Set and take away regular prices, in force from the commit on unless a price list covers them."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from checkout.access.model import Grant
from checkout.catalog.store import drop_prices, touch_products, write_prices
from checkout.errors import NotFound, Stale
from checkout.kit.db import Connection, Pool, writing
from checkout.prices import store
from checkout.prices.model import Entry

NONE: Mapping[str, int] = MappingProxyType({})


async def set_now(
    pool: Pool, grant: Grant, entries: Sequence[Entry], versions: Mapping[str, int] = NONE
) -> int:
    """Sets these regular prices, all or none; how many changed. Shape: `versions` by SKU: its product's, as it was read.

    Raises: Invalid for a SKU that is not there or not the caller's, Stale, Unavailable. Retry: safe.
    Cost: about 8 statements; stock rows locked in item order, then, of products with a version, their rows by slug.
    """
    async with writing(pool) as connection:
        items = await store.lock_items(connection, entries, grant.owner)
        await _refuse_stale(connection, versions)
        before = await _regular(connection, list(items.values()))
        changed = await write_prices(connection, store.rows_of(entries, items))
        await _told(connection, grant.actor, changed, before, list(items.values()))
        return len(changed)


async def drop(pool: Pool, grant: Grant, sku: str, currency: str, version: int | None) -> None:
    """Takes a SKU's regular price in this currency away: it is not sold in it any more.

    Raises: NotFound, Stale when its product is at another version than the one asked for, Unavailable.
    """
    async with writing(pool) as connection:
        items = await store.find_items(connection, [sku], grant.owner)
        if items and version is not None:
            await _refuse_stale(connection, {sku: version})
        before = await _regular(connection, list(items.values()))
        gone = await drop_prices(
            connection, [{"item_id": item, "currency": currency} for item in items.values()]
        )
        if not gone:
            raise NotFound(f"There is no price of {sku} in {currency}.")
        await _told(connection, grant.actor, gone, before, list(items.values()))


async def _refuse_stale(connection: Connection, versions: Mapping[str, int]) -> None:
    if not versions:
        return
    for sku, version in await store.lock_versions(connection, sorted(versions)):
        if version != versions[sku]:
            raise Stale(
                f"The product of {sku} is at version {version}: read its prices again.",
                extra={"version": version},
            )


_ByCurrency = dict[str, dict[str, Any]]


async def _regular(connection: Connection, items: Sequence[int]) -> dict[str, _ByCurrency]:
    found: dict[str, _ByCurrency] = {}
    for row in await store.regular(connection, items):
        found.setdefault(row["sku"], {})[row["currency"]] = {
            "amount": row["amount_minor"],
            "compare_at": row["compare_at_minor"],
        }
    return found


async def _told(
    connection: Connection,
    actor: str,
    changed: Sequence[int],
    before: dict[str, _ByCurrency],
    items: Sequence[int],
) -> None:
    """Moves the products' versions and writes the log, for what changed."""
    if not changed:
        return
    await touch_products(connection, items=changed)
    after = await _regular(connection, items)
    rows = [
        {"sku": sku, "before": before.get(sku), "after": after.get(sku)}
        for sku in sorted(before.keys() | after.keys())
        if before.get(sku) != after.get(sku)
    ]
    await store.log_prices(connection, actor, rows)
