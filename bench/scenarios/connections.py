"""`bench connections`: ten thousand connections wait, a thousand read and buy: is anybody refused? (T14)"""

import asyncio
import time
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.drive import Tool, drive
from bench.load.idle import idle_connections
from bench.load.open_files import raise_file_limit
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.processes import Meter
from bench.measure.row import bare_row
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Figure, Result, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.own import own_shop
from bench.shop.store import stock_up

_SPARE_FILES = 200
_PRODUCTS = 500
_BUYERS = 0.3


class Connections(Struct, frozen=True):
    """What is asked for. Units: seconds; each of the `active` asks once in `think_s`. Shape: three of ten buy."""

    seconds: float = 60.0
    idle: int = 10_000
    active: int = 1_000
    think_s: float = 4.0
    processes: int = 2
    drain_s: float = 60.0

    @property
    def buyers(self) -> int:
        """How many of the active buy; the others read."""
        return max(1, round(self.active * _BUYERS))


async def run_connections(asked: Connections, say: Say) -> Result:
    """The whole run, on a shop of its own. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    if raise_file_limit() < asked.idle + asked.active + _SPARE_FILES:
        raise BenchError(
            f"{asked.idle + asked.active:,} connections need as many open files: raise `ulimit -n`"
        )
    async with own_shop(processes=asked.processes, kinds=("serve",)) as shop:
        skus, slugs = await stock_up(shop.settings.database_url, units=1_000_000)
        pages = [f"/v1/products/{slug}" for slug in slugs[:_PRODUCTS]]

        async def active(shape: Shape, count: int) -> Run:
            tool = Tool("generator", count, asked.seconds)
            return await drive(tool, shop.url, shape, rate_per_s=count / asked.think_s)

        say(f"{asked.idle:,} idle connections")
        async with idle_connections(shop.url, asked.idle) as idle:
            say(f"{asked.active:,} active ones beside, {asked.seconds:.0f} s")
            meter = Meter(shop.roots)
            bought, read = await asyncio.gather(
                active(Shape("express", skus), asked.buyers),
                active(Shape("read", pages), max(1, asked.active - asked.buyers)),
            )
            usage, lost = meter.read(), asked.idle - idle.alive
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    return Result(
        scenario="connections",
        title=f"{asked.idle:,} idle and {asked.active:,} active connections",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "seconds": f"{asked.seconds:g}",
            "idle": str(asked.idle),
            "active": str(asked.active),
            "think": f"{asked.think_s:g}",
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[
            bare_row("buying", f"express checkouts of {asked.buyers:,} connections", bought, []),
            bare_row("reading", f"product pages of {asked.active - asked.buyers:,} connections", read, []),
        ],
        facts=[
            (f"{bought.ok + read.ok:,}", "requests were answered"),
            (
                f"{unserved(bought, read, lost):,}",
                "were refused or failed, idle connections that were lost among them",
            ),
            (f"{bought.p99_ms:,.1f} / {read.p99_ms:,.1f} ms", "p99 of checkouts / of pages"),
        ],
        verdicts=[judged("T14", unserved(bought, read, lost))],
        figures=[
            Figure("p99 of checkouts", bought.p99_ms, "time", less_is_better=True),
            Figure("p99 of pages", read.p99_ms, "time", less_is_better=True),
        ],
        usage=usage,
        problems=after.problems,
        notes=[*_otherwise("checkouts", bought), *_otherwise("pages", read), *after.notes],
        audit=after.audit,
        tolerated=after.tolerated,
    )


def unserved(bought: Run, read: Run, lost: int) -> int:
    """Requests that were refused or not answered, and idle connections that are gone or never came."""
    return bought.refused + bought.broken + read.refused + read.broken + lost


def _otherwise(what: str, run: Run) -> list[str]:
    """How those were answered that were not served."""
    if not run.refused and not run.broken:
        return []
    return [f"{what}: answers by status {run.statuses}, and {run.broken:,} requests without an answer"]
