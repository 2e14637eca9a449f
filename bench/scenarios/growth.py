"""`bench growth`: express checkouts with more and more SKUs and orders in the shop, each step ÷ bare (V6)."""

import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from msgspec import Struct

from bench.load.baskets import Baskets
from bench.load.drive import Tool, drive
from bench.load.fit import kept
from bench.load.shapes import Shape
from bench.measure.noise import drift
from bench.measure.processes import over
from bench.measure.row import Measured, Plan, measure
from bench.measure.targets import Verdict, judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.floor import Floors, floors_beside
from bench.shop.mass import add_orders, add_skus, sku_of
from bench.shop.own import OwnShop, own_shop
from bench.shop.readiness import gate_open, prices_learned
from bench.shop.store import Bulk

_DRAWN = 200_000
_FIRST_S = 2.0
_WARM_S = 12.0


class Growth(Struct, frozen=True):
    """What is asked for. Shape: sizes ascending; first the SKUs grow, then the orders."""

    tool: Tool
    skus: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    orders: tuple[int, ...] = (0, 1_000_000, 10_000_000)
    processes: int = 2
    drain_s: float = 120.0
    folder: Path | None = None

    @property
    def steps(self) -> list[tuple[int, int]]:
        """(SKUs, orders) of each step. Raises: BenchError when they do not ascend."""
        for sizes in (self.skus, self.orders):
            if not sizes or list(sizes) != sorted(set(sizes)):
                raise BenchError("sizes must ascend: a shop only grows")
        return [(skus, self.orders[0]) for skus in self.skus] + [(self.skus[-1], o) for o in self.orders[1:]]


class _Step(Struct):
    """One size. Units: requests/s, MiB, seconds."""

    skus: int
    orders: int
    measured: Measured
    size_mib: int
    loading_s: float

    @property
    def name(self) -> str:
        """As people say it."""
        return f"{_short(self.skus)} SKUs, {_short(self.orders)} orders"

    @property
    def ratio(self) -> float:
        """÷ bare."""
        return self.measured.ratio or 0.0

    @property
    def moved(self) -> tuple[list[str], list[str]]:
        """Problems and notes: whether the machine was the same in the first half of the step and in the second."""
        rates = self.measured.bare
        half, method = len(rates) // 2, f"POST ({self.name})"
        return drift({method: mean(rates[:half])}, {method: mean(rates[-half:])})

    def row(self) -> Row:
        """As a row."""
        return self.measured.row()


async def run_growth(asked: Growth, say: Say) -> Result:
    """The whole run, on one shop that grows. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    planned, steps = asked.steps, []
    say("starting a shop")
    async with (
        own_shop(processes=asked.processes, kinds=("relay",), demo=False, folder=asked.folder) as shop,
        floors_beside(asked.tool, asked.processes) as floors,
    ):
        items = range(0)
        orders = 0
        for number, (skus, so_many) in enumerate(planned, 1):
            say(f"step {number} of {len(planned)}: loading {skus:,} SKUs, {so_many:,} orders")
            loading = time.monotonic()
            settings = shop.settings
            async with Bulk.of(settings.database_url) as bulk:
                if skus > len(items):
                    added = await add_skus(bulk, skus - len(items), say)
                    items = range(items.start if items else added.start, added.stop)
                if so_many > orders:
                    await add_orders(bulk, items, so_many - orders, say)
                    orders = so_many
                size_mib = await bulk.size_mib()
            await shop.stop()
            loading_s = round(time.monotonic() - loading, 1)
            measured = await _measured(asked, shop, items, orders, floors, say)
            step = _Step(len(items), orders, measured, size_mib, loading_s)
            steps.append(step)
            if number < len(planned):
                await shop.start(("relay",), demo=False)
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    return Result(
        scenario="growth",
        title=f"Growth: up to {steps[-1].name}",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "skus": ",".join(map(str, asked.skus)),
            "orders": ",".join(map(str, asked.orders)),
            "tool": asked.tool.name,
            "connections": str(asked.tool.connections),
            "seconds": f"{asked.tool.seconds:g}",
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[step.row() for step in steps],
        tables=[_table(steps)],
        charts=_charts(steps),
        facts=[
            (f"{steps[-1].ratio / steps[0].ratio:.2f}" if steps[0].ratio else "–", "of the empty shop's rate")
        ],
        verdicts=_verdicts(steps),
        figures=[Figure(f"{step.name} ÷ bare", step.ratio, "ratio") for step in steps],
        usage=over([step.measured.usage for step in steps]),
        problems=[
            *(said for step in steps for said in (*step.moved[0], *step.measured.problems)),
            *after.problems,
        ],
        notes=[
            *floors.notes(),
            *(said for step in steps for said in (*step.moved[1], *step.measured.notes)),
            *after.notes,
        ],
        bare_per_s=floors.rate("POST"),
        audit=after.audit,
        tolerated=after.tolerated,
    )


async def _measured(
    asked: Growth, shop: OwnShop, items: range, orders: int, floors: Floors, say: Say
) -> Measured:
    """Express checkouts in turn with the bare server. The shop is stopped before and after."""
    tool, name = asked.tool, f"{_short(len(items))} SKUs, {_short(orders)} orders"
    await shop.start(("serve",), demo=False)
    await gate_open(shop.url)
    ranked = Baskets([sku_of(item) for item in items], kept(), seed=1)
    drawn = [ranked.sku() for _ in range(_DRAWN)]
    plan = Plan(name, f"express checkouts, {name}", Shape("express", drawn), 201, places=True)
    say(f"{name}: the first buyers, then until the processes have learned every price")
    await drive(tool.lasting(_FIRST_S), shop.url, plan.shape.again())
    await prices_learned(shop.url)
    say(f"{name}: express checkouts, {tool.seconds:.0f} s, in turn with bare POST")
    found = await measure(tool, shop, plan, warm_s=max(_WARM_S, tool.seconds / 2), bare=floors.measure)
    await shop.stop()
    return found


def _verdicts(steps: list[_Step]) -> list[Verdict]:
    if len(steps) < 2 or not steps[0].ratio:
        return []
    what = f"express ÷ bare: {steps[-1].name} ÷ {steps[0].name}"
    return [judged("V6", steps[-1].ratio / steps[0].ratio, what=what)]


def _table(steps: list[_Step]) -> Table:
    rows = [
        [
            step.name,
            f"{step.measured.per_s:,.0f}",
            f"{mean(step.measured.bare):,.0f}",
            f"{step.ratio:.3f}",
            f"{step.ratio / steps[0].ratio:.2f}" if steps[0].ratio else "–",
            f"{step.size_mib:,}",
            f"{step.loading_s:,.0f}",
        ]
        for step in steps
    ]
    heads = ["Size", "orders/s", "bare/s", "÷ bare", "÷ first", "database MiB", "loading s"]
    return Table("Steps", heads, rows)


def _charts(steps: list[_Step]) -> list[Chart]:
    labels = [f"{_short(step.skus)} / {_short(step.orders)}" for step in steps]
    rows = [step.row() for step in steps]
    roles = [role for role in ("serve", "postgres", "gate") if any(role in row.cpu_us for row in rows)]
    bounds: list[float | None] = [steps[0].ratio * 0.9 for _ in steps]
    return [
        Chart(
            "Express ÷ bare, by SKUs / orders (mark: 0.9 of the first)",
            "",
            [],
            [Line("ratio", [round(step.ratio, 3) for step in steps])],
            "bars",
            labels,
            bounds,
        ),
        Chart(
            "CPU of one order, by SKUs / orders",
            "µs",
            [],
            [Line(role, [row.cpu_us.get(role, 0.0) for row in rows]) for role in roles],
            "bars",
            labels,
        ),
    ]


def _short(count: int) -> str:
    """1,000,000 → 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return str(count)
