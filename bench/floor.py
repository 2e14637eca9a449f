"""`bench floor`: what aiohttp alone does on this machine, under the same load tool."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

from msgspec import Struct

from bench.drive import Tool, bare
from bench.processes import Meter, Usage
from bench.run import Run
from bench.shop import answers, free_port


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
        sys.executable, "-m", "bench.bare", str(port), str(processes), stdin=asyncio.subprocess.DEVNULL
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
        meter = Meter({server.pid: "bare", os.getpid(): "load"})
        run = await bare(tool, server.url, method=method)
        return Floor(method, processes, run, meter.read())


async def measure_floors(tool: Tool) -> list[Floor]:
    """POST and GET, with one process and with two."""
    return [
        await measure_bare(tool, method=method, processes=processes)
        for processes in (1, 2)
        for method in ("POST", "GET")
    ]
