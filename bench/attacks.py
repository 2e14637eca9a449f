"""The commands of `checkout bench` that attack the shop: guessers, an overload, dribblers, a crowd of connections."""

from typing import Annotated

import typer

from bench.load.drive import chosen
from bench.report.progress import Say
from bench.report.result import Result
from bench.running import RESULTS, Apart, Json, Processes, Results, Seconds, ToolName, Wait, bench_app, run
from bench.scenarios.connections import Connections, run_connections
from bench.scenarios.flood import Flood, run_flood
from bench.scenarios.overload import Overload, run_overload
from bench.scenarios.slow import Slow, run_slow
from bench.shop.cores import divided, shared


@bench_app.command()
def flood(
    guessers: Annotated[int, typer.Option(help="Who guess passwords without a pause.", min=1)] = 40,
    rate: Annotated[float, typer.Option(help="Checkouts a second.", min=1)] = 50.0,
    seconds: Seconds = 20.0,
    processes: Processes = 2,
    apart: Apart = False,
    wait: Wait = 30.0,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Passwords are guessed as fast as they are refused: do checkouts become slow? (T24) [dim]1 min[/dim]"""
    asked = Flood(seconds, rate, guessers, processes, divided() if apart else shared(), wait)
    run("flood", lambda say: run_flood(asked, say), results=results, as_json=as_json)


@bench_app.command()
def overload(
    seconds: Annotated[float, typer.Option(help="How long the overload lasts.", min=5)] = 300.0,
    times: Annotated[float, typer.Option(help="How many times the peak is offered.", min=1)] = 3.0,
    connections: Annotated[int, typer.Option(help="Clients that offer it.", min=1, max=15_000)] = 2_500,
    peak_seconds: Annotated[float, typer.Option(help="How long the peak is measured.", min=1)] = 8.0,
    processes: Processes = 2,
    apart: Apart = True,
    wait: Wait = 30.0,
    tool: ToolName = "auto",
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Three times what the shop can do, for five minutes: do orders go on, are refusals fast? (T12) [dim]7 min[/dim]

    The peak first (closed loop, 256 connections), then requests that are due at that rate, answered or not. Probes beside
    time their own refusals, and tell when all is as before; then the peak once more. Who offers has half of the cores.
    """

    async def work(say: Say) -> Result:
        peak = chosen(tool, connections=256, seconds=peak_seconds)
        return await run_overload(
            Overload(peak, seconds, times, connections, processes, divided() if apart else shared(), wait),
            say,
        )

    run("overload", work, results=results, as_json=as_json)


@bench_app.command()
def slow(
    dribblers: Annotated[int, typer.Option(help="Connections that dribble, at any time.", min=1)] = 5_000,
    rate: Annotated[float, typer.Option(help="Checkouts a second.", min=1)] = 50.0,
    seconds: Seconds = 30.0,
    processes: Processes = 2,
    apart: Apart = False,
    wait: Wait = 30.0,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """5,000 connections dribble heads and bodies: closed within 10 s, and do checkouts become slow? (T13) [dim]2 min[/dim]

    Eight ways, a byte a second; whoever is closed comes back. Each is timed by itself until it is closed.
    """
    asked = Slow(seconds, rate, dribblers, processes, divided() if apart else shared(), wait)
    run("slow", lambda say: run_slow(asked, say), results=results, as_json=as_json)


@bench_app.command()
def connections(
    idle: Annotated[int, typer.Option(help="Connections that asked once and wait.", min=1)] = 10_000,
    active: Annotated[
        int, typer.Option(help="Connections that read, and three of ten that buy.", min=2)
    ] = 1_000,
    think: Annotated[float, typer.Option(help="Seconds in which each asks once.", min=0.1)] = 4.0,
    seconds: Seconds = 60.0,
    processes: Processes = 2,
    wait: Wait = 60.0,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """10,000 idle connections and 1,000 that read and buy: is anybody refused? (T14) [dim]3 min[/dim]"""
    asked = Connections(seconds, idle, active, think, processes, wait)
    run("connections", lambda say: run_connections(asked, say), results=results, as_json=as_json)
