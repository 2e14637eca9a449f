"""What the benchmarks say on a terminal: tables of runs, of processes, of verdicts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.ceiling import Ceiling, Say
from bench.floor import Floor
from bench.processes import Usage
from checkout.audit.command import as_table, verdict

console = Console()
messages = Console(stderr=True)


@contextmanager
def steps(title: str, total: int | None = None) -> Iterator[Say]:
    """A line that names the step under way; each call is one step further."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=messages, transient=True) as bar:
        task = bar.add_task(title, total=total)

        def say(step: str) -> None:
            bar.update(task, description=f"{title}: {step}", advance=1)

        yield say


def usage_text(usage: Sequence[Usage]) -> str:
    """CPU by role in a few words: cores used, and memory of the largest."""
    return "  ".join(f"{u.role} {u.cores:.2f}" for u in usage if u.cores >= 0.01)


def print_floors(floors: Sequence[Floor]) -> None:
    """The floors as a table."""
    table = Table("Bare aiohttp", "requests/s", "p50 ms", "p99 ms", "errors", "cores by process")
    for floor in floors:
        run = floor.run
        table.add_row(
            f"{floor.method}, {floor.processes} process{'es' if floor.processes > 1 else ''}",
            f"{run.requests_per_s:,.0f}",
            f"{run.p50_ms:.1f}",
            f"{run.p99_ms:.1f}",
            str(run.broken + run.refused),
            usage_text(floor.usage),
        )
    console.print(table)


def print_ceiling(ceiling: Ceiling) -> None:
    """Ceilings as a table, with the bare server's figures and the audit."""
    tool = ceiling.tool
    table = Table(
        title=f"{ceiling.processes} x serve, {tool.connections} connections of {tool.name}, {tool.seconds:.0f} s a row",
        title_justify="left",
    )
    for name in ("What", "per s", "÷ bare", "p50 ms", "p99 ms", "cores by process"):
        table.add_column(name, justify="left" if name in ("What", "cores by process") else "right")
    for label, rate in (
        ("bare POST, first", ceiling.bare_post_first),
        ("bare POST, last", ceiling.bare_post_last),
        ("bare GET", ceiling.bare_get),
    ):
        table.add_row(label, f"{rate:,.0f}", "1", "", "", "", style="dim")
    for row in ceiling.measures:
        short = row.target and row.ratio < row.target
        table.add_row(
            row.what + "".join(f"\n[red]{problem}[/red]" for problem in row.problems),
            f"{row.per_s:,.0f}",
            f"[{'yellow' if short else 'green' if row.target else 'default'}]{row.ratio:.3f}[/]"
            + (f"\n(target {row.target:.2f})" if row.target else ""),
            f"{row.run.p50_ms:.1f}",
            f"{row.run.p99_ms:.1f}",
            usage_text(row.usage),
        )
    console.print(table)
    if ceiling.audit is not None:
        if not ceiling.audit.ok:
            console.print(as_table(ceiling.audit))
        console.print(
            f"Audit of {ceiling.audit.scale.orders:,} orders: {verdict(ceiling.audit)}",
            style="green" if ceiling.audit.ok else "red",
        )
