"""After a run: what it left behind is worked off by the processes that were not running, then everything is audited."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable

from msgspec import Struct, field

from bench.measure.processes import pids_of
from bench.problem import BenchError
from bench.report.progress import Say
from bench.shop.own import OwnShop, answers
from bench.shop.store import Backlog
from checkout.audit.model import Report as AuditReport
from checkout.audit.prove import audit
from checkout.kit.db import PostgresError

_LOOK_S = 0.5
_SETTLE_S = 5.0
_SANDBOX_S = 20.0
_STILL_S = 4.0
_FINISH_S = 90.0


class Afterwards(Struct, frozen=True):
    """What was found. Units: seconds, minor units. Shape: `owed` rows before, `left` after; `doubt_minor`: of payments that
    were tried and not yet known when the workers stopped."""

    audit: AuditReport | None
    owed: int = 0
    left: int = 0
    took_s: float = 0.0
    doubt_minor: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        if not self.left or self.audit is None:
            return []
        said = (
            f"audited with {self.left:,} steps of work still owed after {self.took_s:.0f} s of working off, each by its row "
            "in the outbox; a longer --wait works them all off"
        )
        if _apart_minor(self.audit):
            said += f"; the payments among them that had been tried come to {self.doubt_minor:,} minor units"
        return [said]

    @property
    def tolerated(self) -> list[str]:
        """Invariants that need not hold while work is owed: that nothing is owed; and that the ledgers agree, up to what was
        tried and will be asked again."""
        if not self.left or self.audit is None:
            return []
        in_doubt = 0 < _apart_minor(self.audit) <= self.doubt_minor
        return ["outbox_unfinished", *(["provider_ledger"] if in_doubt else [])]


def _apart_minor(audited: AuditReport) -> int:
    """How far our ledger and the provider's are apart."""
    return next((f.figure for f in audited.findings if f.name == "provider_ledger"), 0)


async def drain_and_audit(
    shop: OwnShop, *, drain_s: float, say: Say, acknowledged: Iterable[str] = ()
) -> Afterwards:
    """Starts what works, waits until nothing is owed (at most `drain_s`; 0: not at all), stops the workers, audits.

    The shop must be stopped. What cannot be audited is said among `problems`: figures that were measured are not lost by it.
    """
    began = time.monotonic()
    try:
        return await _drain_and_audit(shop, drain_s, say, acknowledged)
    except (BenchError, OSError, PostgresError) as error:
        took_s = round(time.monotonic() - began, 1)
        return Afterwards(None, took_s=took_s, problems=[f"not audited: {error}"])


async def _drain_and_audit(
    shop: OwnShop, drain_s: float, say: Say, acknowledged: Iterable[str]
) -> Afterwards:
    await shop.start(("relay", "work", "sandbox") if drain_s else ("relay", "sandbox"))
    began, doubt_minor = time.monotonic(), 0
    try:
        settings = shop.settings
        async with Backlog.of(settings.database_url) as backlog:
            owed = left = await backlog.owed()
            orders = await backlog.unbooked()
            say(f"working off {orders:,} orders" if drain_s else "auditing")
            while drain_s and left and time.monotonic() - began < drain_s:
                await asyncio.sleep(_LOOK_S)
                left = await backlog.owed()
                say.move(orders - await backlog.unbooked(), orders)
        took_s = time.monotonic() - began
        if drain_s and left:  # what is under way is finished, the rest stays owed
            say("letting the workers finish what they have")
            left, doubt_minor = await _finish_what_is_under_way(shop, backlog_url=settings.database_url)
            await shop.start(("relay", "sandbox"))
            settings = shop.settings
        await answers(f"{settings.sandbox_url}/_sandbox/ledger", wait_s=_SANDBOX_S)
        report = await audit(
            settings,
            wait_s=_SETTLE_S,
            on_step=lambda step: say(f"audit: {step}"),
            acknowledged=list(acknowledged),
        )
    finally:
        await shop.stop()
    return Afterwards(report, owed, left, round(took_s, 1), doubt_minor)


async def _finish_what_is_under_way(shop: OwnShop, *, backlog_url: str) -> tuple[int, int]:
    """Holds the relay still, so that the workers get nothing new and end what they have; stops all.

    Gives what is still owed, and how much money of it is in doubt: tried, and to be asked again later.
    """
    relays = pids_of(shop.roots, "relay")
    for pid in relays:
        os.kill(pid, signal.SIGSTOP)
    try:
        async with Backlog.of(backlog_url) as backlog:
            left, still, began = await backlog.owed(), time.monotonic(), time.monotonic()
            while time.monotonic() - still < _STILL_S and time.monotonic() - began < _FINISH_S:
                await asyncio.sleep(_LOOK_S)
                now = await backlog.owed()
                if now != left:
                    left, still = now, time.monotonic()
            doubt_minor = await backlog.doubt_minor()
    finally:
        stopping = asyncio.create_task(shop.stop())
        await asyncio.sleep(_LOOK_S)  # the relay is told to end before it may go on
        for pid in relays:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        await stopping
    return left, doubt_minor
