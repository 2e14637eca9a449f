"""`checkout bench …`: the command line of the benchmarks."""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from bench.ceiling import measure_ceiling
from bench.drive import chosen
from bench.floor import measure_floors
from bench.page import page
from bench.report import compare, keep, previous
from bench.shop import BenchError
from bench.smoke import Smoke, run_smoke
from bench.terminal import console, messages, print_ceiling, print_floors, print_report, steps

bench_app = typer.Typer(
    help="Measure the shop, and audit it after every run: a figure without a clean audit does not count.\n\n"
    "smoke: a thousand shoppers for a minute, judged by service levels, with a report to look at. "
    "floor: what aiohttp alone does here. ceiling: how many durable checkouts a second, against that floor.",
    no_args_is_help=True,
)
T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
ToolName = Annotated[
    str, typer.Option("--tool", help="wrk, generator (our own), or auto: wrk where installed.")
]
Connections = Annotated[int, typer.Option(help="Connections of the closed loop.", min=1, max=5000)]
Seconds = Annotated[float, typer.Option(help="How long each row is measured.", min=1)]


def _run(work: Coroutine[Any, Any, T]) -> T:

    try:
        return asyncio.run(work)
    except BenchError as error:
        messages.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error


def _write(document: Any) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


@bench_app.command()
def smoke(
    users: Annotated[int, typer.Option(help="Shoppers at once.", min=1, max=20_000)] = 1_000,
    seconds: Annotated[float, typer.Option(help="How long they are judged, after the ramp.", min=1)] = 45.0,
    ramp: Annotated[float, typer.Option(help="Seconds over which they arrive.", min=1)] = 15.0,
    url: Annotated[str, typer.Option(help="A shop that runs already; one of its own when not given.")] = "",
    processes: Annotated[int, typer.Option(help="serve processes of the own shop.", min=1, max=24)] = 2,
    results: Annotated[Path, typer.Option(help="Where reports are kept and compared.")] = Path(
        "bench/results"
    ),
    seed: Annotated[int, typer.Option(help="The same seed draws the same baskets.")] = 1,
    as_json: Json = False,
) -> None:
    """A thousand shoppers for a minute: browse, fill carts, buy; with pauses, and baskets like real ones.

    Judged by the service levels of bench/slo.json; audited afterwards (a shop of its own only: another is audited where it
    runs, with `checkout audit`). Leaves a page with plots and its figures as JSON, compared with the run before.
    Exit 0 when every level holds and the audit is clean. Give a shop at --url raised CHECKOUT_RATE_LIMITS: all shoppers
    come from one address.
    """
    asked = Smoke(users, seconds, ramp, url, processes, seed=seed)
    with steps("smoke") as say:
        report = _run(run_smoke(asked, say))
    changes = compare(report, previous(results, report))
    kept, as_page = keep(report, page(report, changes), results)
    if as_json:
        _write({"ok": report.ok, **msgspec.to_builtins(report)})
    else:
        print_report(report, changes)
        console.print(f"report: {as_page}   figures: {kept}", style="dim", highlight=False)
    raise typer.Exit(0 if report.ok else 1)


@bench_app.command()
def floor(
    connections: Connections = 256, seconds: Seconds = 5.0, tool: ToolName = "auto", as_json: Json = False
) -> None:
    """The bare aiohttp application with one process and with two: POST and GET."""

    with steps("floor"):
        floors = _run(measure_floors(chosen(tool, connections=connections, seconds=seconds)))
    if as_json:
        _write(floors)
    else:
        print_floors(floors)


@bench_app.command()
def ceiling(
    processes: Annotated[int, typer.Option(help="serve processes.", min=1, max=24)] = 2,
    connections: Connections = 256,
    seconds: Seconds = 8.0,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for the backlog to be worked off before the audit.")
    ] = 900.0,
    tool: ToolName = "auto",
    folder: Annotated[
        Path | None,
        typer.Option(help="Where the shop of the run is kept; a deleted one elsewhere when not given."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Durable express checkouts a second ÷ bare POSTs a second, same run; hot SKU, sold out, reads; then drain and audit.

    Starts a shop of its own with `serve` alone, as on a node whose workers run elsewhere.
    Exit 0 when nothing failed and the audit is clean; a ratio below its target is shown, and does not change the exit code.
    """

    with steps("ceiling") as say:
        result = _run(
            measure_ceiling(
                chosen(tool, connections=connections, seconds=seconds),
                processes=processes,
                drain_s=wait,
                say=say,
                folder=folder,
            )
        )
    if as_json:
        _write({"ok": result.ok, **msgspec.to_builtins(result)})
    else:
        print_ceiling(result)
    raise typer.Exit(0 if result.ok else 1)
