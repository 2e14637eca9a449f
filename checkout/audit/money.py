"""The provider's ledger against ours, and against what a provider may take for one order."""

import time
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from checkout.audit.model import PROVIDER, PROVIDER_ONE, Charge, Finding, Invariant, Ledger
from checkout.audit.store import AuditStore

_CHUNK = 10_000
_NAMED = 3


class _Sums:
    """What is wrong so far. Units: minor units and orders."""

    def __init__(self) -> None:
        self.apart_minor = 0
        self.twice = 0
        self.charges = 0
        self.matched_minor = 0
        self.culprits: list[str] = []
        self.doubled: list[str] = []

    def unknown(self, charge: Charge) -> None:
        self.apart_minor += charge.charged_minor
        self.culprits.append(f"{charge.reference or charge.order_id} is no order of ours")


async def compare(
    store: AuditStore, ledger: Ledger, before: datetime, *, on_step: Callable[[int], None] | None = None
) -> tuple[list[Finding], int]:
    """Both findings about the provider, and how many of its orders were compared.

    Orders whose payment began after `before` are left out: their two ledgers may differ for a moment.
    Cost: one query per 10,000 orders of the provider; memory bounded by the chunk.
    """
    began = time.perf_counter()
    sums = _Sums()
    chunk: dict[UUID, Charge] = {}
    async for charge in ledger():
        sums.charges += 1
        if charge.order_id is None:
            sums.unknown(charge)
            continue
        seen = chunk.get(charge.order_id)
        chunk[charge.order_id] = charge if seen is None else _both(seen, charge)
        if len(chunk) == _CHUNK:
            await _compare_chunk(store, chunk, before, sums)
            chunk.clear()
            if on_step is not None:
                on_step(sums.charges)
    await _compare_chunk(store, chunk, before, sums)
    ours = await store.all_money(before)
    only_ours = ours.charged_minor + ours.refunded_minor - sums.matched_minor
    if only_ours:
        sums.apart_minor += abs(only_ours)
        sums.culprits.append(f"{only_ours} minor units are in our ledger alone")
    elapsed_ms = round((time.perf_counter() - began) * 1000)
    return [
        _finding(PROVIDER, sums.apart_minor, sums.culprits, elapsed_ms),
        _finding(PROVIDER_ONE, sums.twice, sums.doubled, elapsed_ms),
    ], sums.charges


def unanswered(reason: str) -> list[Finding]:
    """Both findings when the provider's ledger could not be read: not held."""
    return [
        Finding(invariant.name, invariant.proves, invariant.unit, 0, False, f"not proven: {reason}")
        for invariant in (PROVIDER, PROVIDER_ONE)
    ]


def _finding(invariant: Invariant, figure: int, culprits: list[str], elapsed_ms: int) -> Finding:
    return Finding(
        invariant.name,
        invariant.proves,
        invariant.unit,
        figure,
        figure == 0,
        ", ".join(culprits[:_NAMED]),
        elapsed_ms,
    )


def _both(one: Charge, other: Charge) -> Charge:
    return Charge(
        one.order_id,
        one.charges + other.charges,
        one.charged_minor + other.charged_minor,
        one.refunded_minor + other.refunded_minor,
        one.reference,
    )


async def _compare_chunk(store: AuditStore, chunk: dict[UUID, Charge], before: datetime, sums: _Sums) -> None:
    if not chunk:
        return
    for order_id, money in (await store.money_of(list(chunk), before)).items():
        charge = chunk[order_id]
        if money.busy:
            continue
        if not money.known:
            sums.unknown(charge)
            continue
        sums.matched_minor += money.charged_minor + money.refunded_minor
        apart = abs(charge.charged_minor - money.charged_minor) + abs(
            charge.refunded_minor - money.refunded_minor
        )
        if apart:
            sums.apart_minor += apart
            sums.culprits.append(f"order {order_id}")
        if charge.charges > max(1, money.charges):
            sums.twice += 1
            sums.doubled.append(f"order {order_id}")
