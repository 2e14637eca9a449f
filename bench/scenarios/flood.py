"""`bench flood`: somebody guesses passwords as fast as they are refused: do checkouts become slow? (T24)"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
from msgspec import Struct

from bench.load.drive import Tool, drive
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.processes import Meter
from bench.measure.row import bare_row
from bench.measure.targets import judged
from bench.report.progress import Say
from bench.report.result import Figure, Result, this_machine
from bench.shop.afterwards import drain_and_audit
from bench.shop.own import own_shop
from bench.shop.store import stock_up

_CONNECTIONS = 64
_WARM_S = 3.0
_PAUSE_S = 0.05


class Flood(Struct, frozen=True):
    """What is asked for. Units: seconds of each part; checkouts a second. Shape: `guessers` try without a pause."""

    seconds: float = 20.0
    rate_per_s: float = 50.0
    guessers: int = 40
    processes: int = 2
    drain_s: float = 30.0


async def run_flood(asked: Flood, say: Say) -> Result:
    """The whole run, on a shop of its own whose limits protect nobody. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    tool = Tool("generator", _CONNECTIONS, asked.seconds)
    async with own_shop(processes=asked.processes, kinds=("serve",)) as shop:
        skus, _ = await stock_up(shop.settings.database_url, units=1_000_000)
        say(f"{asked.rate_per_s:g} checkouts a second alone, {asked.seconds:.0f} s")
        await drive(tool.lasting(_WARM_S), shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
        first = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
        say(f"{asked.guessers} guessers beside, {asked.seconds:.0f} s")
        async with _guessing(shop.url, asked.guessers) as statuses:
            await asyncio.sleep(_WARM_S)
            meter = Meter(shop.roots)
            second = await drive(tool, shop.url, Shape("express", skus), rate_per_s=asked.rate_per_s)
            usage = meter.read()
        await shop.stop()
        after = await drain_and_audit(shop, drain_s=asked.drain_s, say=say)
    ratio = second.p99_ms / max(first.p99_ms, 0.001)
    return Result(
        scenario="flood",
        title=f"{asked.guessers} guess passwords beside {asked.rate_per_s:g} checkouts a second",
        at=at,
        took_s=round(time.monotonic() - began, 1),
        asked={
            "seconds": f"{asked.seconds:g}",
            "rate": f"{asked.rate_per_s:g}",
            "guessers": str(asked.guessers),
            "processes": str(asked.processes),
        },
        machine=machine,
        rows=[
            bare_row("alone", "express checkouts, alone", first, []),
            bare_row("flooded", "express checkouts, beside the guessers", second, []),
        ],
        facts=[
            (f"{first.p99_ms:,.1f} → {second.p99_ms:,.1f} ms", "p99 of checkouts"),
            *(
                (f"{count:,}", f"guesses answered with {status}")
                for status, count in sorted(statuses.items())
            ),
        ],
        verdicts=[judged("flood", ratio)],
        figures=[Figure("p99 flooded ÷ alone", ratio, "ratio", less_is_better=True)],
        usage=usage,
        problems=[*_missing("alone", first), *_missing("beside the guessers", second), *after.problems],
        notes=after.notes,
        audit=after.audit,
        tolerated=after.tolerated,
    )


def _missing(when: str, run: Run) -> list[str]:
    """Checkouts that were not placed: a refusal's latency is not a checkout's."""
    lost = run.refused + run.broken
    return [f"{lost:,} of {run.requests:,} checkouts {when} were not placed: {run.statuses}"] if lost else []


@contextlib.asynccontextmanager
async def _guessing(url: str, guessers: int) -> AsyncIterator[Counter[int]]:
    """Guessers at work; gives how often each status was answered."""
    statuses: Counter[int] = Counter()

    async def guess(client: aiohttp.ClientSession, number: int) -> None:
        tries = 0
        while True:
            body = {"email": f"{number}-{tries}@example.com", "password": "a wrong password"}
            async with client.post(f"{url}/v1/sessions", json=body) as answer:
                await answer.read()
            statuses[answer.status] += 1
            tries += 1
            if answer.status == 503:
                await asyncio.sleep(_PAUSE_S)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        tasks = [asyncio.create_task(guess(client, number)) for number in range(guessers)]
        try:
            yield statuses
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
