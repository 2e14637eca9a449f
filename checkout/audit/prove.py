"""The audit itself: waits for the drain, asks everything of one moment, and asks again what may still be settling."""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

from checkout.audit import counters, money
from checkout.audit.ledger import LedgerUnread, ledger_of
from checkout.audit.model import ACKNOWLEDGED, GATE, INVARIANTS, POSTGRES, Finding, Ledger, Report, Scale
from checkout.audit.store import AuditStore, opened
from checkout.stock.gate import Gate
from checkout.stock.store import StockStore
from config import limits
from config.settings import Settings

_CHUNK = 10_000
_LOOK_AGAIN_S = 0.25
OnStep = Callable[[str], None]
_SETTLES = frozenset(invariant.name for invariant in INVARIANTS if invariant.settles)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one audit looks at. Shape: `before` is its beginning by Postgres's clock."""

    store: AuditStore
    gate: Gate
    stock: StockStore
    ledger: Ledger
    acknowledged: Iterable[UUID | str] | Path
    before: datetime
    on_step: OnStep


async def audit(
    settings: Settings,
    *,
    acknowledged: Iterable[UUID | str] | Path | None = None,
    wait_s: float = limits.GATE_HEALED_S,
    ledger: Ledger | None = None,
    on_step: OnStep = lambda _: None,
) -> Report:
    """Proves every invariant against the stores of these settings (their addresses resolved).

    Shape: `acknowledged` are ids of orders that clients were told of: a file with one a line, or a collection.
    Work under way is waited for, `wait_s` in all; the gate is given GATE_HEALED_S at least, as promised.
    Raises: asyncpg errors and OSError while Postgres is away, ValueError for an acknowledged id that is none.
    Cost: a few sequential scans; 35 s for a million orders on two cores, a third of it the provider's ledger.
    """
    began = time.monotonic()
    at = datetime.now(UTC)
    async with (
        opened(settings.database_url) as store,
        counters.gate_of(settings.database_url, settings.gate_url) as (gate, stock),
    ):
        asked = _Asked(
            store,
            gate,
            stock,
            ledger or ledger_of(settings),
            acknowledged if acknowledged is not None else (),
            await store.started(),
            on_step,
        )
        deadline = began + wait_s
        on_step("waiting for work under way")
        while time.monotonic() < deadline and await store.unfinished(asked.before):  # noqa: ASYNC110 - others finish it
            await asyncio.sleep(_LOOK_AGAIN_S)
        waited_s = time.monotonic() - began
        while True:
            findings, scale = await _everything(asked)
            failed = {finding.name for finding in findings if not finding.ok}
            if not failed & _SETTLES:
                break
            healing = began + limits.GATE_HEALED_S if GATE.name in failed else 0.0
            if time.monotonic() >= max(deadline, healing):
                break
            on_step(f"settling: {', '.join(sorted(failed))}")
            await asyncio.sleep(_LOOK_AGAIN_S)
            waited_s = time.monotonic() - began
    return Report(at, round(waited_s, 2), round(time.monotonic() - began, 2), scale, tuple(findings))


async def _everything(asked: _Asked) -> tuple[list[Finding], Scale]:
    store = asked.store
    findings = []
    async with store.snapshot():
        scale = await store.scale()
        for invariant in POSTGRES:
            asked.on_step(invariant.proves)
            findings.append(await store.ask(invariant, asked.before))
        asked.on_step(ACKNOWLEDGED.proves)
        missing, count = await _acknowledged(asked)
        findings.append(missing)
        asked.on_step("reading the provider's ledger")
        try:
            about_money, charges = await money.compare(store, asked.ledger, asked.before)
        except LedgerUnread as error:
            about_money, charges = money.unanswered(str(error)), 0
        findings += about_money
    asked.on_step("comparing the gate's counters")
    findings.append(await counters.compare_gate(asked.gate, asked.stock, store))
    return findings, Scale(scale.orders, scale.lines, scale.items, count, charges)


async def _acknowledged(asked: _Asked) -> tuple[Finding, int]:
    began = time.perf_counter()
    count = 0
    missing: list[UUID] = []
    ids = iter(_ids(asked.acknowledged))
    while chunk := list(islice(ids, _CHUNK)):
        count += len(chunk)
        missing += await asked.store.missing(chunk)
    finding = Finding(
        ACKNOWLEDGED.name,
        ACKNOWLEDGED.proves,
        ACKNOWLEDGED.unit,
        len(missing),
        not missing,
        ", ".join(f"order {order_id}" for order_id in missing[:3]),
        round((time.perf_counter() - began) * 1000),
    )
    return finding, count


def _ids(acknowledged: Iterable[UUID | str] | Path) -> Iterator[UUID]:
    if isinstance(acknowledged, Path):
        with acknowledged.open() as lines:
            yield from (UUID(line.strip()) for line in lines if line.strip())
    else:
        yield from (given if isinstance(given, UUID) else UUID(given) for given in acknowledged)
