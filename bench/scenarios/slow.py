"""`bench slow`: thousands of connections dribble heads and bodies: are they closed, and do checkouts wait for them? (T13)"""

import asyncio
import time
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.dribble import Asked, Found
from bench.load.drive import Tool, drive
from bench.load.open_files import raise_file_limit
from bench.load.run import Run
from bench.load.run_process import run_process
from bench.load.shapes import Shape
from bench.measure.processes import Meter
from bench.measure.row import bare_row
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Figure, Result, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.own import own_shop
from bench.shop.store import stock_up

_CONNECTIONS = 64
_WARM_S = 3.0
_ARRIVE_S = 12.0
_SLACK_S = 3.0
_SPARE_FILES = 200
_LEAST_OF_THEM = 0.9


class Slow(Struct, frozen=True):
    """What is asked for. Units: seconds of each part; checkouts a second. Shape: `dribblers` at any time."""

    seconds: float = 30.0
    rate_per_s: float = 50.0
    dribblers: int = 5_000
    processes: int = 2
    drain_s: float = 30.0


async def run_slow(asked: Slow, say: Say) -> Result:
    """The whole run, on a shop of its own. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    if raise_file_limit() < asked.dribblers + _SPARE_FILES:
        raise BenchError(f"{asked.dribblers:,} connections need as many open files: raise `ulimit -n`")
    tool = Tool("generator", _CONNECTIONS, asked.seconds)
    async with own_shop(processes=asked.processes, kinds=("serve",)) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=1_000_000)
        say(f"{asked.rate_per_s:g} checkouts a second alone, {asked.seconds:.0f} s")
        await drive(tool.lasting(_WARM_S), shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
        first = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
        say(f"{asked.dribblers:,} dribblers beside, {asked.seconds:.0f} s")
        lasting = Asked(shop.url, asked.dribblers, _ARRIVE_S + asked.seconds + _SLACK_S)
        async with asyncio.TaskGroup() as group:
            crowd = group.create_task(run_process("bench.load.dribble", lasting, Found))
            await asyncio.sleep(_ARRIVE_S)
            meter = Meter(shop.roots)
            second = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
            usage = meter.read()
        found = crowd.result()
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    ratio, longest_s = second.p99_ms / max(first.p99_ms, 0.001), max(found.longest_s.values())
    return Result(
        scenario="slow",
        title=f"{asked.dribblers:,} dribble beside {asked.rate_per_s:g} checkouts a second",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "seconds": f"{asked.seconds:g}",
            "rate": f"{asked.rate_per_s:g}",
            "dribblers": str(asked.dribblers),
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[
            bare_row("alone", "express checkouts, alone", first, []),
            bare_row("beside", "express checkouts, beside the dribblers", second, []),
        ],
        tables=[_table(found)],
        facts=[
            (f"{first.p99_ms:,.1f} → {second.p99_ms:,.1f} ms", "p99 of checkouts"),
            (f"{found.most_open:,}", "dribbling connections at once, at most"),
            (
                f"{found.closed:,} of {found.opened:,}",
                "dribbling connections were closed, the others were young",
            ),
            (f"{longest_s:,.1f} s", "the longest until closed"),
        ],
        verdicts=[judged("T13 closed", longest_s), judged("T13 p99", ratio)],
        figures=[
            Figure("p99 beside ÷ alone", ratio, "ratio", less_is_better=True),
            Figure("longest until closed", longest_s, "count", less_is_better=True),
        ],
        usage=usage,
        problems=[
            *not_placed("alone", first),
            *not_placed("beside", second),
            *too_few(asked, found),
            *after.problems,
        ],
        notes=after.notes,
        audit=after.audit,
        tolerated=after.tolerated,
    )


def not_placed(when: str, run: Run) -> list[str]:
    """Checkouts that were not placed: a refusal's latency is not a checkout's."""
    lost = run.refused + run.broken
    return [f"{lost:,} of {run.requests:,} checkouts {when} were not placed: {run.statuses}"] if lost else []


def too_few(asked: Slow, found: Found) -> list[str]:
    """Fewer dribblers than asked for prove nothing."""
    if found.most_open >= asked.dribblers * _LEAST_OF_THEM and found.closed:
        return []
    return [
        f"only {found.most_open:,} of {asked.dribblers:,} dribbled at once, {found.refused:,} were refused"
    ]


def _table(found: Found) -> Table:
    rows = [[name, f"{seconds:.2f}"] for name, seconds in found.longest_s.items()]
    return Table("The longest until closed, s", ["Who dribbles", "longest"], rows)
