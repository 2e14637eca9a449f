"""`checkout bench …`: the command line of the benchmarks; those that attack the shop are in attacks.py."""

from pathlib import Path
from typing import Annotated

import typer

from bench import attacks  # noqa: F401 - its commands are added to the same application
from bench.load.drive import chosen
from bench.problem import BenchError
from bench.report.progress import Say
from bench.report.result import Result
from bench.running import (
    RESULTS,
    Connections,
    Json,
    Processes,
    Results,
    Seconds,
    ToolName,
    Wait,
    bench_app,
    run,
)
from bench.scenarios.ceiling import ROWS, Ceiling, run_ceiling
from bench.scenarios.crowd import Crowd
from bench.scenarios.drain import Drain, run_drain
from bench.scenarios.floor import run_floor
from bench.scenarios.growth import Growth, run_growth
from bench.scenarios.imports import Imports, run_imports
from bench.scenarios.latency import Latency, run_latency
from bench.scenarios.memory import MemoryAsked, run_memory
from bench.scenarios.sale import Sale, run_sale
from bench.scenarios.search import SearchAsked, run_search
from bench.scenarios.smoke import run_smoke
from bench.scenarios.soak import run_soak
from bench.scenarios.startup import Startup, run_startup
from bench.scenarios.steady import run_steady

__all__ = ["bench_app"]


@bench_app.command()
def smoke(
    users: Annotated[int, typer.Option(help="Shoppers at once.", min=1, max=20_000)] = 1_000,
    seconds: Annotated[float, typer.Option(help="How long they are judged, after the ramp.", min=1)] = 45.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which they arrive.", min=1)] = 15.0,
    url: Annotated[str, typer.Option(help="A shop that runs already; one of its own when not given.")] = "",
    processes: Processes = 2,
    results: Results = RESULTS,
    seed: Annotated[int, typer.Option(help="The same seed draws the same baskets.")] = 1,
    as_json: Json = False,
) -> None:
    """Does it work under people? A thousand shoppers for a minute: browse, fill carts, buy. [dim]1–2 min[/dim]

    With pauses, and baskets like real ones; judged by the service levels of bench/measure/slo.json. Give a shop at --url
    raised CHECKOUT_RATE_LIMITS (all shoppers come from one address), and audit it where it runs.
    """
    asked = Crowd("smoke", users, seconds, ramp, url, processes, seed=seed)
    run("smoke", lambda say: run_smoke(asked, say), results=results, as_json=as_json)


@bench_app.command()
def floor(
    connections: Connections = 256,
    seconds: Seconds = 5.0,
    tool: ToolName = "auto",
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How fast is aiohttp alone here? The bare server, POST and GET, one process and two. [dim]30 s[/dim]"""

    async def work(say: Say) -> Result:
        return await run_floor(chosen(tool, connections=connections, seconds=seconds), say)

    run("floor", work, results=results, as_json=as_json)


@bench_app.command()
def ceiling(
    processes: Processes = 2,
    connections: Connections = 256,
    seconds: Seconds = 8.0,
    only: Annotated[str, typer.Option(help=f"Rows, separated by commas: {', '.join(ROWS)}.")] = "",
    wait: Wait = 120.0,
    tool: ToolName = "auto",
    folder: Annotated[
        Path | None, typer.Option(help="Keep the shop of the run here; deleted when not given.")
    ] = None,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How many of each request a second, ÷ bare aiohttp in the same run? (V1, V2, V3, V5, V7) [dim]5 min + the backlog[/dim]

    `serve` alone, as on a node whose workers run elsewhere; the backlog is worked off afterwards, then audited. The
    bare server is measured in turn with each row, two seconds and two seconds; a ratio is the median of the windows.
    """

    async def work(say: Say) -> Result:
        rows = tuple(name.strip() for name in only.split(",") if name.strip())
        asked = Ceiling(chosen(tool, connections=connections, seconds=seconds), processes, wait, rows, folder)
        return await run_ceiling(asked, say)

    run("ceiling", work, results=results, as_json=as_json)


@bench_app.command()
def sale(
    users: Annotated[int, typer.Option(help="Buyers within the rush.", min=1, max=15_000)] = 10_000,
    units: Annotated[int, typer.Option(help="Units of the one SKU.", min=1)] = 100,
    stragglers: Annotated[int, typer.Option(help="Buyers that come after the rush.", min=0)] = 2_000,
    rush: Annotated[float, typer.Option(help="Seconds within which the buyers come.", min=0.1)] = 1.0,
    tail: Annotated[float, typer.Option(help="Seconds within which the stragglers come.", min=1)] = 10.0,
    processes: Processes = 2,
    seed: Annotated[int, typer.Option(help="The same seed lets them come at the same times.")] = 1,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """A drop: are exactly 100 sold to 10,000 who come within a second? [dim]1 min[/dim]

    Everything runs. Each buyer has a connection and a key of their own, has looked at the page before, and asks again with
    the same key when told to come back, as real ones do; until sold, sold out, or a minute has gone.
    """
    asked = Sale(users, units, stragglers, rush, tail, processes, seed)
    run("sale", lambda say: run_sale(asked, say), results=results, as_json=as_json)


@bench_app.command()
def latency(
    rate: Annotated[
        float,
        typer.Option(help="Checkouts a second; half of the peak, measured before, if not given.", min=0),
    ] = 0.0,
    seconds: Seconds = 30.0,
    connections: Connections = 256,
    processes: Processes = 2,
    wait: Wait = 120.0,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How long does one checkout take at half load? (V4) [dim]1 min + the backlog[/dim]

    Open loop: requests are due at a fixed rate, whether or not the shop has answered, and each is timed from when it was due
    (no coordinated omission). p50, p90, p99, p99.9 and the slowest.
    """
    asked = Latency(rate, seconds, connections, processes, wait)
    run("latency", lambda say: run_latency(asked, say), results=results, as_json=as_json)


@bench_app.command()
def steady(
    users: Annotated[int, typer.Option(help="Shoppers at once.", min=1, max=50_000)] = 5_000,
    seconds: Annotated[float, typer.Option(help="How long they are judged, after the ramp.", min=1)] = 120.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which they arrive.", min=1)] = 30.0,
    load_processes: Annotated[
        int, typer.Option("--load-processes", help="Locust's --processes; 0: one per 900 shoppers.", min=0)
    ] = 0,
    url: Annotated[str, typer.Option(help="A shop that runs already; one of its own when not given.")] = "",
    processes: Processes = 2,
    seed: Annotated[int, typer.Option(help="The same seed draws the same baskets.")] = 1,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Do 5,000 shoppers with think time see no error and no wait? (V9) [dim]3 min[/dim]

    Locust's users: four of ten look around, four fill a cart, two buy at once. Across hosts with Locust's own master and
    workers: see bench/README.md.
    """
    asked = Crowd("steady", users, seconds, ramp, url, processes, load_processes, seed)
    run("steady", lambda say: run_steady(asked, say), results=results, as_json=as_json)


@bench_app.command()
def soak(
    users: Annotated[int, typer.Option(help="Shoppers at once.", min=1, max=20_000)] = 300,
    minutes: Annotated[float, typer.Option(help="How long they are judged, after the ramp.", min=0.5)] = 30.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which they arrive.", min=1)] = 20.0,
    url: Annotated[str, typer.Option(help="A shop that runs already; one of its own when not given.")] = "",
    processes: Processes = 2,
    seed: Annotated[int, typer.Option(help="The same seed draws the same baskets.")] = 1,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Does memory or latency creep over half an hour? [dim]31 min[/dim]

    A modest crowd, everything running. Slopes of each process kind's memory and of p99, by a rule that spikes cannot move;
    the first fifth, in which caches fill, is left out.
    """
    asked = Crowd("soak", users, minutes * 60, ramp, url, processes, seed=seed)
    run("soak", lambda say: run_soak(asked, say), results=results, as_json=as_json)


@bench_app.command()
def drain(
    orders: Annotated[int, typer.Option(help="Orders placed while no worker runs.", min=10)] = 20_000,
    work_processes: Annotated[int, typer.Option(help="Worker processes.", min=1, max=8)] = 1,
    processes: Processes = 2,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How fast is a backlog captured, invoiced and booked? Orders per CPU second of work and relay (V8) [dim]5–15 min[/dim]

    The providers' stand-in is not counted; Postgres is shown beside. Metered from the first paid order on, so that the start
    of the workers is no part of it.
    """
    asked = Drain(orders, processes, work_processes)
    run("drain", lambda say: run_drain(asked, say), results=results, as_json=as_json)


@bench_app.command("import")
def imports(
    rows: Annotated[int, typer.Option(help="Rows of the file.", min=100)] = 100_000,
    processes: Processes = 2,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """A catalogue file comes in while shoppers read and buy: rows a second, and whether they notice [dim]2 min[/dim]"""
    asked = Imports(rows, processes=processes)
    run("import", lambda say: run_imports(asked, say), results=results, as_json=as_json)


@bench_app.command()
def growth(
    skus: Annotated[str, typer.Option(help="SKUs of the steps, ascending.")] = "1000,100000,1000000",
    orders: Annotated[str, typer.Option(help="Orders of the steps, ascending.")] = "0,1000000,10000000",
    seconds: Seconds = 8.0,
    connections: Connections = 256,
    processes: Processes = 2,
    wait: Wait = 120.0,
    tool: ToolName = "auto",
    folder: Annotated[
        Path | None, typer.Option(help="Keep the grown shop here; deleted when not given.")
    ] = None,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """Does a checkout cost more with 1 M SKUs and 10 M orders in the shop? (V6) [dim]40 min, 25 GB; less with less[/dim]

    Rows are loaded with COPY; first the SKUs grow, then the orders. Each step measures bare, express, bare. SKUs are drawn
    by the popularity of real baskets.
    """

    async def work(say: Say) -> Result:
        asked = Growth(
            chosen(tool, connections=connections, seconds=seconds),
            _counts(skus),
            _counts(orders),
            processes,
            wait,
            folder,
        )
        return await run_growth(asked, say)

    run("growth", work, results=results, as_json=as_json)


def _counts(text: str) -> tuple[int, ...]:
    """Numbers separated by commas. Raises: BenchError."""
    try:
        return tuple(int(part.replace("_", "")) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise BenchError(f"{text}: give numbers separated by commas") from error


@bench_app.command()
def startup(
    runs: Annotated[int, typer.Option(help="First starts, and as many second ones.", min=1)] = 3,
    cold: Annotated[
        bool,
        typer.Option("--cold", help="Also install a copy of the project from nothing; needs the network."),
    ] = False,
    processes: Processes = 2,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How long from `checkout up` to the first order? (V11) [dim]1 min; with --cold some more[/dim]

    With an empty data folder, then again with it; the shop is asked fifty times a second. The median counts.
    """
    asked = Startup(runs, processes, cold)
    run("startup", lambda say: run_startup(asked, say), results=results, as_json=as_json)


@bench_app.command()
def search(
    products: Annotated[int, typer.Option(help="Products to search in.", min=1_000)] = 100_000,
    questions: Annotated[int, typer.Option(help="Questions of each kind.", min=10)] = 200,
    seed: Annotated[int, typer.Option(help="The same seed makes the same products and questions.")] = 1,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How long does a question to 100,000 products take that nobody asked before? [dim]5 min[/dim]

    Rare, common and misspelt words, filters, orders, later pages and suggestions: one at a time, each another one to the
    caches, timed by the client. p99 of each kind against 20 ms.
    """
    asked = SearchAsked(products, questions, seed)
    run("search", lambda say: run_search(asked, say), results=results, as_json=as_json)


@bench_app.command()
def memory(
    skus: Annotated[int, typer.Option(help="SKUs that are read into the caches.", min=100)] = 100_000,
    idle: Annotated[int, typer.Option(help="Idle connections.", min=1)] = 10_000,
    results: Results = RESULTS,
    as_json: Json = False,
) -> None:
    """How much memory does a serve process take with 100k SKUs cached, and 10,000 idle connections? (V10) [dim]3 min[/dim]

    Resident memory of one process: each page and price is read once, then the connections are opened and left alone.
    """
    asked = MemoryAsked(skus, idle)
    run("memory", lambda say: run_memory(asked, say), results=results, as_json=as_json)
