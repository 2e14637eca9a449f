"""`bench drain`: a backlog of orders, placed while no worker ran: how fast is it captured, invoiced and booked? (V8)"""

import asyncio
import time
from datetime import UTC, datetime

from msgspec import Struct

from bench.measure.processes import Meter, Sampler, Usage, cpu_us
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.crowd import usage_charts
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Row, Table, this_machine
from bench.shop.floor import bare_per_s
from bench.shop.orders import place_orders
from bench.shop.own import OwnShop, own_shop
from bench.shop.store import Backlog, stock_up
from checkout.audit.prove import audit
from checkout.outbox.model import CAPTURE, INVOICE

_UNITS = 500_000_000
_LOOK_S = 0.25
_STUCK_S = 60.0
_SETTLE_S = 10.0
_PIPELINE = ("work", "relay")


class Drain(Struct, frozen=True):
    """What is asked for. Shape: `work_processes` of Dramatiq."""

    orders: int = 20_000
    processes: int = 2
    work_processes: int = 1


class _Part(Struct):
    """Orders that were finished while CPU was metered. Units: seconds."""

    name: str
    what: str
    orders: int
    elapsed_s: float
    usage: list[Usage]

    @property
    def pipeline_s(self) -> float:
        """CPU of workers and relay."""
        return sum(one.cpu_s for one in self.usage if one.role in _PIPELINE)

    @property
    def per_cpu_s(self) -> float:
        """Orders per CPU second of workers and relay."""
        return self.orders / self.pipeline_s if self.pipeline_s else 0.0

    @property
    def per_s(self) -> float:
        """Orders a second."""
        return self.orders / self.elapsed_s if self.elapsed_s else 0.0

    def row(self) -> Row:
        """As a row."""
        return Row(
            self.name,
            self.what,
            round(self.per_s, 1),
            self.orders,
            self.orders,
            cpu_us=cpu_us(self.usage, self.orders),
        )


class _Worked(Struct):
    """How the backlog went. Units: seconds since the start. Shape: `xs` and `owed` are looks at the outbox, by topic."""

    parts: list[_Part]
    samples: list[list[Usage]]
    left: dict[str, int]
    xs: list[float]
    owed: list[dict[str, int]]

    def finished(self, topic: str) -> str:
        """When the last row of a topic had gone."""
        open_at = [x for x, by_topic in zip(self.xs, self.owed, strict=True) if by_topic.get(topic)]
        return "never" if self.left.get(topic) else f"{open_at[-1]:,.1f} s" if open_at else "–"


async def run_drain(asked: Drain, say: Say) -> Result:
    """The whole run. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    say("bare server")
    bare = await bare_per_s(asked.processes)
    say("starting a shop")
    more = {"CHECKOUT_WORK_PROCESSES": str(asked.work_processes)}
    async with own_shop(processes=asked.processes, kinds=("serve",), more=more) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=_UNITS)
        say(f"placing {asked.orders:,} orders")
        placed = await place_orders(shop.url, skus, asked.orders, say)
        await shop.stop()
        say(f"working off {asked.orders:,} orders")
        await shop.start(("relay", "work", "sandbox"))
        worked = await _work_off(shop, len(placed), say)
        say("audit")
        report = await audit(
            shop.settings, acknowledged=placed, wait_s=_SETTLE_S, on_step=lambda step: say(f"audit: {step}")
        )
    booked, whole = worked.parts
    return Result(
        scenario="drain",
        title=f"Drain: a backlog of {asked.orders:,} orders",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "orders": str(asked.orders),
            "processes": str(asked.processes),
            "work processes": str(asked.work_processes),
        },
        machine=machine,
        rows=[part.row() for part in worked.parts],
        tables=[_stages(worked)],
        charts=_charts(booked.row(), worked),
        facts=[
            (f"{booked.per_cpu_s:,.0f}", "orders per CPU second of workers and relay"),
            (f"{booked.per_s:,.0f}/s", "orders captured, invoiced and booked"),
            (f"{whole.per_s:,.0f}/s", "orders, mails too"),
            (f"{whole.pipeline_s:,.1f} s", "CPU of workers and relay"),
        ],
        verdicts=[judged("V8", booked.per_cpu_s)],
        figures=[
            Figure("orders per CPU second", booked.per_cpu_s, "rate"),
            Figure("booked a second", booked.per_s, "rate"),
            Figure("finished a second", whole.per_s, "rate"),
        ],
        usage=whole.usage,
        problems=[f"{count:,} rows of {topic} were not finished" for topic, count in worked.left.items()],
        notes=[f"metered from the first paid order on: {booked.orders:,} of {asked.orders:,} orders"],
        bare_per_s=bare,
        audit=report,
    )


async def _work_off(shop: OwnShop, orders: int, say: Say) -> _Worked:
    """Watches the backlog go, until nothing is owed or nothing has moved for a minute. Raises: BenchError."""
    settings = shop.settings
    meter: Meter | None = None
    booked: _Part | None = None
    xs: list[float] = []
    owed: list[dict[str, int]] = []
    async with Backlog.of(settings.database_url) as backlog, Sampler(shop.roots) as sampler:
        began = moved = metered_at = time.monotonic()
        counted = 0
        while True:
            by_topic, now = await backlog.by_topic(), time.monotonic()
            left = backlog.unbooked_of(by_topic)
            if owed and owed[-1] != by_topic:
                moved = now
            xs.append(round(now - began, 2))
            owed.append(by_topic)
            say.move(orders - left, orders)
            if (
                meter is None and by_topic.get(CAPTURE, 0) < orders
            ):  # starting up is no part of an order's cost
                meter, metered_at, counted = Meter(shop.roots), now, left
            if meter is not None and booked is None and not left and not by_topic.get(INVOICE):
                what = "orders captured, invoiced, booked"
                booked = _Part("booked", what, counted, now - metered_at, meter.read())
            if not by_topic or now - moved > _STUCK_S:
                break
            await asyncio.sleep(_LOOK_S)
        if meter is None:
            raise BenchError("no order was paid within a minute")
        usage, elapsed_s = meter.read(), time.monotonic() - metered_at
    whole = _Part("finished", "the same, mails too", counted - left, elapsed_s, usage)
    return _Worked([booked or whole, whole], sampler.samples, by_topic, xs, owed)


def _stages(worked: _Worked) -> Table:
    """When each kind of step had gone, and the most that were owed at once."""
    rows = [
        [topic, worked.finished(topic), f"{max(by_topic.get(topic, 0) for by_topic in worked.owed):,}"]
        for topic in _topics(worked)
    ]
    return Table("Steps", ["Step", "last one open at", "most open at once"], rows)


def _topics(worked: _Worked) -> list[str]:
    return sorted({topic for by_topic in worked.owed for topic in by_topic})


def _charts(row: Row, worked: _Worked) -> list[Chart]:
    topics = _topics(worked)
    roles = sorted(row.cpu_us, key=lambda role: -row.cpu_us[role])
    return [
        Chart(
            "Owed steps, by kind",
            "",
            worked.xs,
            [Line(topic, [float(by_topic.get(topic, 0)) for by_topic in worked.owed]) for topic in topics],
        ),
        Chart(
            "CPU of one order, by process",
            "µs",
            [],
            [Line("µs", [row.cpu_us[r] for r in roles])],
            "bars",
            roles,
        ),
        *usage_charts(worked.samples),
    ]
