"""A result on a terminal: rows, processes, verdicts, what has changed, the audit, and why it does or does not count."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.measure.processes import OTHERS, Usage
from bench.report.history import Comparison
from bench.report.result import Result, Row
from bench.report.result import Table as PlainTable
from checkout.audit.command import as_table, verdict

console = Console(width=None if Console().is_terminal else 150)
_SHORT = {"postgres": "PG", "generator": "load"}
_ROLES = ("bare", "serve", "work", "relay", "postgres", "gate", "sandbox", "generator")


def print_result(result: Result, comparison: Comparison | None) -> None:
    """Everything, in the order in which people ask for it."""
    console.print(f"[bold]{escape(result.title)}[/bold]   [dim]{_where(result)}[/dim]", highlight=False)
    if result.rows:
        console.print(_rows(result.rows))
    for table in result.tables:
        console.print(_plain(table))
    if result.facts:
        console.print(
            "   ".join(f"[bold]{escape(v)}[/bold] {escape(k)}" for v, k in result.facts), highlight=False
        )
    if result.usage:
        console.print(f"[dim]{usage_text(result.usage)}[/dim]", highlight=False)
    _print_verdicts(result)
    _print_changes(comparison)
    _print_audit(result)
    for note in result.notes:
        console.print(f"note: {note}", style="yellow", markup=False, highlight=False)
    for problem in result.problems:
        console.print(f"✗ {problem}", style="red", markup=False, highlight=False)
    style, sentence = {
        0: ("bold green", "Good: the figures count, every target was met."),
        1: ("bold yellow", "The figures count; a target was missed."),
        3: ("bold red", "The figures do not count: something failed, or an invariant is broken."),
    }[result.exit_code]
    console.print(sentence, style=style)


def usage_text(usage: Sequence[Usage]) -> str:
    """CPU and memory by role in a few words."""
    cores = "  ".join(f"{u.role} {u.cores:.2f}" for u in usage if u.cores >= 0.01)
    memory = "  ".join(
        f"{u.role} {u.memory_mib:.0f}" for u in usage if u.role != OTHERS and u.memory_mib >= 1
    )
    return f"cores used: {cores}\nprivate memory, MiB: {memory}"


def _where(result: Result) -> str:
    machine = result.machine
    asked = " ".join(f"{name}={value}" for name, value in result.asked.items())
    return f"{asked} · {machine.cores} cores, load {machine.load_before:g} before · {machine.commit or 'unversioned'}"


def _rows(rows: Sequence[Row]) -> Table:
    """The rows; columns that nothing fills are left out."""
    roles = [role for role in _ROLES if any(role in row.cpu_us for row in rows)]
    timed = any(row.max_ms for row in rows)
    ratios, sheds = any(row.ratio is not None for row in rows), any(row.shed for row in rows)
    spread = any(row.between for row in rows)
    table = Table(title_justify="left")
    table.add_column("What", min_width=40)
    heads = ["per s", *(["÷ bare"] if ratios else []), *(["windows"] if spread else [])]
    heads += [
        *(["p50 ms", "p99 ms", "p99.9"] if timed else []),
        *(["shed"] if sheds else []),
        "failed",
        *(f"{_SHORT.get(role, role)} µs" for role in roles),
    ]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for row in rows:
        cells = [row.what, f"{row.per_s:,.0f}" if row.per_s >= 100 else f"{row.per_s:,.1f}"]
        if ratios:
            cells.append(f"{row.ratio:.3f}" if row.ratio is not None else "")
            if spread:
                cells.append(f"{row.between[0]:.2f}–{row.between[1]:.2f}" if row.between else "")
        if timed:
            cells += [_ms(row.p50_ms), _ms(row.p99_ms), _ms(row.p999_ms)]
        if sheds:
            cells.append(f"{row.shed:,}" if row.shed else "")
        cells.append(f"[red]{row.failed:,}[/red]" if row.failed else "0")
        cells += [f"{row.cpu_us[role]:.0f}" if role in row.cpu_us else "" for role in roles]
        table.add_row(*cells, style="bold" if row.strong else "dim" if row.name.startswith("bare") else None)
    return table


def _ms(value: float) -> str:
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def _plain(plain: PlainTable) -> Table:
    table = Table(title=plain.title, title_justify="left")
    for number, head in enumerate(plain.heads):
        table.add_column(head, justify="right" if number else "left")
    for cells in plain.rows:
        table.add_row(*(escape(cell) for cell in cells))
    return table


def _print_verdicts(result: Result) -> None:
    if not result.verdicts:
        return
    table = Table(box=None, show_header=False, padding=(0, 1))
    for judged in result.verdicts:
        style = "green" if judged.ok else "red"
        table.add_row(
            f"[{style}]{'✓' if judged.ok else '✗'}[/]",
            judged.name,
            escape(judged.what),
            f"[{style}]{judged.value:g}{' ' + judged.unit if judged.unit else ''}[/]",
            judged.bound,
            f"[{style}]{'met' if judged.ok else 'missed'}[/]",
        )
    console.print(table, highlight=False)


def _print_changes(comparison: Comparison | None) -> None:
    if comparison is None or not comparison.changes:
        return
    said = []
    for one in comparison.changes:
        style = "default" if one.better is None else "green" if one.better else "red"
        said.append(f"{escape(one.what)} [{style}]× {one.factor:.2f}[/]{'' if one.corrected else '?'}")
    machine = f" (machine × {comparison.machine:.2f}, taken out)" if comparison.machine else ""
    console.print(f"[dim]since {comparison.before}{machine}:[/dim] {'  '.join(said)}", highlight=False)


def _print_audit(result: Result) -> None:
    if result.audit is None:
        console.print("not audited: run `checkout audit` where the shop runs", style="dim")
        return
    if result.broken:
        console.print(as_table(result.audit))
    sentence = verdict(result.audit)
    if not result.broken and not result.audit.ok:
        sentence = (
            f"All invariants hold but {', '.join(result.audit.failed)}: not all owed work was waited for."
        )
    console.print(
        f"audit of {result.audit.scale.orders:,} orders: {sentence}",
        style="red" if result.broken else "green",
        highlight=False,
    )
