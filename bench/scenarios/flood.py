"""`bench flood`: somebody guesses passwords as fast as they are refused: do checkouts become slow? (T24)"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
from msgspec import Struct, field

from bench.measure.targets import judged
from bench.report.progress import Say
from bench.report.result import Figure, Result, this_machine
from bench.scenarios.beside import measure_beside
from bench.shop.cores import Cores, shared

_WARM_S = 3.0
_PAUSE_S = 0.05


class Flood(Struct, frozen=True):
    """What is asked for. Units: seconds of each part; checkouts a second. Shape: `guessers` try without a pause."""

    seconds: float = 20.0
    rate_per_s: float = 50.0
    guessers: int = 40
    processes: int = 2
    cores: Cores = field(default_factory=shared)
    drain_s: float = 30.0


async def run_flood(asked: Flood, say: Say) -> Result:
    """The whole run, on a shop of its own whose limits protect nobody. Raises: BenchError."""
    at, began, machine = datetime.now(UTC), time.monotonic(), this_machine()
    measured, statuses = await measure_beside(
        asked, lambda url: _guessing(url, asked.guessers), f"{asked.guessers} guessers", say
    )
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
            "cores": asked.cores.in_words,
        },
        machine=machine,
        rows=measured.rows,
        facts=[
            measured.fact,
            *(
                (f"{count:,}", f"guesses answered with {status}")
                for status, count in sorted(statuses.items())
            ),
        ],
        verdicts=[judged("flood", measured.ratio)],
        figures=[Figure("p99 flooded ÷ alone", measured.ratio, "ratio", less_is_better=True)],
        usage=measured.usage,
        problems=measured.problems,
        notes=measured.after.notes,
        audit=measured.after.audit,
        tolerated=measured.after.tolerated,
    )


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
            await asyncio.sleep(_WARM_S)
            yield statuses
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
