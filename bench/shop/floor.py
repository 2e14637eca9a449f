"""The bare server of the same run: what every ratio is divided by."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator

from msgspec import Struct

from bench.load.drive import Tool, chosen, drive
from bench.load.run import Run, merged
from bench.load.shapes import Shape
from bench.measure.noise import moved
from bench.measure.processes import Meter, Usage, over
from bench.measure.row import bare_row, window_of
from bench.problem import BenchError
from bench.report.result import Row
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
        return await _measure(server, tool, method, processes)


async def _measure(server: BareServer, tool: Tool, method: str, processes: int) -> Floor:
    meter = Meter({server.pid: "bare", os.getpid(): "generator"})
    run = await drive(tool, server.url, Shape("bare_get" if method == "GET" else "bare_post"))
    return Floor(method, processes, run, meter.read())


class Floors:
    """The bare server, which stays up beside a shop and is measured between the windows of each row.

    A machine that others use too drifts by more in a minute than most targets are missed by; by little in four seconds.
    """

    def __init__(self, server: BareServer, tool: Tool, processes: int) -> None:
        self._server, self._tool, self._processes = server, window_of(tool)[0], processes
        self._found: dict[str, list[Floor]] = {}

    async def measure(self, method: str) -> float:
        """One window. Units: requests a second. Raises: BenchError."""
        found = await _measure(self._server, self._tool, method, self._processes)
        if not found.run.ok:
            raise BenchError("the bare server answered nothing")
        self._found.setdefault(method, []).append(found)
        return found.run.requests_per_s

    def rate(self, method: str) -> float:
        """Of all windows of a method; 0 when no row asked for it."""
        found = self._found.get(method)
        return merged([floor.run for floor in found]).requests_per_s if found else 0.0

    def rows(self) -> list[Row]:
        """Each method as a row."""
        return [
            bare_row(
                f"bare {method}",
                f"bare {method}, {len(found)} windows",
                merged([floor.run for floor in found]),
                over([floor.usage for floor in found]),
            )
            for method, found in self._found.items()
        ]

    def notes(self) -> list[str]:
        """How steady the machine was."""
        return [
            note
            for method, found in self._found.items()
            for note in moved(method, [floor.run.requests_per_s for floor in found])
        ]


@contextlib.asynccontextmanager
async def floors_beside(tool: Tool, processes: int) -> AsyncIterator[Floors]:
    """Floors for as long as a shop is measured."""
    async with bare_server(processes) as server:
        yield Floors(server, tool, processes)


async def bare_per_s(processes: int, *, seconds: float = 2.0, connections: int = 64) -> float:
    """How many bare POSTs a second this machine does now: what times and rates of other runs are compared by."""
    floor = await measure_bare(
        chosen("auto", connections=connections, seconds=seconds), method="POST", processes=processes
    )
    return floor.run.requests_per_s
