"""One row: a shape of request sent to a shop, warmed up first, cross-checked with what the shop says it answered."""

from collections.abc import Awaitable, Callable
from statistics import median

from msgspec import Struct, field

from bench.load.drive import Tool, drive
from bench.load.run import Run, merged
from bench.load.shapes import Shape
from bench.measure import noise
from bench.measure.answers import SHED, answers_of, settled
from bench.measure.processes import Meter, Usage, cpu_us, over
from bench.report.result import Row
from bench.shop.own import OwnShop
from bench.shop.store import count_orders

_SLACK = 0.001
_WINDOW_S = 2.0
_WINDOWS_MIN = 2


class Plan(Struct, frozen=True):
    """What a row asks. Shape: `good`: the status that it is about; `code`: the problem code that goes with it, if any;
    `over`: bare POST or bare GET; `places`: whether each good answer is an order; `warm`: the shape sent before (the same
    one when None)."""

    name: str
    what: str
    shape: Shape
    good: int = 200
    code: str = ""
    over: str = "POST"
    places: bool = False
    warm: Shape | None = None


class Measured(Struct, frozen=True):
    """What came of it. `problems` say why the row does not count.

    Shape: `windows` are what `run` was merged from; `bare`, where it was asked for, the bare server's requests a second
    before each window and after the last.
    """

    plan: Plan
    run: Run
    usage: list[Usage]
    good: int
    shed: int
    failed: int
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    windows: list[Run] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    @property
    def ratios(self) -> list[float]:
        """Good answers a second ÷ the bare server's, window by window: each is divided by its two neighbours."""
        share = self.good / self.run.requests if self.run.requests else 0.0
        around = [(before + after) / 2 for before, after in zip(self.bare, self.bare[1:], strict=False)]
        return [
            share * window.requests_per_s / bare for window, bare in zip(self.windows, around, strict=False)
        ]

    @property
    def ratio(self) -> float | None:
        """The median window's; None when the bare server was not measured beside it."""
        return round(median(self.ratios), 3) if self.bare else None

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.good / self.run.elapsed_s if self.run.elapsed_s else 0.0

    def row(self) -> Row:
        """As a row; with a ratio where the bare server was measured beside it."""
        run, ratios = self.run, self.ratios
        return Row(
            self.plan.name,
            self.plan.what,
            round(self.per_s, 1),
            run.requests,
            self.good,
            self.shed,
            self.failed,
            self.ratio,
            f"bare {self.plan.over}" if ratios else "",
            run.p50_ms,
            run.p90_ms,
            run.p99_ms,
            run.p999_ms,
            run.max_ms,
            cpu_us(self.usage, self.good),
            between=(round(min(ratios), 3), round(max(ratios), 3)) if ratios else None,
        )


def bare_row(name: str, what: str, run: Run, usage: list[Usage]) -> Row:
    """The bare server's run as a row."""
    return Row(
        name,
        what,
        run.requests_per_s,
        run.requests,
        run.ok,
        failed=run.broken + run.refused,
        p50_ms=run.p50_ms,
        p90_ms=run.p90_ms,
        p99_ms=run.p99_ms,
        p999_ms=run.p999_ms,
        max_ms=run.max_ms,
        cpu_us=cpu_us(usage, run.ok),
    )


def window_of(tool: Tool) -> tuple[Tool, int]:
    """The tool for a window of about two seconds, and how many of them take its time."""
    count = max(_WINDOWS_MIN, round(tool.seconds / _WINDOW_S))
    return tool.lasting(tool.seconds / count), count


async def measure(
    tool: Tool,
    shop: OwnShop,
    plan: Plan,
    *,
    warm_s: float,
    rate_per_s: float = 0.0,
    bare: Callable[[str], Awaitable[float]] | None = None,
) -> Measured:
    """Warms up, then measures: what a tool counts as answered must be what the shop answered and Postgres holds.

    Shape: `bare` measures one window of the bare server; the row is then driven in windows between those.
    """
    if warm_s:
        await drive(tool.lasting(warm_s), shop.url, plan.warm or plan.shape.again(), rate_per_s=rate_per_s)
    placed = await count_orders(shop.settings.database_url) if plan.places else 0
    before = await settled(shop.url)
    each, count = window_of(tool) if bare is not None else (tool, 1)
    windows: list[Run] = []
    usages: list[list[Usage]] = []
    floors: list[float] = []
    for shape in plan.shape.parts(count):
        if bare is not None:
            floors.append(await bare(plan.over))
        meter = Meter(shop.roots)
        windows.append(await drive(each, shop.url, shape, rate_per_s=rate_per_s))
        usages.append(meter.read())
    if bare is not None:
        floors.append(await bare(plan.over))
    run, usage = merged(windows), over(usages)
    answered = (await answers_of(shop.url, at_least=run.requests, since=before)).since(before)
    # What the shop answered after the tool had stopped counting is left out, as the tool left it out.
    counted = min(1.0, run.requests / answered.total) if answered.total else 0.0
    good = round(answered.statuses.get(plan.good, 0) * counted)
    shed = round(answered.shed * counted)
    failed = max(0, run.requests - good - shed) + run.broken
    problems: list[str] = []
    if failed > _SLACK * run.requests:
        others = {s: n for s, n in answered.statuses.items() if s != plan.good and s not in SHED}
        problems.append(
            f"{plan.name}: {failed:,} of {run.requests:,} requests were answered otherwise than with {plan.good}: "
            f"{', '.join(f'{n:,} × {s}' for s, n in others.items()) or 'no answer'} ({answered.in_words()})"
        )
    if plan.code and answered.codes.get(plan.code, 0) * counted < good * (1 - _SLACK):
        problems.append(f"{plan.name}: not every {plan.good} said {plan.code}: {answered.in_words()}")
    too_many, notes = noise.shed(plan.name, shed, run.requests, answered.in_words())
    problems += too_many
    if plan.places:
        held = await count_orders(shop.settings.database_url) - placed
        if held < run.ok:
            problems.append(f"{plan.name}: {run.ok:,} answers of 201, and only {held:,} orders in Postgres")
    elif answered.total < run.requests * (1 - _SLACK):
        problems.append(
            f"{plan.name}: the shop says it answered {answered.total:,}, the tool {run.requests:,}"
        )
    return Measured(plan, run, usage, good, shed, failed, problems, notes, windows, floors)
