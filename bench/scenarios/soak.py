"""`bench soak`: a modest crowd for half an hour: does memory or latency creep?"""

from collections.abc import Sequence

import msgspec

from bench.measure.histogram import Histogram
from bench.measure.processes import OTHERS, Usage
from bench.measure.slope import Trend, trend
from bench.measure.targets import Verdict, judged
from bench.report.progress import Say
from bench.report.result import Figure, Result, Table
from bench.scenarios.crowd import Crowd, Ran, run_crowd

SETTLING = 0.2
"""The share of a run in which caches fill: not judged."""
_OURS = ("serve", "work", "relay")


async def run_soak(asked: Crowd, say: Say) -> Result:
    """The whole run, judged by slo.json's `soak` and by its slopes. Raises: BenchError."""
    ran = await run_crowd(asked, say)
    memory, p99 = memory_trends(ran.seen.samples, asked.ramp_s), latency_trend(ran)
    result = ran.result
    return msgspec.structs.replace(
        result,
        tables=[*result.tables, _table(memory, p99)],
        verdicts=[*result.verdicts, *_verdicts(memory, p99)],
        figures=[
            *result.figures,
            *(
                Figure(f"memory of {role}", memory[role].level, "memory", True)
                for role in _OURS
                if role in memory
            ),
        ],
    )


def memory_trends(samples: Sequence[Sequence[Usage]], ramp_s: float) -> dict[str, Trend]:
    """Private memory of each process kind, once it has settled. Units: MiB."""
    first = int(ramp_s + (len(samples) - ramp_s) * SETTLING)
    series: dict[str, tuple[list[float], list[float]]] = {}
    for at, sample in enumerate(samples[first:], first):
        for one in sample:
            if one.role not in (OTHERS, "generator"):
                xs, ys = series.setdefault(one.role, ([], []))
                xs.append(float(at))
                ys.append(one.memory_mib)
    return {role: trend(xs, ys) for role, (xs, ys) in series.items()}


def latency_trend(ran: Ran) -> Trend:
    """The p99 of each second, once it has settled. Units: ms."""
    plan, latencies = ran.plan, ran.seen.recorded.latencies
    first, last = int(plan.ramp_s + plan.steady_s * SETTLING), int(plan.ramp_s + plan.steady_s)
    seen = [(float(at), latencies.get(at, Histogram())) for at in range(first, last)]
    told = [(at, histogram.percentile_ms(99)) for at, histogram in seen if len(histogram)]
    return trend([at for at, _ in told], [ms for _, ms in told])


def _verdicts(memory: dict[str, Trend], p99: Trend) -> list[Verdict]:
    found = [
        judged("soak memory", memory[role].growth * 100, what=f"growth of {role}'s memory over the run")
        for role in _OURS
        if role in memory
    ]
    return [*found, judged("soak latency", p99.growth * 100)]


def _table(memory: dict[str, Trend], p99: Trend) -> Table:
    rows = [
        [f"memory of {role}, MiB", f"{one.level:,.1f}", f"{one.per_hour:+,.2f}", f"{one.growth:+.2%}"]
        for role, one in sorted(memory.items(), key=lambda item: -item[1].level)
    ]
    rows.append(["p99 of a second, ms", f"{p99.level:,.1f}", f"{p99.per_hour:+,.2f}", f"{p99.growth:+.2%}"])
    return Table("Does it creep? (Theil-Sen slopes)", ["What", "median", "per hour", "over the run"], rows)
