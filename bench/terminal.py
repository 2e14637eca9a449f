"""What the benchmarks say on a terminal: tables of runs, of processes, of verdicts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.ceiling import Ceiling, Say
from bench.floor import Floor
from bench.judge import Row
from bench.processes import Usage
from bench.report import Change, Report
from checkout.audit.command import as_table, verdict

console = Console(width=None if Console().is_terminal else 120)
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


def print_report(report: Report, changes: Sequence[Change]) -> None:
    """A run's figures, its service levels, what changed since the last run, and the audit."""
    table = Table(
        title=f"{report.users:,} shoppers, {report.steady_s:.0f} s after a ramp: {report.orders:,} orders",
        title_justify="left",
    )
    table.add_column("Request")
    for name in ("requests", "errors", "per s", "p50 ms", "p95 ms", "p99 ms", "honest p99", "max ms"):
        table.add_column(name, justify="right")
    for row in report.rows:
        _add(table, row)
    table.add_section()
    for row in (*report.groups, report.total):
        _add(table, row, style="bold")
    console.print(table)
    for name, texts in report.errors.items():
        for text, count in sorted(texts.items(), key=lambda item: -item[1])[:3]:
            console.print(f"{count} × {name}: {text}", style="red", markup=False, highlight=False)
    console.print(f"cores used: {usage_text(report.usage)}", style="dim")
    console.print(
        "private memory, MiB: " + "  ".join(f"{one.role} {one.memory_mib:.0f}" for one in report.usage),
        style="dim",
    )
    if changes:
        console.print(
            "since the last run: "
            + "  ".join(f"{c.what} {c.before:g} → {c.now:g} ({c.percent:+.0f} %)" for c in changes),
            style="dim",
        )
    for judged in report.verdicts:
        console.print(
            f"{'✓' if judged.ok else '✗'} {judged.what}: {judged.value:g} ({judged.bound})",
            style="green" if judged.ok else "red",
            highlight=False,
        )
    if report.audit is not None:
        if not report.audit.ok:
            console.print(as_table(report.audit))
        console.print(verdict(report.audit), style="green" if report.audit.ok else "red")


def _add(table: Table, row: Row, style: str | None = None) -> None:
    table.add_row(
        row.name,
        f"{row.requests:,}",
        f"{row.errors:,}" if row.errors else "0",
        f"{row.per_s:,.1f}",
        f"{row.p50_ms:,.1f}",
        f"{row.p95_ms:,.1f}",
        f"{row.p99_ms:,.1f}",
        f"{row.honest_p99_ms:,.1f}",
        f"{row.max_ms:,.1f}",
        style=style,
    )
