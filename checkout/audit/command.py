"""`checkout audit`: the report as a table for people, as JSON for machines, and as an exit code for both."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from checkout.audit.model import Report
from checkout.audit.prove import audit
from config.settings import Settings


async def run_audit(
    settings: Settings, *, as_json: bool, wait_s: float, acknowledged: Path | None, console: Console
) -> int:
    """Runs one audit and prints it. Shape: 0 when every invariant holds, else 1."""
    if as_json:
        report = await audit(settings, acknowledged=acknowledged, wait_s=wait_s)
        console.file.write(as_document(report).decode() + "\n")
    else:
        with console.status("auditing") as status:
            report = await audit(settings, acknowledged=acknowledged, wait_s=wait_s, on_step=status.update)
        console.print(as_table(report))
        console.print(verdict(report), style="bold green" if report.ok else "bold red")
    return 0 if report.ok else 1


def as_document(report: Report) -> bytes:
    """The report as JSON, with its verdict."""
    document = {"ok": report.ok, "failed": report.failed, **msgspec.to_builtins(report)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def as_table(report: Report) -> Table:
    """The report for a terminal."""
    scale = report.scale
    table = Table(
        title=f"Audit of {scale.orders:,} orders, {scale.lines:,} lines, {scale.items:,} items, "
        f"{scale.charges:,} charges, {scale.acknowledged:,} acknowledged",
        title_justify="left",
    )
    table.add_column("")
    table.add_column("Invariant", no_wrap=True)
    table.add_column("What it proves")
    table.add_column("Wrong", justify="right")
    table.add_column("ms", justify="right", style="dim")
    for finding in report.findings:
        proves = finding.proves + (f"\n[dim]{finding.detail}[/dim]" if finding.detail else "")
        table.add_row(
            "[green]✓[/green]" if finding.ok else "[red]✗[/red]",
            finding.name,
            proves,
            f"{finding.figure:,} {finding.unit}",
            str(finding.elapsed_ms),
            style=None if finding.ok else "red",
        )
    return table


def verdict(report: Report) -> str:
    """One sentence."""
    times = f"({report.elapsed_s:.1f} s, of which {report.waited_s:.1f} s waiting for work under way)"
    if report.ok:
        return f"All {len(report.findings)} invariants hold {times}."
    return f"{len(report.failed)} of {len(report.findings)} invariants are broken: {', '.join(report.failed)} {times}."
