"""`bench latency`: express checkouts at a fixed arrival rate, each timed from when it was due; then audited."""

import time
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from bench.load.drive import Tool, drive
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.processes import Sampler
from bench.measure.row import Plan, measure
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.crowd import usage_charts
from bench.report.history import latest
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.floor import bare_per_s
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import stock_up

_UNITS = 500_000_000
_SHARE = 0.5
_CALIBRATION_S = 4.0
_WARM_S = 3.0
_LATE_MS = 2.0
_SHED_MOST = 0.001
_BEHIND_MOST = 0.02


class Latency(Struct, frozen=True):
    """What is asked for. Units: requests a second; 0 is half of what the last ceiling did. Seconds."""

    rate_per_s: float = 0.0
    seconds: float = 30.0
    connections: int = 256
    processes: int = 2
    drain_s: float = 120.0
    results: Path = Path("bench/results")


async def run_latency(asked: Latency, say: Say) -> Result:
    """The whole run, on a shop of its own with `serve` alone. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    say("starting a shop")
    async with own_shop(processes=asked.processes, kinds=("serve",)) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=_UNITS)
        rate, why = await _rate(asked, shop, skus, say)
        tool = Tool("generator", asked.connections, asked.seconds)
        plan = Plan(
            "express", f"express checkouts, {rate:,.0f} a second", Shape("express", skus), 201, places=True
        )
        say(f"{rate:,.0f} checkouts a second for {asked.seconds:.0f} s")
        async with Sampler(shop.roots) as sampler:
            found = await measure(tool, shop, plan, warm_s=_WARM_S, rate_per_s=rate)
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    run, row = found.run, found.row()
    return Result(
        scenario="latency",
        title=f"Latency at {rate:,.0f} checkouts a second",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "rate": f"{asked.rate_per_s:g}" if asked.rate_per_s else "half of the ceiling",
            "seconds": f"{asked.seconds:g}",
            "connections": str(asked.connections),
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[row],
        charts=[*_charts(run), *usage_charts(sampler.samples)[:1]],
        facts=[
            (f"{rate:,.0f}/s", f"arrive, {why}"),
            *((f"{ms:,.1f} ms", name) for name, ms in _named(run).items()),
        ],
        verdicts=[judged("V4 p50", run.p50_ms), judged("V4 p99", run.p99_ms)],
        figures=[Figure(name, ms, "time", True) for name, ms in _named(run).items()],
        usage=found.usage,
        problems=[*found.problems, *_problems(run, rate, found.shed), *after.problems],
        notes=[*_notes(run), *found.notes, *after.notes],
        bare_per_s=bare,
        audit=after.audit,
        tolerated=after.tolerated,
    )


async def _rate(asked: Latency, shop: OwnShop, skus: list[str], say: Say) -> tuple[float, str]:
    """(rate, where it is from). Raises: BenchError."""
    if asked.rate_per_s:
        return asked.rate_per_s, "as asked"
    last = latest(asked.results, "ceiling")
    row = next((row for row in last.rows if row.name == "express"), None) if last else None
    if row is not None and last is not None:
        return round(row.per_s * _SHARE, 1), f"half of {last.kept_name}"
    say("no ceiling is kept: measuring one")
    run = await drive(Tool("generator", asked.connections, _CALIBRATION_S), shop.url, Shape("express", skus))
    if not run.ok:
        raise BenchError("the shop placed no order")
    return round(run.ok_per_s * _SHARE, 1), "half of what was measured just before"


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
