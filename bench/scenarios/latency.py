"""`bench latency`: express checkouts at a fixed arrival rate, each timed from when it was due; then audited."""

import asyncio
import os
import time
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.drive import Tool, chosen
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.noise import drift
from bench.measure.processes import Sampler
from bench.measure.row import Measured, Plan, measure
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.crowd import usage_charts
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.floor import bare_per_s
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import fill_the_log, stock_up

_UNITS = 500_000_000
_SHARE = 0.5
_PEAK_S = 6.0
_WARM_S = 3.0
_SETTLE_S = 3.0
_LATE_MS = 2.0
_SHED_MOST = 0.001
_BEHIND_MOST = 0.02


class Latency(Struct, frozen=True):
    """What is asked for. Units: requests a second; 0 is half of the peak just before. Seconds."""

    rate_per_s: float = 0.0
    seconds: float = 30.0
    connections: int = 256
    processes: int = 2
    drain_s: float = 120.0


async def run_latency(asked: Latency, say: Say) -> Result:
    """The whole run, on a shop of its own with `serve` alone. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    say("starting a shop")
    async with own_shop(processes=asked.processes, kinds=("serve",)) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=_UNITS)
        await fill_the_log(shop.settings.database_url)
        say("the peak")
        peak = await _peak(asked, shop, skus, "before")
        rate = asked.rate_per_s or round(peak.per_s * _SHARE, 1)
        tool = Tool("generator", asked.connections, asked.seconds)
        plan = Plan(
            "express", f"express checkouts, {rate:,.0f} a second", Shape("express", skus), 201, places=True
        )
        say(f"{rate:,.0f} checkouts a second for {asked.seconds:.0f} s")
        await asyncio.sleep(_SETTLE_S)
        # Else the kernel writes the peak's pages half a minute later, all at once, while checkouts wait for the disk.
        await asyncio.to_thread(os.sync)
        async with Sampler(shop.roots) as sampler:
            found = await measure(tool, shop, plan, warm_s=_WARM_S, rate_per_s=rate)
        say("the peak again")
        again = await _peak(asked, shop, skus, "after")
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    run, row = found.run, found.row()
    moved, drifted = drift({"peak": peak.per_s}, {"peak": again.per_s}, of="the")
    return Result(
        scenario="latency",
        title=f"Latency at {rate:,.0f} checkouts a second",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "rate": f"{asked.rate_per_s:g}" if asked.rate_per_s else "half of the peak",
            "seconds": f"{asked.seconds:g}",
            "connections": str(asked.connections),
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[peak.row(), row, again.row()],
        charts=[*_charts(run), *usage_charts(sampler.samples)[:1]],
        facts=[
            (f"{rate:,.0f}/s", "arrive"),
            (f"{peak.per_s:,.0f}/s, {again.per_s:,.0f}/s", "at the peak, before and after"),
            *((f"{ms:,.1f} ms", name) for name, ms in _named(run).items()),
        ],
        verdicts=[judged("V4 p50", run.p50_ms), judged("V4 p99", run.p99_ms)],
        figures=[Figure(name, ms, "time", True) for name, ms in _named(run).items()],
        usage=found.usage,
        problems=[
            *(problem for one in (peak, found, again) for problem in one.problems),
            *_problems(run, rate, found.shed),
            *moved,
            *after.problems,
        ],
        notes=[
            *_notes(run),
            *(note for one in (peak, found, again) for note in one.notes),
            *drifted,
            *after.notes,
        ],
        bare_per_s=bare,
        audit=after.audit,
        tolerated=after.tolerated,
    )


async def _peak(asked: Latency, shop: OwnShop, skus: list[str], when: str) -> Measured:
    """What the shop does at most, by the cheapest tool there is. Raises: BenchError."""
    tool = chosen("auto", connections=asked.connections, seconds=_PEAK_S)
    plan = Plan(
        f"peak {when}", f"express checkouts, the peak {when}", Shape("express", skus), 201, places=True
    )
    peak = await measure(tool, shop, plan, warm_s=_WARM_S)
    if not peak.good:
        raise BenchError("the shop placed no order")
    return peak


def _named(run: Run) -> dict[str, float]:
    return {"p50": run.p50_ms, "p90": run.p90_ms, "p99": run.p99_ms, "p99.9": run.p999_ms, "max": run.max_ms}


def _problems(run: Run, rate: float, shed: int) -> list[str]:
    """Why the latencies are not those of the rate that was asked for."""
    problems = []
    if shed > _SHED_MOST * run.requests:
        problems.append(
            f"{shed:,} of {run.requests:,} requests were shed: a refusal's latency is not a checkout's"
        )
    due = rate * run.elapsed_s
    if run.requests + run.broken < due * (1 - _BEHIND_MOST):
        problems.append(f"only {run.requests:,} of {due:,.0f} requests that were due were sent")
    return problems


def _notes(run: Run) -> list[str]:
    if run.late_p99_ms <= _LATE_MS:
        return []
    return [
        f"the generator itself sent up to {run.late_p99_ms:.1f} ms late (p99), which is part of the latencies: "
        "the machine was not quiet enough for it"
    ]


def _charts(run: Run) -> list[Chart]:
    xs = [float(second.at_s) for second in run.seconds]
    return [
        Chart(
            "Latency from when a request was due",
            "ms",
            xs,
            [
                Line("p50", [second.p50_ms for second in run.seconds]),
                Line("p99", [second.p99_ms for second in run.seconds]),
                Line("max", [second.max_ms for second in run.seconds]),
            ],
        ),
        Chart(
            "Latency by percentile",
            "ms",
            [percent for percent, _ in run.distribution],
            [Line("express checkout", [ms for _, ms in run.distribution])],
            "percentiles",
        ),
        Chart(
            "Answers a second",
            "",
            xs,
            [
                Line("orders", [float(second.good) for second in run.seconds]),
                Line("refused", [float(second.refused) for second in run.seconds]),
            ],
            filled=True,
        ),
    ]
