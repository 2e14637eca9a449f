"""`bench growth`: express checkouts in a shop with more and more SKUs and orders, in turn with a small shop (V6)."""

import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from msgspec import Struct
from msgspec.structs import replace

from bench.load.baskets import Baskets
from bench.load.drive import Tool, drive
from bench.load.fit import kept
from bench.load.shapes import Shape
from bench.measure.noise import drift
from bench.measure.processes import over
from bench.measure.row import Measured, Plan, measure, window_of
from bench.measure.targets import Verdict, judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.floor import floors_beside
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
    """One size. Units: MiB, seconds. Shape: the first was measured in turn with the bare server, others with the first."""

    skus: int
    orders: int
    measured: Measured
    size_mib: int
    loading_s: float
    first: bool

    @property
    def name(self) -> str:
        """As people say it."""
        return named(self.skus, self.orders)

    @property
    def ratio(self) -> float:
        """Of the first size's orders a second; 1 for itself."""
        return 1.0 if self.first else self.measured.ratio or 0.0

    @property
    def moved(self) -> tuple[list[str], list[str]]:
        """Problems and notes: whether the machine was the same in the first half of the step and in the second."""
        rates = self.measured.bare
        half, what = len(rates) // 2, "POST" if self.first else f"(beside {self.name})"
        whose = "bare" if self.first else "the small shop"
        return drift({what: mean(rates[:half])}, {what: mean(rates[-half:])}, of=whose)

    def row(self) -> Row:
        """As a row."""
        row = self.measured.row()
        return row if self.first else replace(row, over="the small shop")


class _Small:
    """The shop of the first size, which stays up beside the one that grows: it is measured in turn with that one."""

    def __init__(self, shop: OwnShop, tool: Tool, shape: Shape) -> None:
        self._shop, self._tool, self._shape = shop, window_of(tool)[0], shape
        self.refused = 0

    async def window(self, _method: str) -> float:
        """Orders a second, for one window."""
        run = await drive(self._tool, self._shop.url, self._shape.again())
        self.refused += run.refused + run.broken
        return run.ok / run.elapsed_s

    @property
    def problems(self) -> list[str]:
        """Why it is no measure."""
        return [f"the small shop refused {self.refused:,} checkouts"] if self.refused else []


async def run_growth(asked: Growth, say: Say) -> Result:
    """The whole run: a shop that stays as small as it is, and one that grows. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    (skus, orders), *planned = asked.steps
    say("starting a small shop")
    async with (
        own_shop(processes=asked.processes, kinds=("relay",), demo=False) as small_shop,
        own_shop(processes=asked.processes, kinds=("relay",), demo=False, folder=asked.folder) as shop,
        floors_beside(asked.tool, asked.processes) as floors,
    ):
        await shop.stop()
        small = Growing(small_shop)
        loaded = await small.load(skus, orders, say)
        plan = await small.opened(asked.tool, say)
        found = await measure(asked.tool, small_shop, plan, warm_s=_warm_s(asked.tool), bare=floors.measure)
        steps = [_Step(skus, orders, found, *loaded, True)]
        beside, growing = _Small(small_shop, asked.tool, plan.shape), Growing(shop)
        for number, (skus, orders) in enumerate(planned, 2):
            say(f"step {number} of {len(planned) + 1}: loading {named(skus, orders)}")
            await shop.start(("relay",), demo=False)
            loaded = await growing.load(skus, orders, say)
            plan = await growing.opened(asked.tool, say)
            say(f"{plan.name}: express checkouts, {asked.tool.seconds:.0f} s, in turn with the small shop")
            found = await measure(asked.tool, shop, plan, warm_s=_warm_s(asked.tool), bare=beside.window)
            await shop.stop()
            steps.append(_Step(skus, orders, found, *loaded, False))
        await small_shop.stop()
        audits = [
            await drain_and_audit(one, drain_s=asked.drain_s, say=say)
            for one in ([small_shop, shop] if planned else [small_shop])
        ]
    after = audits[-1]
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
        facts=[(f"{steps[-1].ratio:.2f}", "of the small shop's rate")],
        verdicts=_verdicts(steps),
        figures=[Figure(f"{step.name} ÷ small", step.ratio, "ratio") for step in steps[1:]],
        usage=over([step.measured.usage for step in steps]),
        problems=[
            *(said for step in steps for said in (*step.moved[0], *step.measured.problems)),
            *beside.problems,
            *(said for one in audits for said in one.problems),
        ],
        notes=[
            *floors.notes(),
            *(said for step in steps for said in (*step.moved[1], *step.measured.notes)),
            *(said for one in audits for said in one.notes),
        ],
        bare_per_s=floors.rate("POST"),
        audit=after.audit,
        tolerated=after.tolerated,
    )


class Growing:
    """A shop that is filled and opened. Shape: `items` and `orders` are what it holds."""

    def __init__(self, shop: OwnShop) -> None:
        self._shop = shop
        self._items = range(0)
        self._orders = 0

    async def load(self, skus: int, orders: int, say: Say) -> tuple[int, float]:
        """Adds what is missing, then stops the shop. Returns: (MiB of the database, seconds that it took)."""
        began = time.monotonic()
        async with Bulk.of(self._shop.settings.database_url) as bulk:
            if skus > len(self._items):
                added = await add_skus(bulk, skus - len(self._items), say)
                self._items = range(self._items.start if self._items else added.start, added.stop)
            if orders > self._orders:
                await add_orders(bulk, self._items, orders - self._orders, say)
                self._orders = orders
            size_mib = await bulk.size_mib()
        await self._shop.stop()
        return size_mib, round(time.monotonic() - began, 1)

    async def opened(self, tool: Tool, say: Say) -> Plan:
        """Serves until it is warm; what to ask it."""
        await self._shop.start(("serve",), demo=False)
        await gate_open(self._shop.url)
        ranked = Baskets([sku_of(item) for item in self._items], kept(), seed=1)
        name = named(len(self._items), self._orders)
        shape = Shape("express", [ranked.sku() for _ in range(_DRAWN)])
        say(f"{name}: the first buyers, then until the processes have learned every price")
        await drive(tool.lasting(_FIRST_S), self._shop.url, shape.again())
        await prices_learned(self._shop.url)
        return Plan(name, f"express checkouts, {name}", shape, 201, places=True)


def _warm_s(tool: Tool) -> float:
    return max(_WARM_S, tool.seconds / 2)


def _verdicts(steps: list[_Step]) -> list[Verdict]:
    if len(steps) < 2:
        return []
    what = f"express checkouts: {steps[-1].name} ÷ {steps[0].name}"
    return [judged("V6", steps[-1].ratio, what=what)]


def _table(steps: list[_Step]) -> Table:
    rows = [
        [
            step.name,
            f"{step.measured.per_s:,.0f}",
            "–" if step.first else f"{mean(step.measured.bare):,.0f}",
            f"{step.ratio:.2f}",
            f"{step.size_mib:,}",
            f"{step.loading_s:,.0f}",
        ]
        for step in steps
    ]
    heads = ["Size", "orders/s", "the small shop's", "÷ small", "database MiB", "loading s"]
    return Table("Steps", heads, rows)


def _charts(steps: list[_Step]) -> list[Chart]:
    labels = [f"{_short(step.skus)} / {_short(step.orders)}" for step in steps]
    rows = [step.row() for step in steps]
    roles = [role for role in ("serve", "postgres", "gate") if any(role in row.cpu_us for row in rows)]
    bounds: list[float | None] = [0.9 for _ in steps]
    return [
        Chart(
            "Orders a second ÷ the small shop's, by SKUs / orders (mark: 0.9)",
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


def named(skus: int, orders: int) -> str:
    """A size as people say it."""
    return f"{_short(skus)} SKUs, {_short(orders)} orders"


def _short(count: int) -> str:
    """1,000,000 → 1M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return str(count)
