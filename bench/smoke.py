"""`bench smoke`: shoppers with think time, judged by service levels, audited afterwards."""

import asyncio
import math
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from bench import judge, recording
from bench.ceiling import Say
from bench.histogram import Histogram
from bench.plan import Plan
from bench.processes import Meter, Usage, over
from bench.recording import Recorded
from bench.report import Moment, Report, this_machine
from bench.shop import BenchError, OwnShop, on_sale, own_shop
from bench.store import stock_up
from checkout.audit.model import Report as AuditReport
from checkout.audit.prove import audit

USERS_PER_PROCESS = 1500
_UNITS = 10_000_000
_SAMPLE_S = 1.0
_OVERTIME_S = 60.0
_DRAIN_S = 180.0
_PERCENTILES = (0, 10, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 99.99, 100)


class Smoke(Struct, frozen=True):
    """What is asked for. `url`: a shop that runs already; empty: one of our own. Units: seconds."""

    users: int
    seconds: float
    ramp_s: float
    url: str = ""
    processes: int = 2
    kind: str = "smoke"
    seed: int = 1


async def run_smoke(asked: Smoke, say: Say) -> Report:
    """The whole run. Raises: BenchError when the shop or a load process cannot run."""
    at = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        shop: OwnShop | None = None
        url = asked.url.rstrip("/")
        if not url:
            say("starting a shop")
            shop = await stack.enter_async_context(own_shop(processes=asked.processes))
            url = shop.url
            await stock_up(shop.settings.database_url, units=_UNITS)
        sold = await on_sale(url)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="checkout-load-")))
        plan = Plan(url, asked.users, asked.ramp_s, asked.seconds, sold.skus, sold.slugs, seed=asked.seed)
        say(f"{asked.users} shoppers for {asked.ramp_s + asked.seconds:.0f} s")
        recorded, samples, usage = await _drive(plan, folder, shop)
        acknowledged = _order_ids(folder)
        report = None
        if shop is not None:
            say(f"auditing {len(acknowledged):,} orders")
            report = await audit(shop.settings, acknowledged=acknowledged, wait_s=_DRAIN_S, on_step=say)
    return _report(asked, at, recorded, samples, usage, len(acknowledged), report)


async def _drive(
    plan: Plan, folder: Path, shop: OwnShop | None
) -> tuple[Recorded, list[list[Usage]], list[Usage]]:
    """Runs the load processes; meanwhile samples what every process uses."""
    count = math.ceil(plan.users / USERS_PER_PROCESS)
    running = []
    for number in range(count):
        share = plan.users // count + (number < plan.users % count)
        told = folder / f"plan-{number}.json"
        told.write_bytes(msgspec.json.encode(msgspec.structs.replace(plan, users=share, number=number)))
        running.append(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bench.locust_process",
                str(told),
                str(folder / f"result-{number}.json"),
                str(folder / f"orders-{number}.txt"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        )
    roots = {process.pid: "load" for process in running}
    if shop is not None:
        roots[shop.pid] = "supervisor"
    samples: list[list[Usage]] = []
    sampling = asyncio.create_task(_sample(roots, samples))
    try:
        patience_s = plan.ramp_s + plan.steady_s + _OVERTIME_S
        ends = await asyncio.wait_for(asyncio.gather(*(p.communicate() for p in running)), patience_s)
    except TimeoutError as error:
        raise BenchError("a load process did not end in time") from error
    finally:
        sampling.cancel()
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()
    for process, (_, said) in zip(running, ends, strict=True):
        if process.returncode:
            raise BenchError(f"a load process failed:\n{said.decode(errors='replace')[-1500:]}")
    return _results(folder), samples, over(samples)


def _results(folder: Path) -> Recorded:
    return recording.merge([recording.read(path) for path in sorted(folder.glob("result-*.json"))])


def _order_ids(folder: Path) -> list[str]:
    return [line for path in sorted(folder.glob("orders-*.txt")) for line in path.read_text().split()]


async def _sample(roots: dict[int, str], samples: list[list[Usage]]) -> None:
    while True:
        meter = Meter(roots)
        await asyncio.sleep(_SAMPLE_S)
        samples.append(await asyncio.to_thread(meter.read))


def _report(
    asked: Smoke,
    at: datetime,
    recorded: Recorded,
    samples: Sequence[list[Usage]],
    usage: list[Usage],
    orders: int,
    audited: AuditReport | None,
) -> Report:
    by_group = judge.groups(recorded)
    everything = Histogram()
    for seen in by_group.values():
        everything.merge(seen)
    errors_of = {name: sum(texts.values()) for name, texts in recorded.errors.items()}
    interval_us = asked.users * asked.seconds * 1e6 / len(everything) if len(everything) else 0.0

    def row(name: str, seen: Histogram, errors: int) -> judge.Row:
        return judge.row(name, seen, errors, steady_s=asked.seconds, interval_us=interval_us)

    def of_group(group: str) -> int:
        return sum(count for name, count in errors_of.items() if name.partition(":")[0] == group)

    all_errors = sum(errors_of.values())
    return Report(
        kind=asked.kind,
        at=at,
        users=asked.users,
        ramp_s=asked.ramp_s,
        steady_s=asked.seconds,
        own_shop=not asked.url,
        machine=this_machine(),
        rows=[row(name, seen, errors_of.get(name, 0)) for name, seen in sorted(recorded.names.items())],
        groups=[row(name, seen, of_group(name)) for name, seen in sorted(by_group.items())],
        total=row("all", everything, all_errors),
        orders=orders,
        sold_out=recorded.sold_out,
        errors={name: dict(texts) for name, texts in recorded.errors.items()},
        moments=_moments(recorded, samples, int(asked.ramp_s + asked.seconds)),
        usage=usage,
        distribution={
            name: [(percent, round(seen.percentile_ms(percent), 3)) for percent in _PERCENTILES]
            for name, seen in sorted(by_group.items())
        },
        verdicts=judge.judge(judge.levels(), by_group, errors=all_errors, orders=orders),
        audit=audited,
    )


def _moments(recorded: Recorded, samples: Sequence[list[Usage]], whole_seconds: int) -> list[Moment]:
    """The run second by second; the seconds in which users only finish are left out."""
    moments = []
    for at in range(min(max(recorded.seconds, default=-1) + 1, whole_seconds)):
        second = recorded.seconds.get(at, recording.Second())
        seen = recorded.latencies.get(at, Histogram())
        used = samples[at] if at < len(samples) else []
        moments.append(
            Moment(
                at,
                second.users,
                second.requests,
                second.errors,
                second.orders,
                round(seen.percentile_ms(50), 2),
                round(seen.percentile_ms(99), 2),
                {one.role: one.cores for one in used},
                {one.role: one.memory_mib for one in used},
            )
        )
    return moments
