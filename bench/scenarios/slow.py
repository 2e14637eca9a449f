"""`bench slow`: thousands of connections dribble heads and bodies: are they closed, and do checkouts wait for them? (T13)"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from msgspec import Struct, field

from bench.load.dribble import Asked, Found
from bench.load.open_files import raise_file_limit
from bench.load.run_process import run_process
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Figure, Result, Table, this_machine
from bench.scenarios.beside import measure_beside
from bench.shop.cores import Cores, shared

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
    cores: Cores = field(default_factory=shared)
    drain_s: float = 30.0


async def run_slow(asked: Slow, say: Say) -> Result:
    """The whole run, on a shop of its own. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    if raise_file_limit() < asked.dribblers + _SPARE_FILES:
        raise BenchError(f"{asked.dribblers:,} connections need as many open files: raise `ulimit -n`")
    measured, crowd = await measure_beside(
        asked, lambda url: _dribbling(url, asked), f"{asked.dribblers:,} dribblers", say
    )
    found = crowd.result()
    longest_s = max(found.longest_s.values())
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
            "cores": asked.cores.in_words,
        },
        machine=machine,
        rows=measured.rows,
        tables=[_table(found)],
        facts=[
            measured.fact,
            (f"{found.most_open:,}", "dribbling connections at once, at most"),
            (
                f"{found.closed:,} of {found.opened:,}",
                "dribbling connections were closed, the others were young",
            ),
            (f"{longest_s:,.1f} s", "the longest until closed"),
        ],
        verdicts=[judged("T13 closed", longest_s), judged("T13 p99", measured.ratio)],
        figures=[
            Figure("p99 beside ÷ alone", measured.ratio, "ratio", less_is_better=True),
            Figure("longest until closed", longest_s, "count", less_is_better=True),
        ],
        usage=measured.usage,
        problems=[*measured.problems, *too_few(asked, found)],
        notes=measured.after.notes,
        audit=measured.after.audit,
        tolerated=measured.after.tolerated,
    )


@contextlib.asynccontextmanager
async def _dribbling(url: str, asked: Slow) -> AsyncIterator[asyncio.Task[Found]]:
    """Dribblers at work, by a process of their own that has told what became of them when this ends."""
    lasting = Asked(url, asked.dribblers, _ARRIVE_S + asked.seconds + _SLACK_S)
    async with asyncio.TaskGroup() as group:
        crowd = group.create_task(run_process("bench.load.dribble", lasting, Found))
        await asyncio.sleep(_ARRIVE_S)
        yield crowd


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
