"""The bare server of the same run: what every ratio is divided by."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

from msgspec import Struct

from bench.load.drive import Tool, chosen, drive
from bench.load.run import Run
from bench.load.shapes import Shape
from bench.measure.processes import Meter, Usage
from bench.shop.own import answers, free_port


class BareServer(Struct, frozen=True):
    """The bare application, running."""

    url: str
    pid: int


class Floor(Struct, frozen=True):
    """One method at one number of processes."""

    method: str
    processes: int
    run: Run
    usage: list[Usage]


@contextlib.asynccontextmanager
async def bare_server(processes: int) -> AsyncIterator[BareServer]:
    """The bare application for a while."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.shop.bare", str(port), str(processes), stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await answers(f"http://127.0.0.1:{port}/bare", wait_s=10)
        yield BareServer(f"http://127.0.0.1:{port}", process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def measure_bare(tool: Tool, *, method: str, processes: int) -> Floor:
    """One floor."""
    async with bare_server(processes) as server:
        meter = Meter({server.pid: "bare", os.getpid(): "generator"})
        run = await drive(tool, server.url, Shape("bare_get" if method == "GET" else "bare_post"))
        return Floor(method, processes, run, meter.read())


async def bare_per_s(processes: int, *, seconds: float = 2.0, connections: int = 64) -> float:
    """How many bare POSTs a second this machine does now: what times and rates of other runs are compared by."""
    floor = await measure_bare(
        chosen("auto", connections=connections, seconds=seconds), method="POST", processes=processes
    )
    return floor.run.requests_per_s
