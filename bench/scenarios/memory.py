"""`bench memory`: a serve process with every SKU cached, then with ten thousand idle connections beside (V10)."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from bench.load.drive import Tool, drive, send
from bench.load.generator import run_generator
from bench.load.idle import idle_connections
from bench.load.open_files import raise_file_limit
from bench.load.run import Run
from bench.load.shapes import Shape, post
from bench.measure.processes import Memory, memory_of, since_birth
from bench.measure.targets import judged
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Chart, Figure, Line, Result, Table, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.mass import VARIANTS_EACH, add_skus, sku_of, slug_of
from bench.shop.own import OwnShop, own_shop
from bench.shop.readiness import gate_open
from bench.shop.store import Bulk

_SPARE_FILES = 200
_CART_LINES = 100
_CONNECTIONS = 16
_SETTLE_S = 3.0
_PATIENCE_S = 900.0
_ACTIVE = Tool("generator", 16, 5.0)
_ACTIVE_PER_S = 100.0


class MemoryAsked(Struct, frozen=True):
    """What is asked for. Shape: `idle` connections that have made one request each."""

    skus: int = 100_000
    idle: int = 10_000


async def run_memory(asked: MemoryAsked, say: Say) -> Result:
    """The whole run, on a shop with one serve process. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    if raise_file_limit() < asked.idle + _SPARE_FILES:
        raise BenchError(f"{asked.idle:,} connections need as many open files: raise `ulimit -n`")
    say("starting a shop")
    seen: list[tuple[str, Memory]] = []
    async with own_shop(processes=1, kinds=("relay",), demo=False) as shop:
        say(f"loading {asked.skus:,} SKUs")
        async with Bulk.of(shop.settings.database_url) as bulk:
            items = await add_skus(bulk, asked.skus, say)
        await shop.stop()
        await shop.start(("serve",), demo=False)
        served = time.monotonic()
        await gate_open(shop.url)
        seen.append(("started", await _memory(shop)))
        say(f"reading the pages of {asked.skus:,} SKUs")
        problems = await _read_pages(shop, items)
        seen.append((f"pages of {asked.skus:,} SKUs cached", await _memory(shop)))
        say(f"asking for the prices of {asked.skus:,} SKUs")
        problems += await _ask_prices(shop, items)
        seen.append(("their prices too", await _memory(shop)))
        say(f"{asked.idle:,} idle connections")
        async with idle_connections(shop.url, asked.idle) as idle:
            seen.append((f"and {asked.idle:,} idle connections", await _memory(shop)))
            paths = [f"/v1/products/{slug_of(item)}" for item in items[::VARIANTS_EACH][:1_000]]
            active = await drive(_ACTIVE, shop.url, Shape("read", paths), rate_per_s=_ACTIVE_PER_S)
            if idle.alive < asked.idle:
                problems.append(f"{asked.idle - idle.alive:,} idle connections were refused or closed")
        seen.append(("after they have gone", await _memory(shop)))
        if active.refused or active.broken:
            problems.append(f"{active.refused + active.broken:,} reads beside them failed")
        usage = since_birth(shop.roots, time.monotonic() - served)
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=0.0, say=say)
    cached, crowded = seen[2][1], seen[3][1]
    return Result(
        scenario="memory",
        title=f"Memory of a serve process: {asked.skus:,} SKUs, {asked.idle:,} idle connections",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={"skus": str(asked.skus), "idle": str(asked.idle)},
        machine=machine,
        tables=[_table(seen)],
        charts=[_chart(seen)],
        facts=_facts(asked, seen, active),
        verdicts=[judged("V10 cached", cached.rss_mib), judged("V10 idle", crowded.rss_mib)],
        figures=[Figure(name, memory.rss_mib, "memory", True) for name, memory in seen],
        usage=usage,
        problems=[*problems, *after.problems],
        audit=after.audit,
        tolerated=after.tolerated,
    )


async def _memory(shop: OwnShop) -> Memory:
    """Its memory, once it has come to rest. Raises: BenchError when it is not there."""
    await asyncio.sleep(_SETTLE_S)
    found = memory_of(shop.roots, "serve")
    if not found:
        raise BenchError("the serve process has gone")
    return found[0]


async def _read_pages(shop: OwnShop, items: Sequence[int]) -> list[str]:
    """Every product's page, once; gives what went wrong."""
    paths = [f"/v1/products/{slug_of(item)}" for item in items[::VARIANTS_EACH]]
    shape = Shape("read", paths, sequential=True)
    return _wrong(await send(shop.url, shape, len(paths), connections=_CONNECTIONS))


async def _ask_prices(shop: OwnShop, items: Sequence[int]) -> list[str]:
    """Every SKU in a cart, once; gives what went wrong."""
    carts = itertools.cycle([items[at : at + _CART_LINES] for at in range(0, len(items), _CART_LINES)])

    def build(_number: int) -> bytes:
        lines = [{"sku": sku_of(item), "quantity": 1} for item in next(carts)]
        return post("/v1/carts", {"currency": "EUR", "country": "DE", "lines": lines})

    count = -(-len(items) // _CART_LINES)
    return _wrong(
        await asyncio.to_thread(
            run_generator, shop.url, build, connections=_CONNECTIONS, seconds=_PATIENCE_S, most=count
        )
    )


def _wrong(run: Run) -> list[str]:
    if not run.refused and not run.broken:
        return []
    return [f"{run.refused + run.broken:,} of {run.requests:,} requests were not answered: {run.statuses}"]


def _facts(asked: MemoryAsked, seen: list[tuple[str, Memory]], active: Run) -> list[tuple[str, str]]:
    started, _, cached, crowded = (memory.rss_mib for _, memory in seen[:4])
    return [
        (f"{started:,.0f} MiB", "started"),
        (f"{cached:,.0f} MiB", "with every SKU cached"),
        (f"{(cached - started) * 1024 / asked.skus:,.2f} KiB", "a SKU"),
        (f"{crowded:,.0f} MiB", "and every connection"),
        (f"{(crowded - cached) * 1024 / asked.idle:,.1f} KiB", "a connection"),
        (f"{active.p99_ms:,.1f} ms", "p99 of reads beside them"),
    ]


def _table(seen: list[tuple[str, Memory]]) -> Table:
    rows = [[name, f"{memory.rss_mib:,.1f}", f"{memory.pss_mib:,.1f}"] for name, memory in seen]
    return Table("Memory of the serve process, MiB", ["When", "resident", "proportional"], rows)


def _chart(seen: list[tuple[str, Memory]]) -> Chart:
    return Chart(
        "Resident memory of the serve process",
        "MiB",
        [],
        [Line("resident", [memory.rss_mib for _, memory in seen])],
        "bars",
        ["started", "pages", "prices", "idle", "after"],
    )
