"""One row: a shape of request sent to a shop, warmed up first, cross-checked with what the shop says it answered."""

from collections.abc import Mapping

from msgspec import Struct, field

from bench.load.drive import Tool, drive
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure import noise
from bench.measure.answers import SHED, answers_of, settled
from bench.measure.processes import Meter, Usage, cpu_us
from bench.report.result import Row
from bench.shop.own import OwnShop
from bench.shop.store import count_orders

_SLACK = 0.001


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
    """What came of it. `problems` say why the row does not count."""

    plan: Plan
    run: Run
    usage: list[Usage]
    good: int
    shed: int
    failed: int
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.good / self.run.elapsed_s if self.run.elapsed_s else 0.0

    def row(self, bare: Mapping[str, float]) -> Row:
        """As a row, divided by the bare rate of its method; without a ratio where that is not known."""
        run, floor = self.run, bare.get(self.plan.over, 0.0)
        return Row(
            self.plan.name,
            self.plan.what,
            round(self.per_s, 1),
            run.requests,
            self.good,
            self.shed,
            self.failed,
            round(self.per_s / floor, 3) if floor else None,
            f"bare {self.plan.over}" if floor else "",
            run.p50_ms,
            run.p90_ms,
            run.p99_ms,
            run.p999_ms,
            run.max_ms,
            cpu_us(self.usage, self.good),
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


async def measure(
    tool: Tool, shop: OwnShop, plan: Plan, *, warm_s: float, rate_per_s: float = 0.0
) -> Measured:
    """Warms up, then measures: what a tool counts as answered must be what the shop answered and Postgres holds."""
    if warm_s:
        await drive(tool.lasting(warm_s), shop.url, plan.warm or plan.shape.again(), rate_per_s=rate_per_s)
    placed = await count_orders(shop.settings.database_url) if plan.places else 0
    before = await settled(shop.url)
    meter = Meter(shop.roots)
    run = await drive(tool, shop.url, plan.shape, rate_per_s=rate_per_s)
    usage = meter.read()
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
    return Measured(plan, run, usage, good, shed, failed, problems, notes)
