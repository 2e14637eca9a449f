"""`checkout archive`: months of orders leave the shop's tables whole, and can be put back.

An archived month lies in the schema `archive`, one table each of orders, lines, timelines, movements and mails sent: to be
dumped, and dropped when the law allows. Until then `--restore` puts it back. Its payments, invoices and parcels stay.
"""

from datetime import UTC, datetime

from rich.table import Table

from checkout.commands.terminal import console, progress
from checkout.errors import Invalid
from checkout.kit import db
from checkout.retention.model import months_before
from checkout.retention.store import archive_month, months, restore_month, why_it_stays
from config.settings import Settings

_ATTEMPTS = 5


async def archive_now(settings: Settings, month: str, *, dry_run: bool) -> int:
    """Archives the months before `month`; exit code 1 when one had to stay. Retry: safe, a month leaves whole."""
    now = datetime.now(UTC)
    connection = await db.connect(settings.database_url, purpose="archive")
    stayed = []
    try:
        await connection.execute("SET statement_timeout = 0")
        chosen = months_before(month, await months(connection), now)
        with progress("Archiving", "months") as move:
            for done, each in enumerate(chosen, 1):
                reason = await why_it_stays(connection, each.name)
                if reason is not None:
                    stayed.append((each.name, reason))
                elif not dry_run:
                    await _archive(connection, each.name)
                move(done, len(chosen))
    finally:
        await connection.close()
    left = [each for each in chosen if each.name not in dict(stayed)]
    console.print(
        f"{len(left)} months, about {sum(m.orders for m in left):,} orders, {sum(m.bytes for m in left) / 2**20:,.0f} MiB "
        + ("would be archived." if dry_run else "archived.")
    )
    for name, reason in stayed:
        console.print(f"{name} stays: {reason}.")
    return 1 if stayed else 0


async def _archive(connection: db.Connection, name: str) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            await archive_month(connection, name)
        except db.RETRYABLE:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return


async def restore_now(settings: Settings, month: str) -> int:
    """Puts an archived month back; exit code 0. Raises: Invalid when it is not in the archive."""
    connection = await db.connect(settings.database_url, purpose="archive")
    try:
        await connection.execute("SET statement_timeout = 0")
        name = month.replace("-", "_")
        if name not in {m.name for m in await months(connection) if m.archived_at is not None}:
            raise Invalid(f"{month} is not in the archive.")
        console.print(f"{await restore_month(connection, name):,} orders are back.")
    finally:
        await connection.close()
    return 0


async def list_now(settings: Settings) -> int:
    """Shows all months with their sizes."""
    connection = await db.connect(settings.database_url, purpose="archive")
    try:
        found = await months(connection)
    finally:
        await connection.close()
    table = Table("Month", "Orders, about", "MiB", "Where", title="Months of orders")
    for m in found:
        where = "now" if m.is_now else "archive" if m.archived_at else "shop"
        table.add_row(m.name, f"{m.orders:,}", f"{m.bytes / 2**20:,.1f}", where)
    console.print(table)
    return 0
