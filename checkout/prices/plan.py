"""Plan price lists: prices from one moment to another."""

import uuid
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from checkout.access.model import Grant
from checkout.access.store import record
from checkout.catalog.store import touch_products
from checkout.errors import Conflict, Invalid, NotFound
from checkout.kit.conditional import refuse_stale
from checkout.kit.db import Connection, Pool, Record, writing
from checkout.kit.ids import uuid7
from checkout.prices import store
from checkout.prices.model import Entry, PriceList


class ListChange(Struct, frozen=True):
    """What is to change of a list; UNSET stays."""

    name: str | UnsetType = UNSET
    starts_at: datetime | UnsetType = UNSET
    ends_at: datetime | UnsetType | None = UNSET
    entries: tuple[Entry, ...] | UnsetType = UNSET


async def plan(pool: Pool, grant: Grant, wanted: PriceList) -> uuid.UUID:
    """The id of the new list. Raises: Invalid, Conflict `price_list_overlaps`, Unavailable. Retry: overlaps with itself."""
    list_id = uuid7()
    starts_at = wanted.starts_at or datetime.now(UTC)
    check_times(starts_at, wanted.ends_at)
    async with writing(pool) as connection:
        rows = store.rows_of(wanted.entries, await store.lock_items(connection, wanted.entries, grant.owner))
        if wanted.ends_at is not None:
            await store.refuse_overlap(connection, list_id, rows, starts_at, wanted.ends_at)
        await store.add_list(connection, list_id, wanted, rows, owner=grant.owner, actor=grant.actor)
        await record(
            connection,
            actor=grant.actor,
            action="price_list.plan",
            subject=str(list_id),
            after={
                "name": wanted.name,
                "from": starts_at,
                "until": wanted.ends_at,
                "prices": [shown(entry) for entry in wanted.entries],
            },
        )
    return list_id


async def change(
    pool: Pool, grant: Grant, list_id: uuid.UUID | None, version: int | None, wanted: ListChange
) -> None:
    """Changes a list that waits; of one that runs, the name and the end.

    Raises: NotFound, Stale, Invalid, Conflict (`price_list_begun`, `price_list_overlaps`), Unavailable.
    """
    async with writing(pool) as connection:
        stored = await _opened(connection, grant, list_id, version)
        begun = stored["status"] != "waiting"
        if stored["status"] == "over" or (
            begun
            and not (wanted.starts_at is UNSET and wanted.entries is UNSET and wanted.ends_at is not None)
        ):
            raise Conflict(
                "The list has begun: only its name and its end can change, and nothing when it is over.",
                code="price_list_begun",
            )
        name = stored["name"] if isinstance(wanted.name, UnsetType) else wanted.name
        starts_at = stored["starts_at"] if isinstance(wanted.starts_at, UnsetType) else wanted.starts_at
        ends_at = stored["ends_at"] if isinstance(wanted.ends_at, UnsetType) else wanted.ends_at
        check_times(starts_at, ends_at)
        old = await store.entries_of(connection, stored["id"])
        entries = old if isinstance(wanted.entries, UnsetType) else wanted.entries
        items = await store.lock_items(connection, entries, grant.owner)
        rows = store.rows_of(entries, items)
        if ends_at is not None:
            await store.refuse_overlap(connection, stored["id"], rows, starts_at, ends_at)
        await store.change_list(connection, stored["id"], name, starts_at, ends_at)
        if entries is not old:
            await store.replace_entries(connection, stored["id"], rows)
        await record(
            connection,
            actor=grant.actor,
            action="price_list.change",
            subject=str(stored["id"]),
            before={name_: stored[name_] for name_ in ("name", "starts_at", "ends_at")}
            | {"prices": [shown(entry) for entry in old]},
            after={
                "name": name,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "prices": [shown(entry) for entry in entries],
            },
        )


async def cancel(pool: Pool, grant: Grant, list_id: uuid.UUID | None, version: int | None) -> None:
    """Deletes a list that waits; ends one that runs, now. Raises: NotFound, Stale, Conflict `price_list_begun` (over)."""
    async with writing(pool) as connection:
        stored = await _opened(connection, grant, list_id, version)
        if stored["status"] == "over":
            raise Conflict("The list is over; it stays as a record.", code="price_list_begun")
        if stored["status"] == "running":
            await store.lock_entries(connection, stored["id"])
            await touch_products(connection, items=await store.uncover(connection, stored["id"]))
            await store.move_list(connection, stored["id"], "over", grant.actor)
            return
        entries = await store.entries_of(connection, stored["id"])
        await store.drop_list(connection, stored["id"])
        await record(
            connection,
            actor=grant.actor,
            action="price_list.cancel",
            subject=str(stored["id"]),
            before={"name": stored["name"], "prices": [shown(entry) for entry in entries]},
        )


def check_times(starts_at: datetime, ends_at: datetime | None) -> None:
    """Refuses times that no list could have. Raises: Invalid."""
    if ends_at is not None and ends_at <= max(starts_at, datetime.now(UTC)):
        raise Invalid("until: is after from, and in the future", field="until")


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as documents have it."""
    return {
        "sku": entry.sku,
        "currency": entry.currency,
        "amount": entry.amount_minor,
        "compare_at": entry.compare_at_minor,
    }


async def _opened(
    connection: Connection, grant: Grant, list_id: uuid.UUID | None, version: int | None
) -> Record:
    stored = None if list_id is None else await store.lock_list(connection, list_id, grant.owner)
    if stored is None:
        raise NotFound("There is no such price list.")
    refuse_stale(stored["version"], version)
    return stored
