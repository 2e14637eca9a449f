"""When a shop that answers is also whole."""

import asyncio
import time

import aiohttp

from bench.problem import BenchError

_OPEN_S = 120.0
_LOOK_S = 0.2


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
