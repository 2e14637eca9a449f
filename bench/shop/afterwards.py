"""After a run: what it left behind is worked off by the processes that were not running, then everything is audited."""

import asyncio
import time
from collections.abc import Iterable

from msgspec import Struct, field

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


class Afterwards(Struct, frozen=True):
    """What was found. Shape: `owed` rows before, `left` after; `drained`: nothing was left."""

    audit: AuditReport | None
    drained: bool
    owed: int
    left: int
    took_s: float
    problems: list[str] = field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What a reader should know."""
        if self.drained or self.audit is None:
            return []
        return [
            f"audited with {self.left:,} steps of work still owed after {self.took_s:.0f} s of working off, each by its row "
            "in the outbox; a longer --wait works them all off"
        ]


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
        return Afterwards(None, False, 0, 0, round(time.monotonic() - began, 1), [f"not audited: {error}"])


async def _drain_and_audit(
    shop: OwnShop, drain_s: float, say: Say, acknowledged: Iterable[str]
) -> Afterwards:
    began = time.monotonic()
    await shop.start(("relay", "work", "sandbox") if drain_s else ("relay", "sandbox"))
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
            say("stopping the workers")
            await shop.stop()
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
    return Afterwards(report, not left, owed, left, round(took_s, 1))
