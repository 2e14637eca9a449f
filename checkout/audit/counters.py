"""The gate's counters against Postgres and the open claims."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from checkout.audit.model import GATE, Finding
from checkout.audit.store import AuditStore
from checkout.errors import Unavailable
from checkout.kit.db import NOT_REACHED, open_pool
from checkout.kit.lane import Lane, ReplyError
from checkout.stock.gate import Gate
from checkout.stock.reconcile import drifts, open_units
from checkout.stock.store import StockStore
from config import limits

_CHUNK = 2_000
_CONFIRM_MOST = 100
AWAY = (Unavailable, ReplyError, *NOT_REACHED)


@asynccontextmanager
async def gate_of(database_url: str, gate_url: str) -> AsyncIterator[tuple[Gate, StockStore]]:
    """The gate as a process of the shop sees it, for one audit."""
    pool = await open_pool(database_url, purpose="audit-gate", max_size=2)
    lane = Lane(gate_url, timeout_s=10, connect_timeout_s=limits.GATE_CONNECT_TIMEOUT_S)
    stock = StockStore(pool)
    gate = Gate(lane, stock.gate_state)
    try:
        await lane.start(wait_s=limits.GATE_CONNECT_TIMEOUT_S)
        yield gate, stock
    finally:
        await lane.close()
        await pool.close()


async def compare_gate(gate: Gate, stock: StockStore, store: AuditStore) -> Finding:
    """How many units the counters are off: one look at everything, a second at what looks off, with its rows held still.

    Cost: one script and one query per 2,000 items; at most 100 rows locked, for one script.
    """
    began = time.perf_counter()
    try:
        if not gate.is_open and not await gate.refresh():
            return _answer(began, 0, "not proven: the gate is away or being rebuilt", proven=False)
        suspects = await _first_look(gate, stock)
        off = await _confirmed(gate, stock, store, sorted(suspects)[:_CONFIRM_MOST]) if suspects else []
    except AWAY as error:
        return _answer(began, 0, f"not proven: {error}", proven=False)
    if len(suspects) > _CONFIRM_MOST and len(off) == _CONFIRM_MOST:
        off = sorted(suspects.items())
    named = ", ".join(f"item {item} by {drift:+d}" for item, drift in off[:3])
    return _answer(began, sum(abs(drift) for _, drift in off), named)


def _answer(began: float, figure: int, detail: str, *, proven: bool = True) -> Finding:
    elapsed_ms = round((time.perf_counter() - began) * 1000)
    return Finding(GATE.name, GATE.proves, GATE.unit, figure, proven and figure == 0, detail, elapsed_ms)


async def _first_look(gate: Gate, stock: StockStore) -> dict[int, int]:
    """(item → what is missing in the gate); traffic between the two reads shows as drift."""
    found: dict[int, int] = {}
    after = 0
    while chunk := await stock.counters_after(after, _CHUNK):
        after = chunk[-1][0]
        items = [item for item, _ in chunk]
        units, claims = await gate.snapshot(items)
        placed = await stock.claims_placed([claim.claim_id for claim in claims]) if claims else set()
        found.update(drifts(list(zip(items, units, strict=True)), dict(chunk), open_units(claims, placed)))
    return found


async def _confirmed(
    gate: Gate, stock: StockStore, store: AuditStore, items: list[int]
) -> list[tuple[int, int]]:
    """What is off while no order on these items can commit: exact, also in mid-traffic."""
    async with store.items_locked(items) as available:
        units, claims = await gate.snapshot(items)
        mine = set(items)
        touching = [c.claim_id for c in claims if not mine.isdisjoint(item for item, _ in c.items)]
        placed = await stock.claims_placed(touching) if touching else set()
        return drifts(list(zip(items, units, strict=True)), available, open_units(claims, placed))
