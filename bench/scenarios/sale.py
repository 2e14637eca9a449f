"""`bench sale`: a drop. Ten thousand buyers within a second, a hundred units, everything running; a hundred are sold."""

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.run_process import run_process
from bench.load.rush import TICK_S, Asked, Seen
from bench.measure.answers import Answers, settled
from bench.measure.processes import Sampler, Usage
from bench.measure.targets import judged
from bench.report.crowd import usage_charts
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.shop.floor import bare_per_s
from bench.shop.own import own_shop
from bench.shop.store import set_stock, sold_units
from checkout.audit.prove import audit

_SKU, _SLUG = "POSTER-LAUNCH", "poster-launch"
_DRAIN_S = 120.0
_STATES = {"sold": "got one", "refused": "told that it is sold out"}


class Sale(Struct, frozen=True):
    """What is asked for. Units: seconds. Shape: `stragglers` come after the rush, ever fewer."""

    users: int = 10_000
    units: int = 100
    stragglers: int = 2_000
    rush_s: float = 1.0
    tail_s: float = 10.0
    processes: int = 2
    seed: int = 1


async def run_sale(asked: Sale, say: Say) -> Result:
    """The whole run, on a shop of its own with everything running. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    say("starting a shop")
    async with own_shop(processes=asked.processes) as shop:
        url = shop.settings.database_url
        await set_stock(url, _SKU, asked.units)
        drop = Asked(
            url=shop.url,
            sku=_SKU,
            slug=_SLUG,
            users=asked.users,
            stragglers=asked.stragglers,
            rush_s=asked.rush_s,
            tail_s=asked.tail_s,
            seed=asked.seed,
            run_id=uuid.uuid4().hex[:12],
        )
        say(f"{asked.users:,} buyers for {asked.units:,} units within {asked.rush_s:g} s")
        before = await settled(shop.url)
        async with Sampler(shop.roots) as sampler:
            seen = await run_process("bench.load.rush", drop, Seen)
        answered = (await settled(shop.url)).since(before)
        sold = await sold_units(url, _SKU)
        say(f"auditing {len(seen.orders):,} orders")
        audited = await audit(
            shop.settings,
            acknowledged=seen.orders,
            wait_s=_DRAIN_S,
            on_step=lambda step: say(f"audit: {step}"),
        )
    apart = units_apart(asked, sold=sold, acknowledged=len(set(seen.orders)))
    return Result(
        scenario="sale",
        title=f"Sale: {asked.users:,} buyers, {asked.units:,} units, {asked.rush_s:g} s",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "users": str(asked.users),
            "units": str(asked.units),
            "stragglers": str(asked.stragglers),
            "rush": f"{asked.rush_s:g}",
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=_rows(seen),
        tables=[_answers(answered)],
        charts=_charts(seen, sampler.samples),
        facts=_facts(asked, seen, sold),
        verdicts=[
            judged(
                "sale sold",
                apart,
                what=f"units sold ({sold:,}) and answered with 201 ({seen.sold:,}), off by",
            ),
            judged("sale answered", seen.unanswered),
        ],
        figures=_figures(seen),
        usage=sampler.whole(),
        problems=[f"{count:,} buyers were told {outcome}" for outcome, count in seen.unexpected.items()],
        notes=[f"{seen.cut_off:,} requests were cut off and sent again"] if seen.cut_off else [],
        bare_per_s=bare,
        audit=audited,
    )


def units_apart(asked: Sale, *, sold: int, acknowledged: int) -> int:
    """Units sold that were not there, left over though buyers asked, or sold without an answer that says so."""
    buyers = asked.users + asked.stragglers
    return abs(sold - min(asked.units, buyers)) + abs(acknowledged - sold)


def _rows(seen: Seen) -> list[Row]:
    """By outcome: from pressing the button to the last word, retries included."""
    rows = []
    for outcome, pairs in sorted(seen.distribution.items()):
        ms = dict(pairs)
        count = {"sold": seen.sold, "refused": seen.refused}.get(
            outcome, seen.unexpected.get(outcome, seen.unanswered)
        )
        failed = outcome not in _STATES
        rows.append(
            Row(
                outcome,
                f"buyers, {_STATES.get(outcome, outcome)}",
                round(count / seen.took_s, 1) if seen.took_s else 0.0,
                count,
                0 if failed else count,
                failed=count if failed else 0,
                p50_ms=ms[50.0],
                p90_ms=ms[90.0],
                p99_ms=ms[99.0],
                p999_ms=ms[99.9],
                max_ms=ms[100.0],
            )
        )
    return rows


def _answers(answered: Answers) -> Table:
    """What the shop itself counted, page views included."""
    rows = [[f"status {status}", f"{count:,}"] for status, count in sorted(answered.statuses.items())]
    rows += [[f"of those: {code}", f"{count:,}"] for code, count in sorted(answered.codes.items())]
    return Table("What the shop answered, by its own count", ["Answer", "times"], rows)


def _facts(asked: Sale, seen: Seen, sold: int) -> list[tuple[str, str]]:
    return [
        (f"{sold:,} of {asked.units:,}", "units sold, exactly" if sold == asked.units else "units sold"),
        (f"{seen.buyers:,}", "buyers"),
        (f"{seen.sold_out_after_s * 1000:,.0f} ms", "until the last unit was sold"),
        (f"{seen.took_s:.1f} s", "until the last buyer had an answer"),
        (f"{seen.requests:,}", "requests"),
        (f"{seen.repeated:,}", "times a buyer was asked to come back"),
        (f"{seen.tries_most:,}", "requests of the most patient buyer"),
    ]


def _figures(seen: Seen) -> list[Figure]:
    found = [Figure("until sold out", seen.sold_out_after_s, "time", True)]
    for outcome in ("sold", "refused"):
        ms = dict(seen.distribution.get(outcome, []))
        if ms:
            found += [
                Figure(f"{outcome} p50", ms[50.0], "time", True),
                Figure(f"{outcome} p99", ms[99.0], "time", True),
            ]
    return [*found, Figure("requests per buyer", seen.requests / max(1, seen.buyers), "ratio", True)]


def _charts(seen: Seen, samples: Sequence[Sequence[Usage]]) -> list[Chart]:
    xs = [round(at * TICK_S, 1) for at in range(len(seen.ticks))]
    ticks = seen.ticks
    return [
        Chart(
            "Buyers, by tenth of a second",
            "",
            xs,
            [
                Line("arrived", [float(t.arrived) for t in ticks]),
                Line("told: sold out", [float(t.refused) for t in ticks]),
                Line("asked to come back", [float(t.shed) for t in ticks]),
                Line("got one", [float(t.sold) for t in ticks]),
            ],
        ),
        Chart(
            "Buyers without an answer yet",
            "",
            xs,
            [Line("waiting", [float(t.waiting) for t in ticks])],
            filled=True,
        ),
        Chart(
            "From the button to the last word, by percentile",
            "ms",
            [percent for percent, _ in next(iter(seen.distribution.values()), [])],
            [
                Line(_STATES.get(name, name), [ms for _, ms in pairs])
                for name, pairs in sorted(seen.distribution.items())
            ],
            "percentiles",
        ),
        *usage_charts(samples)[:1],
    ]
