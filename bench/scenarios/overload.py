"""`bench overload`: three times as many checkouts as the shop can do: goodput, refusals, and the time to recover (T12)."""

import asyncio
import time
from datetime import UTC, datetime

from msgspec import Struct, field

from bench.load.drive import Tool, drive
from bench.load.open_files import raise_file_limit
from bench.load.probe import Probe, Sample, percentile_ms, probing, recovered_after_s
from bench.load.run import Run
from bench.load.shapes import Shape, builder
from bench.measure.answers import Answers, answers_of, settled
from bench.measure.noise import drift
from bench.measure.processes import Meter, Usage, cpu_us
from bench.measure.row import Measured, Plan, measure
from bench.measure.targets import Verdict, judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.cores import Cores, clients_on, shared
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import count_orders, fill_the_log, stock_up

_UNITS = 500_000_000
_SPARE_FILES = 200
_WARM_S = 3.0
_SETTLE_S = 8.0
_USUAL_S = 10.0
_AFTER_S = 20.0
_PROBES_PER_S = 25.0
_WINDOW = 25
_SHORT_OF_TIMES = 0.97
_NEVER_S = 999.0


class Overload(Struct, frozen=True):
    """What is asked for. Units: seconds. Shape: `times` the peak are offered over so many `connections`."""

    tool: Tool
    seconds: float = 300.0
    times: float = 3.0
    connections: int = 2_500
    processes: int = 2
    cores: Cores = field(default_factory=shared)
    drain_s: float = 30.0


class Offered(Struct, frozen=True):
    """The overload. Units: `began_s`, `ended_s` by the monotonic clock; `elapsed_s` is what rates are over."""

    run: Run
    answered: Answers
    placed: int
    usage: list[Usage]
    began_s: float
    ended_s: float

    @property
    def offered_per_s(self) -> float:
        """Requests a second that were due and were answered, one way or the other, at last."""
        return self.run.requests_per_s

    @property
    def placed_per_s(self) -> float:
        """Orders a second, by Postgres."""
        return self.placed / (self.ended_s - self.began_s)


async def run_overload(asked: Overload, say: Say) -> Result:
    """The whole run, on a shop of its own. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    if raise_file_limit() < asked.connections + _SPARE_FILES:
        raise BenchError(f"{asked.connections:,} connections need as many open files: raise `ulimit -n`")
    async with own_shop(processes=asked.processes, kinds=("serve",), cores=asked.cores.shop) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=_UNITS)
        await fill_the_log(shop.settings.database_url)
        shape = Shape("express", skus)
        with clients_on(asked.cores):
            say(f"the peak, {asked.tool.seconds:.0f} s")
            plan = Plan("peak", "express checkouts, the peak", shape.again(), 201, places=True)
            peak = await measure(asked.tool, shop, plan, warm_s=_WARM_S)
            if not peak.good:
                raise BenchError("no order was placed at the peak")
            await asyncio.sleep(_SETTLE_S)
            async with probing(shop.url, builder(shape.again()), rate_per_s=_PROBES_PER_S) as probe:
                say(f"{_PROBES_PER_S:g} probes a second alone, {_USUAL_S:.0f} s")
                usual_from = time.monotonic()
                await asyncio.sleep(_USUAL_S)
                usual = probe.between(usual_from, time.monotonic())
                offered = await _offer(asked, shop, shape, peak.per_s * asked.times, say)
                say(f"recovering, {_AFTER_S:.0f} s")
                await asyncio.sleep(max(0.0, offered.ended_s + _AFTER_S - time.monotonic()))
            say(f"the peak again, {asked.tool.seconds:.0f} s")
            plan = Plan("peak after", "express checkouts, the peak again", shape.again(), 201, places=True)
            again = await measure(asked.tool, shop, plan, warm_s=_WARM_S)
        await shop.stop()
        shop.cores = ()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    figures = found(asked.times, (peak, again), offered, probe, usual)
    return Result(
        scenario="overload",
        title=f"{asked.times:g} times the peak of checkouts for {asked.seconds:g} s",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "tool": asked.tool.name,
            "seconds": f"{asked.seconds:g}",
            "times": f"{asked.times:g}",
            "connections": str(asked.connections),
            "processes": str(asked.processes),
            "cores": asked.cores.in_words,
        },
        machine=machine,
        rows=[peak.row(), figures.row, again.row()],
        tables=[_cores(peak.usage, offered.usage)],
        charts=[_chart(probe, offered)],
        facts=figures.facts,
        verdicts=figures.verdicts,
        figures=[Figure("goodput ÷ peak", figures.goodput, "ratio")],
        usage=offered.usage,
        problems=[*peak.problems, *again.problems, *figures.problems, *after.problems],
        notes=[*peak.notes, *again.notes, *figures.notes, *after.notes],
        audit=after.audit,
        tolerated=after.tolerated,
    )


async def _offer(asked: Overload, shop: OwnShop, shape: Shape, rate_per_s: float, say: Say) -> Offered:
    """Overloads the shop: checkouts are due at this rate, whatever becomes of those before."""
    tool = Tool(asked.tool.name, asked.connections, asked.seconds)
    say(f"{rate_per_s:,.0f} checkouts a second, {asked.seconds:.0f} s")
    url = shop.settings.database_url
    placed, answered = await count_orders(url), await answers_of(shop.url)
    meter, began_s = Meter(shop.roots), time.monotonic()
    run = await drive(tool, shop.url, shape.again(), rate_per_s=rate_per_s)
    ended_s, usage = time.monotonic(), meter.read()
    held = await count_orders(url) - placed
    answers = (await settled(shop.url)).since(answered)
    return Offered(run, answers, held, usage, began_s, ended_s)


class Found(Struct, frozen=True):
    """The figures and what is said of them."""

    row: Row
    goodput: float
    facts: list[tuple[str, str]]
    verdicts: list[Verdict]
    problems: list[str]
    notes: list[str]


def found(
    times: float, peaks: tuple[Measured, Measured], offered: Offered, probe: Probe, usual: list[Sample]
) -> Found:
    """Goodput by Postgres, over the mean of the peaks before and after; refusals and recovery by the probes.

    Those are by clients who wait for them, not by the shop.
    """
    before_per_s, after_per_s = (peak.per_s for peak in peaks)
    peak_per_s = (before_per_s + after_per_s) / 2
    during = probe.between(offered.began_s, offered.ended_s)
    # Who hears nothing at all was refused too, and in the worst way: its ten seconds count.
    refused = [sample for sample in during if sample.status != 201]
    silent = sum(not sample.status for sample in during)
    bought = [sample for sample in during if sample.status == 201]
    slowest_usual_ms = max((sample.ms for sample in usual), default=0.0)
    back_s = recovered_after_s(
        probe.between(offered.ended_s, offered.ended_s + _AFTER_S),
        since_s=offered.ended_s,
        usual_ms=slowest_usual_ms,
        window=_WINDOW,
    )
    goodput = offered.placed_per_s / peak_per_s
    reached = offered.offered_per_s / before_per_s
    run, shed = offered.run, offered.answered.shed
    others = {s: n for s, n in offered.answered.statuses.items() if s not in (201, 503)}
    problems, notes = drift({"peak": before_per_s}, {"peak": after_per_s}, of="the")
    problems += [f"{n:,} answers of {s} under overload" for s, n in others.items()]
    if reached < times * _SHORT_OF_TIMES:
        problems.append(f"only {reached:.2f} times the peak were offered, not {times:g}")
    if not refused:
        problems.append("no probe was refused: this was no overload")
    if any(sample.status != 201 for sample in usual):
        problems.append("a probe was not answered 201 before the overload")
    row = Row(
        "overload",
        f"express checkouts, {reached:.2f} times the peak offered",
        round(offered.placed_per_s, 1),
        run.requests,
        offered.placed,
        shed,
        sum(others.values()) + run.broken,
        p50_ms=percentile_ms(bought, 50),
        p90_ms=percentile_ms(bought, 90),
        p99_ms=percentile_ms(bought, 99),
        p999_ms=percentile_ms(bought, 99.9),
        max_ms=percentile_ms(bought, 100),
        cpu_us=cpu_us(offered.usage, offered.placed),
    )
    facts = [
        (f"{before_per_s:,.0f}/s, {after_per_s:,.0f}/s", "orders at the peak, before and after"),
        (f"{offered.offered_per_s:,.0f}/s", f"checkouts offered: {reached:.2f} times the peak"),
        (f"{offered.placed_per_s:,.0f}/s", "orders meanwhile"),
        (f"{shed:,}", f"refused ({offered.answered.in_words()})"),
        (
            f"{percentile_ms(refused, 50):,.1f} / {percentile_ms(refused, 99):,.1f} ms",
            f"p50 / p99 of {len(refused):,} refusals, {silent:,} of them without an answer, of {len(during):,} probes",
        ),
        (
            f"{percentile_ms(usual, 99):,.1f} → {percentile_ms(bought, 99):,.1f} ms",
            "p99 of probes that bought, before → meanwhile",
        ),
        (
            f"{back_s:,.1f} s" if back_s is not None else "never",
            f"until {_WINDOW} probes in a row bought, none slower than the slowest before ({slowest_usual_ms:,.1f} ms)",
        ),
    ]
    verdicts = [
        judged("T12 goodput", goodput),
        judged("T12 refusals", percentile_ms(refused, 99)),
        judged("T12 recovery", _NEVER_S if back_s is None else back_s),
    ]
    return Found(row, goodput, facts, verdicts, problems, notes)


def _cores(before: list[Usage], meanwhile: list[Usage]) -> Table:
    """Cores by process: what offering and refusing take is missing from what serves."""
    at_peak = {one.role: one.cores for one in before}
    rows = [[one.role, f"{at_peak.get(one.role, 0.0):.2f}", f"{one.cores:.2f}"] for one in meanwhile]
    return Table("Cores used", ["By", "at the peak", "under overload"], rows)


def _chart(probe: Probe, offered: Offered) -> Chart:
    """The probes' slowest by second, bought and refused."""
    samples = sorted(probe.samples, key=lambda sample: sample.at_s)
    zero = offered.began_s
    seconds = (
        range(int(samples[0].at_s - zero) - 1, int(samples[-1].at_s - zero) + 1) if samples else range(0)
    )

    def line(name: str, status: int) -> Line:
        by_second: dict[int, float] = {}
        for sample in samples:
            if sample.status == status:
                at = int((sample.at_s - zero) // 1)
                by_second[at] = max(by_second.get(at, 0.0), round(sample.ms, 1))
        return Line(name, [by_second.get(at) for at in seconds])

    lines = [line("bought", 201), line("refused", 503)]
    return Chart("Slowest probe, by second of the overload", "ms", [float(at) for at in seconds], lines)
