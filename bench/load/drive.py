"""One shape of request, sent by wrk where it is installed, else by the project's own generator."""

import asyncio

from msgspec import Struct

from bench.load import generator, wrk_tool
from bench.load.process import Asked
from bench.load.run import Run
from bench.load.run_process import run_process
from bench.load.shapes import Shape, builder
from bench.problem import BenchError


class Tool(Struct, frozen=True):
    """How hard to drive. `name`: wrk or generator."""

    name: str
    connections: int
    seconds: float

    def lasting(self, seconds: float) -> "Tool":
        """The same, for another while."""
        return Tool(self.name, self.connections, seconds)


def chosen(name: str, *, connections: int, seconds: float) -> Tool:
    """The tool asked for; `auto` is wrk where it is installed. Raises: BenchError when it is not there."""
    if name == "auto":
        name = "wrk" if wrk_tool.available() else "generator"
    if name not in ("wrk", "generator"):
        raise BenchError(f"{name} is no load tool; choose auto, wrk or generator")
    if name == "wrk" and not wrk_tool.available():
        raise BenchError("wrk is not installed; `--tool generator` uses the project's own")
    return Tool(name, connections, seconds)


async def drive(tool: Tool, url: str, shape: Shape, *, rate_per_s: float = 0.0) -> Run:
    """One run in a process of its own. Raises: BenchError.

    At an arrival rate the own generator times requests from when they were due; wrk, far cheaper, from when they left.
    """
    if tool.name == "wrk":
        return await wrk_tool.run_wrk(
            url, shape, connections=tool.connections, seconds=tool.seconds, rate_per_s=rate_per_s
        )
    asked = Asked(url, shape, tool.connections, tool.seconds, rate_per_s)
    return await run_process("bench.load.process", asked, Run)


async def send(
    url: str, shape: Shape, count: int, *, connections: int = 64, seen: generator.Seen | None = None
) -> Run:
    """So many requests as fast as they are answered, from a thread: what is prepared before a measurement."""
    return await asyncio.to_thread(
        generator.run_generator,
        url,
        builder(shape),
        connections=connections,
        seconds=3600.0,
        most=count,
        seen=seen,
    )
