"""Keeps the gate in step with Postgres: repairs suspects exactly, gives back abandoned claims and expired holds,
looks for drift that nobody reported.

A counter is repaired while Postgres holds its stock row locked: no claim on it can commit, so the drift found is exact,
and admissions that happen meanwhile are not disturbed, because the drift is added and not the value set.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence

import structlog

from checkout.errors import Unavailable
from checkout.kit.db import NOT_REACHED, RETRYABLE, FastUUID, PostgresError
from checkout.kit.lane import ReplyError
from checkout.stock.gate import Gate
from checkout.stock.model import OpenClaim
from checkout.stock.store import StockStore
from config import limits

log = structlog.get_logger()
_REPAIR_AT_ONCE = 100
_LEAD_MS = int(limits.RECONCILE_LEAD_S * 1000)
_SCAN_AT_ONCE = 2_000
_RECALL_MOST = 100_000
_RECALL_CHUNK = 2_000


def open_units(claims: Iterable[OpenClaim], placed: set[uuid.UUID]) -> Counter[int]:
    """Units by item in open claims that Postgres does not hold."""
    units: Counter[int] = Counter()
    for claim in claims:
        if claim.claim_id not in placed:
            for item_id, quantity in claim.items:
                units[item_id] += quantity
    return units


def drifts(
    in_gate: Sequence[tuple[int, int]], in_postgres: dict[int, int], held: Counter[int]
) -> list[tuple[int, int]]:
    """(item, what to add to the gate's counter) for each counter that is off."""
    found = []
    for item_id, units in in_gate:
        drift = in_postgres.get(item_id, 0) - held[item_id] - units
        if drift:
            found.append((item_id, drift))
    return found


class Reconciler:
    """The shop's reconciler: every process has one, the one that leads works; were there two, row locks keep them apart."""

    def __init__(
        self, gate: Gate, store: StockStore, *, abandoned_s: float = limits.CLAIM_ABANDONED_S
    ) -> None:
        self._gate = gate
        self._store = store
        self._abandoned_s = abandoned_s
        self._scan_after = 0
        self._seen_off: dict[int, int] = {}
        self._recalled_epoch = 0

    async def run(self) -> None:
        """Runs for ever; a store that is away is waited for."""
        while True:
            await asyncio.sleep(limits.RECONCILE_INTERVAL_S)
            try:
                if self._gate.is_open and await self._gate.leads(_LEAD_MS):
                    await self.step()
            except (Unavailable, ReplyError, PostgresError, *RETRYABLE, *NOT_REACHED) as error:
                log.info("reconciler waits", error=str(error))

    async def step(self) -> None:
        """One look at everything. Raises: Unavailable and what the stores raise."""
        while await self.repair():
            pass
        await self.give_back_abandoned()
        await self._gate.give_back(await self._gate.first_holds(limits.SWEEP_BATCH), only_expired=True)
        await self.scan()
        await self.recall()

    async def repair(self) -> int:
        """Repairs a group of suspects; gives how many it looked at. Retry: safe.

        Cost: the group's stock rows stay locked for one call of the gate and one query.
        """
        async with self._store.suspects_locked(_REPAIR_AT_ONCE) as locked:
            if not locked.items:
                return 0
            units, claims = await self._gate.snapshot(locked.items)
            mine = set(locked.items)
            touching = [c for c in claims if not mine.isdisjoint(item for item, _ in c.items)]
            placed = await locked.claims_placed([c.claim_id for c in touching]) if touching else set()
            off = drifts(
                list(zip(locked.items, units, strict=True)), locked.available, open_units(touching, placed)
            )
            if off and not await self._gate.shift(off):
                return 0
            await locked.repaired()
        return len(locked.items)

    async def give_back_abandoned(self) -> int:
        """Settles or gives back checkout claims that no statement can commit any more. Gives how many it closed."""
        _, claims = await self._gate.snapshot([0])
        oldest_ms = await self._gate.now_ms() - self._abandoned_s * 1000
        old = [c.claim_id for c in claims if not c.is_hold and c.admitted_ms < oldest_ms]
        if not old:
            return 0
        placed = await self._store.claims_placed(old)
        for claim_id in placed:
            self._gate.settle(claim_id, self._gate.epoch)
        lost = [claim_id for claim_id in old if claim_id not in placed]
        given = await self._gate.give_back(lost)
        log.info("abandoned claims closed", settled=len(placed), given_back=given)
        return len(old)

    async def scan(self) -> None:
        """Looks at the next chunk of counters; one found off in the same way twice becomes a suspect."""
        chunk = await self._store.counters_after(self._scan_after, _SCAN_AT_ONCE)
        self._scan_after = chunk[-1][0] if len(chunk) == _SCAN_AT_ONCE else 0
        items = list({item for item, _ in chunk} | self._seen_off.keys())
        if not items:
            return
        units, claims = await self._gate.snapshot(items)
        truth = await self._store.available(items)
        placed = await self._store.claims_placed([c.claim_id for c in claims]) if claims else set()
        off = dict(drifts(list(zip(items, units, strict=True)), truth, open_units(claims, placed)))
        again = [item for item, drift in off.items() if self._seen_off.get(item) == drift]
        self._seen_off = {item: drift for item, drift in off.items() if item not in again}
        if again:
            log.info("drift found", items=len(again))
            await self._store.add_suspects(again)

    async def recall(self) -> None:
        """After a rebuild, and past all statements begun before it: teaches the gate the settled claims of the window."""
        epoch = self._gate.epoch
        if not epoch or self._recalled_epoch == epoch or not self._gate.forgets:
            return
        if await self._store.gate_age_s() < self._abandoned_s:
            return
        oldest_ms = await self._gate.now_ms() - limits.IDEMPOTENCY_MEMORY_S * 1000
        oldest = FastUUID((oldest_ms << 80).to_bytes(16, "big"))
        rows = await self._store.recent_claims(oldest, _RECALL_MOST)
        for at in range(0, len(rows), _RECALL_CHUNK):
            await self._gate.remember([claim for claim, _ in rows[at : at + _RECALL_CHUNK]])
        await self._store.remembered(epoch, rows[-1][1] if len(rows) == _RECALL_MOST else None)
        self._recalled_epoch = epoch
