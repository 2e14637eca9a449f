"""Moves stock: what all verbs share. Every movement is a row of the ledger, with actor, reason and location.

**Guarantees** (held by tests/api/stock):
- Ledger, total, locations and the notice to the gate are one commit.
- The same Idempotency-Key moves nothing twice; a refused request may be sent again under its key.
- What is promised to orders stays promised: no verb leaves less than is reserved.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson

from checkout.errors import Conflict, Mismatch, NotFound, Unavailable
from checkout.kit import sql
from checkout.kit.db import RETRYABLE, CheckViolation, Connection, Pool, UniqueViolation, acquired
from checkout.stock.policy import Policy

QUERIES = sql.load(__file__, "ledger.sql")
Kind = Literal["receipt", "adjustment", "transfer", "count", "feed"]


@dataclass(frozen=True, slots=True)
class By:
    """Who moves stock and why. Shape: `owner` None: any SKU, else those of the account's products alone."""

    actor: str
    owner: uuid.UUID | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A SKU's stock row as it was locked."""

    item_id: int
    sku: str
    on_hand: int
    reserved: int
    limit: int


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of one item at one location."""

    item_id: int
    location: str
    delta: int


async def once(
    pool: Pool,
    key: uuid.UUID,
    fingerprint: uuid.UUID,
    work: Callable[[Connection], Awaitable[dict[str, Any]]],
) -> tuple[Any, bool]:
    """Commits the work with its answer; (answer, whether it is the earlier one of this key).

    Raises: Mismatch, Conflict, Unavailable, and what the work raises. Retry: with the same key.
    """
    async with acquired(pool) as connection:
        try:
            async with connection.transaction():
                earlier = await _earlier(connection, key, fingerprint)
                if earlier is not None:
                    return earlier, True
                done = await work(connection)
                kept = orjson.dumps(done, option=orjson.OPT_UTC_Z)
                await connection.execute(QUERIES.keep_answer, key, fingerprint, kept.decode())
                return orjson.loads(kept), False
        except UniqueViolation:
            earlier = await _earlier(connection, key, fingerprint)
            if earlier is None:
                raise
            return earlier, True
        except CheckViolation as error:
            raise refusal(error) from None
        except RETRYABLE:
            raise Unavailable(
                "This stock is being changed by others; try again.", retry_after_ms=500
            ) from None


async def _earlier(connection: Connection, key: uuid.UUID, fingerprint: uuid.UUID) -> Any:
    row = await connection.fetchrow(QUERIES.earlier_answer, key)
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise Mismatch("This Idempotency-Key was used for another request; take a new key.")
    return orjson.loads(row["answer"])


def refusal(error: CheckViolation) -> Conflict:
    """What a tripped CHECK means to whoever moves stock."""
    if getattr(error, "constraint_name", None) == "location_stock_not_negative":
        return Conflict("The location has fewer units than that.", code="location_short")
    return Conflict(
        "The change would leave less stock than is reserved, or more than the shop can count.",
        code="below_reserved",
    )


async def lock_units(connection: Connection, skus: Sequence[str], owner: uuid.UUID | None) -> dict[str, Unit]:
    """The stock rows of these SKUs, locked in item order. Raises: NotFound for one that is not there, or not theirs."""
    found = await find_units(connection, skus, owner)
    for sku in skus:
        if sku not in found:
            raise NotFound(f"There is no SKU {sku}.")
    return found


async def find_units(connection: Connection, skus: Sequence[str], owner: uuid.UUID | None) -> dict[str, Unit]:
    """As lock_units, of those that are there."""
    rows = await connection.fetch(QUERIES.lock_units, list(skus), owner)
    return {
        row["sku"]: Unit(row["item_id"], row["sku"], row["on_hand"], row["reserved"], row["backorder_limit"])
        for row in rows
    }


async def places(connection: Connection, codes: Sequence[str]) -> dict[str, bool]:
    """Which of these locations there are, and whether they are active. Locks: them, against removal."""
    return {row["code"]: row["active"] for row in await connection.fetch(QUERIES.places, sorted(set(codes)))}


async def place(connection: Connection, code: str, *, takes_in: bool = False) -> None:
    """Raises: NotFound for a location that is not there, Conflict `location_inactive` for one that takes nothing in."""
    known = await places(connection, [code])
    if code not in known:
        raise NotFound(f"There is no location {code}.")
    if takes_in and not known[code]:
        raise Conflict(f"The location {code} takes nothing in: it is not active.", code="location_inactive")


async def at_places(
    connection: Connection, items: Sequence[int], codes: Sequence[str]
) -> dict[tuple[int, str], int]:
    """Units by item and location; a pair that is missing has none."""
    rows = await connection.fetch(QUERIES.at_places, list(items), sorted(set(codes)))
    return {(row["item_id"], row["location"]): row["on_hand"] for row in rows}


async def move(
    connection: Connection, document_id: uuid.UUID, kind: Kind, moves: Sequence[Move], by: By
) -> None:
    """Writes the movements of one document, and moves totals, locations and the gate's notice with them.

    Raises: CheckViolation; see `refusal`. Cost: one statement.
    """
    await connection.execute(
        QUERIES.move,
        [movement_id(document_id, move) for move in moves],
        [move.item_id for move in moves],
        [move.location for move in moves],
        [move.delta for move in moves],
        kind,
        by.reason,
        by.actor,
        document_id,
    )


def movement_id(document_id: uuid.UUID, move: Move) -> uuid.UUID:
    """The name of a document's movement: the same cause moves nothing twice."""
    return uuid.uuid5(document_id, f"{move.item_id}:{move.location}")


async def standing(
    connection: Connection, pairs: Sequence[tuple[int, str]]
) -> dict[tuple[int, str], dict[str, int]]:
    """How items stand now, in total and at a location."""
    rows = await connection.fetch(QUERIES.standing, [item for item, _ in pairs], [code for _, code in pairs])
    return {
        (row["item_id"], row["location"]): {
            "on_hand": row["on_hand"],
            "reserved": row["reserved"],
            "available": row["available"],
            "location_on_hand": row["location_on_hand"],
        }
        for row in rows
    }


async def arrived(connection: Connection, units: Sequence[tuple[int, int]]) -> None:
    """Takes received units off what pre-orders expect, (item, units) each."""
    await connection.execute(QUERIES.arrived, [item for item, _ in units], [count for _, count in units])


async def keep_counts(
    connection: Connection,
    document_id: uuid.UUID,
    location: str,
    counts: Sequence[tuple[int, int, int]],
    actor: str,
) -> None:
    """Keeps what a stocktake found: (item, expected, counted) each."""
    await connection.execute(
        QUERIES.keep_counts,
        document_id,
        location,
        actor,
        *(list(column) for column in zip(*counts, strict=True)),
    )


async def fed(
    connection: Connection, names: Sequence[tuple[int, str, str]]
) -> dict[tuple[int, str, str], datetime]:
    """The moment of the last figure taken, by (item, location, source)."""
    columns = [list(column) for column in zip(*names, strict=True)]
    rows = await connection.fetch(QUERIES.fed, *columns)
    return {(row["item_id"], row["location"], row["source_id"]): row["as_of"] for row in rows}


async def keep_fed(connection: Connection, rows: Sequence[tuple[int, str, str, datetime, int]]) -> None:
    """Keeps the figures taken: (item, location, source, as of, on hand) each."""
    await connection.execute(QUERIES.keep_fed, *(list(column) for column in zip(*rows, strict=True)))


async def policy_of(connection: Connection, unit: Unit) -> Policy:
    """The SKU's policy; without one of its own, the back-order limit that its product file gave it."""
    row = await connection.fetchrow(QUERIES.policy, unit.item_id)
    return Policy(*row) if row else Policy(backorder=max(0, unit.limit))


async def keep_policy(connection: Connection, item_id: int, policy: Policy) -> None:
    """Writes the policy; the net in the stock row and the gate follow in the same commit."""
    await connection.execute(
        QUERIES.keep_policy,
        item_id,
        policy.backorder,
        policy.safety_stock,
        policy.preorder_units,
        policy.preorder_until,
        policy.low_at,
        policy.version,
    )
