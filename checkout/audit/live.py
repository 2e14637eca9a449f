"""The invariants as a serve process can prove them while the shop is open."""

import asyncio
import time
from datetime import UTC, datetime

from checkout.audit.counters import compare_gate
from checkout.audit.model import POSTGRES, Finding, Report
from checkout.audit.store import opened
from checkout.errors import Unavailable
from checkout.stock.gate import Gate
from checkout.stock.store import StockStore
from config import limits

_FRESH_S = 5.0
_REST = 10
"""After a report that took a second, ten pass before the next: a tenth of one connection at most is spent on proving."""


class LiveAudit:
    """One report at a time in a process, kept for some seconds; whoever asks meanwhile waits for it or gets the last.

    Guarantees: what Postgres and the gate can prove is asked as `checkout audit` asks it, of one snapshot. The provider's
    ledger and the ids that clients were told of are left to that command: reading them takes a provider's time.
    """

    def __init__(self, database_url: str, gate: Gate, stock: StockStore) -> None:
        self._database_url = database_url
        self._gate = gate
        self._stock = stock
        self._report: Report | None = None
        self._until = 0.0
        self._running: asyncio.Task[Report] | None = None

    async def report(self) -> Report:
        """A report that is fresh, or on its way for no more than AUDIT_WAIT_S; else the last one.

        Raises: Unavailable `audit_running` when there is none yet. Cost: a few sequential scans in Postgres.
        """
        if self._report is not None and time.monotonic() < self._until:
            return self._report
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._prove(), name="audit")
        done, _ = await asyncio.wait({self._running}, timeout=limits.AUDIT_WAIT_S)
        if done:
            return self._running.result()
        if self._report is None:
            raise Unavailable("The audit is still running.", code="audit_running", retry_after_ms=5000)
        return self._report

    async def stop(self) -> None:
        """Ends what runs."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _prove(self) -> Report:
        began, at = time.monotonic(), datetime.now(UTC)
        findings: list[Finding] = []
        async with opened(self._database_url) as store:
            before = await store.started()
            async with store.snapshot():
                scale = await store.scale()
                for invariant in POSTGRES:
                    findings.append(await store.ask(invariant, before))  # noqa: PERF401 - one at a time, on purpose
            findings.append(await compare_gate(self._gate, self._stock, store))
        took_s = time.monotonic() - began
        self._report = Report(at, 0.0, round(took_s, 2), scale, tuple(findings))
        self._until = time.monotonic() + max(_FRESH_S, _REST * took_s)
        return self._report
