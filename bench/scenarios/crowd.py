"""What smoke, steady and soak share: shoppers with think time, judged by service levels, audited afterwards."""

import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.crowd import Seen, send_crowd
from bench.load.plan import Plan
from bench.report.crowd import CrowdReport
from bench.report.progress import Say
from bench.report.result import Result, this_machine
from bench.shop.floor import bare_per_s
from bench.shop.listing import on_sale
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import stock_up
from checkout.audit.prove import audit

_UNITS = 10_000_000
_DRAIN_S = 180.0


class Crowd(Struct, frozen=True):
    """What is asked for. `url`: a shop that runs already; empty: one of our own. Units: seconds.

    Shape: `scenario` names the service levels; `load_processes` 0 is as many as Locust needs.
    """

    scenario: str
    users: int
    seconds: float
    ramp_s: float
    url: str = ""
    processes: int = 2
    load_processes: int = 0
    seed: int = 1


class Ran(Struct, frozen=True):
    """A run, and what it was made of."""

    result: Result
    plan: Plan
    seen: Seen


async def run_crowd(asked: Crowd, say: Say) -> Ran:
    """The whole run. Raises: BenchError when the shop or a load process cannot run."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    async with AsyncExitStack() as stack:
        shop: OwnShop | None = None
        url = asked.url.rstrip("/")
        if not url:
            say("starting a shop")
            shop = await stack.enter_async_context(own_shop(processes=asked.processes))
            url = shop.url
            await stock_up(shop.settings.database_url, units=_UNITS)
        sold = await on_sale(url)
        plan = Plan(url, asked.users, asked.ramp_s, asked.seconds, sold.skus, sold.slugs, seed=asked.seed)
        say(f"{asked.users:,} shoppers for {asked.ramp_s + asked.seconds:.0f} s")
        roots = {shop.pid: "supervisor"} if shop is not None else {}
        seen = await send_crowd(plan, say, roots=roots, processes=asked.load_processes)
        audited = None
        if shop is not None:
            say(f"auditing {len(seen.orders):,} orders")
            audited = await audit(
                shop.settings,
                acknowledged=seen.orders,
                wait_s=_DRAIN_S,
                on_step=lambda step: say(f"audit: {step}"),
            )
    report = CrowdReport(asked.scenario, plan, seen)
    late, lateness = report.lateness()
    notes = (
        [] if shop is not None else ["not a shop of our own: audit it where it runs, with `checkout audit`"]
    )
    if seen.recorded.sold_out:
        notes.append(f"{seen.recorded.sold_out:,} requests met something sold out, which is no error")
    result = Result(
        scenario=asked.scenario,
        title=f"{asked.scenario.capitalize()}: {asked.users:,} shoppers for {asked.seconds:.0f} s",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "users": str(asked.users),
            "seconds": f"{asked.seconds:g}",
            "ramp": f"{asked.ramp_s:g}",
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=report.rows(),
        tables=report.tables(),
        charts=report.charts(),
        facts=report.facts(),
        verdicts=report.verdicts(),
        figures=report.figures(),
        usage=report.usage,
        problems=late,
        notes=[*lateness, *notes],
        bare_per_s=bare,
        audit=audited,
    )
    return Ran(result, plan, seen)
