"""When a shop that answers is also whole, and when it is warm."""

import asyncio
import re
import time

import aiohttp

from bench.problem import BenchError

_OPEN_S = 120.0
_LOOK_S = 0.2
_LEARNED_S = 400.0
_STILL_S = 4.0
_KNOWN = re.compile(r"^checkout_offers_known ([0-9.e+]+)$", re.MULTILINE)


async def gate_open(url: str, *, wait_s: float = _OPEN_S) -> None:
    """Waits until the gate has been rebuilt from Postgres. Raises: BenchError."""
    deadline = time.monotonic() + wait_s
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as client:
        while True:
            async with client.get(f"{url}/readyz") as response:
                parts = (await response.json(content_type=None)).get("parts", {})
            if parts.get("gate") == "up":
                return
            if time.monotonic() > deadline:
                raise BenchError(f"the gate was not rebuilt within {wait_s:.0f} s")
            await asyncio.sleep(_LOOK_S)


async def prices_learned(url: str, *, wait_s: float = _LEARNED_S) -> int:
    """Waits until the processes, once asked for a price, learn no more; how many they know in all. Raises: BenchError."""
    deadline, known = time.monotonic() + wait_s, -1
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        while True:
            async with client.get(f"{url}/metrics") as response:
                found = _KNOWN.search(await response.text())
            last, known = known, int(float(found[1])) if found else 0
            if known == last > 0:
                return known
            if time.monotonic() > deadline:
                raise BenchError(f"the prices were not learned within {wait_s:.0f} s: {known:,} are known")
            await asyncio.sleep(_STILL_S)
