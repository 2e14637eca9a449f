"""Import a Shopify export: streamed, in batches, with a report by row. Importing the same file again changes nothing."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct, field

from checkout.catalog.model import CategoryDraft, Written
from checkout.catalog.shopify import Parsed, RowProblem, parse
from checkout.catalog.write import BATCH_PRODUCTS, upsert_categories, upsert_products
from checkout.errors import Conflict, Invalid
from checkout.kit.db import Connection

Progress = Callable[[int, int], None]
"""(rows done, rows in all)"""


class ImportReport(Struct):
    """What became of a file. Shape: `problems` in row order; `skipped` counts products that were left out."""

    rows: int = 0
    products: int = 0
    variants: int = 0
    skipped: int = 0
    written: Written = field(default_factory=Written)
    problems: list[RowProblem] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """Problems that left something out."""
        return sum(problem.severity == "error" for problem in self.problems)


async def import_shopify(
    connection: Connection,
    file: Path,
    *,
    currency: str,
    progress: Progress | None = None,
    actor: str = "system",
) -> ImportReport:
    """Writes every product of the file; what a row has wrong is in the report, and keeps only itself out.

    Stock is received for SKUs that are new here; quantities of SKUs that exist are left alone: they have been sold from.
    Raises: Invalid when the file is no Shopify export; then nothing is written. Retry: safe.
    Cost: one product in memory at a time, 10 statements per 100 products.
    """
    total = count_rows(file)
    report = ImportReport()
    batch: list[Parsed] = []
    for parsed in _products(file, currency):
        report.rows += parsed.rows
        report.problems += parsed.problems
        if parsed.product is None:
            report.skipped += 1
        else:
            batch.append(parsed)
        if len(batch) >= BATCH_PRODUCTS:
            await _write(connection, batch, report, actor=actor)
            batch = []
            if progress is not None:
                progress(report.rows, total)
    await _write(connection, batch, report, actor=actor)
    report.problems.sort(key=lambda problem: problem.row)
    if progress is not None:
        progress(report.rows, total)
    return report


def count_rows(file: Path) -> int:
    """The data rows of a CSV file. Raises: Invalid when it cannot be read as one."""
    return sum(1 for _ in _checked(file)) - 1


def write_report(report: ImportReport, target: Path) -> None:
    """The problems as CSV: row, column, severity, message, value."""
    with target.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(("row", "column", "severity", "message", "value"))
        for problem in report.problems:
            writer.writerow((problem.row, problem.column, problem.severity, problem.message, problem.value))


def _checked(file: Path) -> Iterator[list[str]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            yield from csv.reader(lines)
    except UnicodeDecodeError:
        raise Invalid(f"{file.name} is not UTF-8 text.", field="file") from None
    except csv.Error as error:
        raise Invalid(f"{file.name} is not valid CSV: {error}", field="file") from None
    except OSError as error:
        raise Invalid(f"{file.name} cannot be read: {error.strerror}", field="file") from None


def _products(file: Path, currency: str) -> Iterator[Parsed]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        yield from parse(lines, currency=currency)


async def _write(connection: Connection, batch: list[Parsed], report: ImportReport, *, actor: str) -> None:
    if not batch:
        return
    wanted = dict(parsed.category for parsed in batch if parsed.category)
    await upsert_categories(connection, [CategoryDraft(slug, name) for slug, name in wanted.items()])
    try:
        await _write_products(connection, batch, report, actor=actor)
    except (Conflict, Invalid):
        for parsed in batch:  # one product must not keep its neighbours out
            try:
                await _write_products(connection, [parsed], report, actor=actor)
            except (Conflict, Invalid) as error:
                report.skipped += 1
                report.problems.append(RowProblem(parsed.first_row, "Handle", error.detail))


async def _write_products(
    connection: Connection, batch: list[Parsed], report: ImportReport, *, actor: str
) -> None:
    drafts = [parsed.product for parsed in batch if parsed.product is not None]
    report.written.add(await upsert_products(connection, drafts, reason="shopify import", actor=actor))
    report.products += len(drafts)
    report.variants += sum(len(draft.variants) for draft in drafts)
