"""`bench ceiling`: how many requests of each kind a second, ÷ what the bare server does beside each; then audited."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean

from msgspec import Struct

from bench.load.drive import Tool
from bench.load.shapes import Shape
from bench.measure.noise import drift
from bench.measure.processes import over
from bench.measure.row import Measured, Plan, measure
from bench.measure.targets import Verdict, judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.catalogue import carts, etags, listings
from bench.shop.floor import floors_beside
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import fill_the_log, stock_up

ROWS = ("product", "listing", "304", "cart_edit", "refused", "express", "hot", "cart_checkout")
_UNITS = 500_000_000
_SOLD_OUT = 20
_PRODUCTS = 500
_CARTS = 2_000
_CARTS_MOST = 400_000
_SPARE_CARTS = 1.6


class Ceiling(Struct, frozen=True):
    """What is asked for. Units: seconds; `only` names rows, all when empty; `drain_s` 0 audits without working off."""

    tool: Tool
    processes: int = 2
    drain_s: float = 120.0
    only: tuple[str, ...] = ()
    folder: Path | None = None

    @property
    def wanted(self) -> tuple[str, ...]:
        """The rows, in their order; what another one is divided by or sized by comes along. Raises: BenchError."""
        unknown = [name for name in self.only if name not in ROWS]
        if unknown:
            raise BenchError(f"{unknown[0]} is no row of the ceiling; choose from {', '.join(ROWS)}")
        asked = set(self.only or ROWS)
        if asked & {"hot", "cart_checkout"}:
            asked.add("express")
        return tuple(name for name in ROWS if name in asked)

    @property
    def warm_s(self) -> float:
        """How long each row runs before it counts."""
        return max(1.0, self.tool.seconds / 4)


async def run_ceiling(asked: Ceiling, say: Say) -> Result:
    """The whole run, on a shop of its own with `serve` alone. Raises: BenchError."""
    at, began, machine, wanted = datetime.now(UTC), time.monotonic(), this_machine(), asked.wanted
    async with (
        own_shop(processes=asked.processes, kinds=("serve",), folder=asked.folder) as shop,
        floors_beside(asked.tool, asked.processes) as floors,
    ):
        say("filling the shelves")
        plans = Plans(asked, shop, *await _stocked(shop))
        measured: list[Measured] = []
        for name in wanted:
            say(f"preparing {name}")
            plan = await plans.of(name, measured)
            say(f"{plan.what}, {asked.tool.seconds:.0f} s, in turn with bare {plan.over}")
            measured.append(await measure(asked.tool, shop, plan, warm_s=asked.warm_s, bare=floors.measure))
        await shop.stop()
        afterwards = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    rows = [one.row() for one in measured]
    problems, drifted = drift(bare_rates(measured[::-1]), bare_rates(measured))
    return Result(
        scenario="ceiling",
        title=f"Ceiling: {asked.processes} × serve, {asked.tool.connections} connections of {asked.tool.name}",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "tool": asked.tool.name,
            "connections": str(asked.tool.connections),
            "seconds": f"{asked.tool.seconds:g}",
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[*floors.rows(), *rows],
        charts=charts(rows),
        facts=[(f"{row.per_s:,.0f}/s", row.what) for row in rows if row.name in ("express", "product")],
        verdicts=verdicts(rows),
        figures=figures(rows),
        usage=over([one.usage for one in measured]),
        problems=[
            *problems,
            *(problem for one in measured for problem in one.problems),
            *afterwards.problems,
        ],
        notes=[
            *drifted,
            *floors.notes(),
            *(note for one in measured for note in one.notes),
            *afterwards.notes,
        ],
        bare_per_s=floors.rate("POST"),
        audit=afterwards.audit,
        tolerated=afterwards.tolerated,
    )


def bare_rates(measured: Sequence[Measured]) -> dict[str, float]:
    """The bare server's mean rate by method, beside the last row of each."""
    return {one.plan.over: mean(one.bare) for one in measured}


async def _stocked(shop: OwnShop) -> tuple[list[str], list[str], list[str]]:
    """SKUs that do not run out, SKUs that are sold out, slugs."""
    url = shop.settings.database_url
    skus, slugs = await stock_up(url, units=_UNITS)
    sold_out, on_sale = skus[-_SOLD_OUT:], skus[:-_SOLD_OUT]
    await stock_up(url, units=_UNITS, sold_out=sold_out)
    await fill_the_log(url)
    return on_sale, sold_out, slugs


class Plans:
    """The rows, prepared when their turn comes: carts are made and ETags read before anything is measured."""

    def __init__(
        self,
        asked: Ceiling,
        shop: OwnShop,
        skus: Sequence[str],
        sold_out: Sequence[str],
        slugs: Sequence[str],
    ) -> None:
        self._asked, self._shop = asked, shop
        self._skus, self._sold_out, self._slugs = list(skus), list(sold_out), list(slugs)

    async def of(self, name: str, before: Sequence[Measured]) -> Plan:
        """The plan of a row; `before` are those measured so far. Raises: BenchError."""
        url, skus = self._shop.url, self._skus
        paths = [f"/v1/products/{slug}" for slug in self._slugs[:_PRODUCTS]]
        if name == "product":
            return Plan(name, "product reads", Shape("read", paths), over="GET")
        if name == "listing":
            return Plan(name, "listing pages", Shape("read", await listings(url)), over="GET")
        if name == "304":
            return Plan(
                name,
                "product reads, unchanged (304)",
                Shape("read", await etags(url, paths)),
                304,
                over="GET",
            )
        if name == "cart_edit":
            made = await carts(url, skus, _CARTS, lines=3)
            lines = [f"{cart.id}\t{sku}" for cart in made for sku in cart.skus]
            return Plan(name, "cart edits, one line of three", Shape("cart_edit", lines))
        if name == "refused":
            shape = Shape("express", self._sold_out)
            return Plan(name, "express checkouts, sold out (refused)", shape, 409, "out_of_stock")
        if name == "express":
            return Plan(name, "express checkouts, uniform SKUs", Shape("express", skus), 201, places=True)
        if name == "hot":
            what = "express checkouts, all of the same SKUs"
            return Plan(name, what, Shape("express", skus[:2]), 201, places=True)
        rate = next(one.run.requests_per_s for one in before if one.plan.name == "express")
        needed = int(rate * self._asked.tool.seconds * _SPARE_CARTS) + 2 * self._asked.tool.connections
        made = await carts(url, skus, min(needed, _CARTS_MOST), lines=2)
        return Plan(
            name,
            "checkouts of carts",
            Shape("cart_checkout", [cart.id for cart in made]),
            201,
            places=True,
            warm=Shape("express", skus),
        )


_ROLES = ("serve", "postgres", "gate")
_JUDGED = {
    "product": "V3 product",
    "listing": "V3 listing",
    "304": "V3 304",
    "cart_edit": "V2",
    "refused": "V7",
    "express": "V1",
}


def verdicts(rows: Sequence[Row]) -> list[Verdict]:
    """Every target whose rows were measured."""
    by_name = {row.name: row for row in rows}
    found = [
        judged(target, row.ratio)
        for name, target in _JUDGED.items()
        if (row := by_name.get(name)) is not None and row.ratio is not None
    ]
    hot, uniform = by_name.get("hot"), by_name.get("express")
    if hot and uniform and hot.ratio and uniform.ratio:
        found.append(judged("V5", hot.ratio / uniform.ratio))
    return sorted(found, key=lambda verdict: verdict.name)


def figures(rows: Sequence[Row]) -> list[Figure]:
    """What is compared with the run before: ratios."""
    return [Figure(f"{row.name} ÷ {row.over}", row.ratio, "ratio") for row in rows if row.ratio is not None]


def charts(rows: Sequence[Row]) -> list[Chart]:
    """Ratios beside their targets; where the CPU of one request goes."""
    by_target = {verdict.name: verdict for verdict in verdicts(rows)}
    bounds: list[float | None] = []
    for row in rows:
        verdict = by_target.get(_JUDGED.get(row.name, ""))
        bounds.append(float(verdict.bound.split()[1]) if verdict else None)
    seen = {role for row in rows for role, us in row.cpu_us.items() if us >= 1}
    roles = sorted(seen, key=lambda role: _ROLES.index(role) if role in _ROLES else len(_ROLES))
    labels = [row.name for row in rows]
    return [
        Chart(
            "Rate ÷ bare server, with the target",
            "",
            [],
            [Line("ratio", [row.ratio for row in rows])],
            "bars",
            labels,
            bounds,
        ),
        Chart(
            "CPU of one request, by process",
            "µs",
            [],
            [Line(role, [row.cpu_us.get(role, 0.0) for row in rows]) for role in roles],
            "bars",
            labels,
        ),
    ]
