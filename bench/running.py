"""What every command of `checkout bench` shares: the application, options that several have, and how a run is shown."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bench.measure.noise import others
from bench.problem import BenchError
from bench.report.history import compare, keep, previous
from bench.report.page import page
from bench.report.progress import Say, messages, steps
from bench.report.result import Result
from bench.report.terminal import console, print_result

HELP = """Measure the shop, and audit it after every run: a figure without a clean audit does not count.

Each scenario starts a shop of its own, on free ports, in a folder that it deletes afterwards; prints its figures and
verdicts; and leaves a page with plots and the figures as JSON in bench/results, compared with the run before by ratio.

Exit code: 0 good; 1 a target was missed; 2 it could not run; 3 the figures do not count (a request failed, or an
invariant is broken)."""

bench_app = typer.Typer(help=HELP, no_args_is_help=True, rich_markup_mode="rich")
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
ToolName = Annotated[
    str, typer.Option("--tool", help="wrk, generator (our own), or auto: wrk where installed.")
]
Connections = Annotated[int, typer.Option(help="Connections of the closed loop.", min=1, max=5000)]
Seconds = Annotated[float, typer.Option(help="How long each row is measured.", min=1)]
Processes = Annotated[int, typer.Option(help="serve processes.", min=1, max=24)]
Results = Annotated[Path, typer.Option(help="Where results are kept and compared.")]
Wait = Annotated[
    float,
    typer.Option(
        help="Seconds to work off the backlog before the audit; what is left is audited as owed.", min=0
    ),
]
Apart = Annotated[
    bool,
    typer.Option(
        "--apart/--together",
        help="Clients on half of the cores, the shop on the others; or both on all, where clients take from the shop.",
    ),
]
RESULTS = Path("bench/results")


def run(scenario: str, work: Callable[[Say], Awaitable[Result]], *, results: Path, as_json: bool) -> None:
    """Runs a scenario, shows, keeps and compares its result. Raises: typer.Exit with its exit code."""

    async def whole(say: Say) -> Result:
        return await work(say)

    try:
        with steps(scenario) as say:
            result = asyncio.run(whole(say))
    except BenchError as error:
        messages.print(str(error), style="red", markup=False, highlight=False)
        raise typer.Exit(2) from error
    result = msgspec.structs.replace(
        result, notes=[*others(result.usage, result.machine.cores), *result.notes]
    )
    comparison = compare(result, previous(results, result))
    kept, as_page = keep(result, page(result, comparison), results)
    if as_json:
        document: dict[str, Any] = {"ok": result.ok, "exit_code": result.exit_code}
        document |= {**msgspec.to_builtins(result), "comparison": msgspec.to_builtins(comparison)}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    else:
        print_result(result, comparison)
        console.print(f"page: {as_page}   figures: {kept}", style="dim", highlight=False)
    raise typer.Exit(result.exit_code)
