"""`bench ceiling`: how many durable checkouts a second, against the bare server of the same run, and audited after it."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
from msgspec import Struct, field

from bench.drive import Tool, checkouts, purchase, reads
from bench.floor import Floor, measure_bare
from bench.processes import Meter, Usage
from bench.run import Run
from bench.shop import BenchError, OwnShop, own_shop
from bench.store import count_orders, stock_up
from checkout.audit.model import Report as AuditReport
from checkout.audit.prove import audit

_UNITS = 500_000_000
_SOLD_OUT = 20
_WARM_S = 2.0
_SETTLE_S = 1.0
Say = Callable[[str], None]


class Measure(Struct, frozen=True):
    """One row.

    Shape: `ratio` is its rate ÷ the bare rate of the same run (POST, or GET for reads); `target` is the least ratio that is
    asked for, 0 when none is.
    """

    name: str
    what: str
    run: Run
    per_s: float
    ratio: float
    target: float
    usage: list[Usage]
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it was measured cleanly; a target missed is told apart."""
        return not self.problems


class Ceiling(Struct, frozen=True):
    """All rows of one run, and the audit after it. Units: requests/s for `bare_*`."""

    tool: Tool
    processes: int
    bare_post_first: float
    bare_post_last: float
    bare_get: float
    measures: list[Measure]
    orders: int
    audit: AuditReport | None

    @property
    def ok(self) -> bool:
        """Whether the figures count: no errors, and a clean audit."""
        return all(m.ok for m in self.measures) and self.audit is not None and self.audit.ok


class _Plan(Struct, frozen=True):
    name: str
    what: str
    target: float
    skus: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lines: int = 2
    refusals: bool = False


async def measure_ceiling(
    tool: Tool, *, processes: int, drain_s: float, say: Say, folder: Path | None = None
) -> Ceiling:
    """The whole run, on a shop of its own with `serve` alone; the backlog is drained afterwards, then audited."""
    say("bare server, first")
    first = await measure_bare(tool, method="POST", processes=processes)
    bare_get = await measure_bare(tool, method="GET", processes=processes)
    async with own_shop(processes=processes, kinds=("serve",), folder=folder) as shop:
        say("filling the shelves")
        settings = shop.settings
        skus, slugs = await stock_up(settings.database_url, units=_UNITS)
        sold_out, on_sale = skus[-_SOLD_OUT:], skus[:-_SOLD_OUT]
        await stock_up(settings.database_url, units=_UNITS, sold_out=sold_out)
        plans = await _plans(shop.url, on_sale, sold_out, slugs)
        say("warming up")
        await checkouts(Tool(tool.name, tool.connections, _WARM_S), shop.url, on_sale)
        rows = []
        for plan in plans:
            say(plan.what)
            rows.append((plan, *await _measure(tool, shop, plan)))
            await asyncio.sleep(_SETTLE_S)
        say("bare server, last")
        last = await measure_bare(tool, method="POST", processes=processes)
        orders = await count_orders(settings.database_url)
        say(f"draining the backlog of {orders:,} orders, then the audit")
        await shop.stop()
        report = await _drain(shop, drain_s, say)
    post = (first.run.requests_per_s + last.run.requests_per_s) / 2
    return Ceiling(
        tool,
        processes,
        first.run.requests_per_s,
        last.run.requests_per_s,
        bare_get.run.requests_per_s,
        [_row(plan, run, usage, problems, post, bare_get) for plan, run, usage, problems in rows],
        orders,
        report,
    )


async def _plans(url: str, skus: list[str], sold_out: list[str], slugs: list[str]) -> list[_Plan]:
    """What is measured; reads only when the shop has them."""
    plans = [
        _Plan("checkout", "express checkouts, 2 lines, uniform SKUs", 0.18, skus),
        _Plan("hot", "express checkouts, all on the same two SKUs", 0.0, skus[:2]),
        _Plan("sold_out", "checkouts of what is sold out, refused", 0.0, sold_out, lines=1, refusals=True),
    ]
    paths = [f"/v1/products/{slug}" for slug in slugs[:500]]
    async with aiohttp.ClientSession() as client, client.get(url + paths[0]) as response:
        if response.status == 200:
            plans.append(_Plan("read", "product reads", 0.0, paths=paths))
    return plans


async def _measure(tool: Tool, shop: OwnShop, plan: _Plan) -> tuple[Run, list[Usage], list[str]]:
    """One row's run, use and problems: what was answered must be what Postgres holds."""
    database_url = shop.settings.database_url
    before = await count_orders(database_url)
    meter = Meter({shop.pid: "supervisor", os.getpid(): "load"})
    if plan.paths:
        run = await reads(tool, shop.url, plan.paths)
    else:
        run = await checkouts(tool, shop.url, plan.skus, lines=plan.lines)
    usage = meter.read()
    problems = []
    if run.broken:
        problems.append(f"{run.broken} requests were not answered")
    if plan.refusals:
        if run.ok:
            problems.append(f"{run.ok} orders of sold-out SKUs were accepted")
        problems += await _refused_rightly(shop.url, plan.skus)
    elif run.refused:
        problems.append(f"{run.refused} requests were refused")
    if plan.skus:
        placed = await count_orders(database_url) - before
        if placed < run.ok:
            problems.append(f"{run.ok} answers of 201, and only {placed} orders")
    return run, usage, problems


async def _refused_rightly(url: str, skus: list[str]) -> list[str]:
    """A sample of the refusals, read: each must be 409 out_of_stock."""
    async with aiohttp.ClientSession() as client:
        for number, sku in enumerate(skus):
            key = f"sample-{time.monotonic_ns()}-{number}"
            async with client.post(
                f"{url}/v1/checkouts", json=purchase([sku], key), headers={"Idempotency-Key": key}
            ) as response:
                document = await response.json(content_type=None)
                if response.status != 409 or document["code"] != "out_of_stock":
                    return [f"a sold-out SKU was answered with {response.status} {document.get('code')}"]
    return []


async def _drain(shop: OwnShop, drain_s: float, say: Say) -> AuditReport:
    """Works off what the run left, with the processes that were not running, and audits."""
    await shop.start(("relay", "work", "sandbox"))
    deadline = time.monotonic() + 30
    while True:
        try:
            settings = shop.settings
            break
        except (
            Exception
        ):  # the stores are still coming up: whatever stands in the way is told when the time is over
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
    report = await audit(settings, wait_s=drain_s, on_step=say)
    await shop.stop()
    return report


def _row(
    plan: _Plan, run: Run, usage: list[Usage], problems: list[str], post: float, bare_get: Floor
) -> Measure:
    per_s = run.requests_per_s if plan.refusals else run.ok_per_s
    floor = bare_get.run.requests_per_s if plan.paths else post
    if not floor:
        raise BenchError("the bare server answered nothing")
    return Measure(
        plan.name, plan.what, run, round(per_s, 1), round(per_s / floor, 3), plan.target, usage, problems
    )
