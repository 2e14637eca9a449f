"""Commands that bring data in: schema, demo, imports."""

from pathlib import Path

from checkout.catalog.import_shopify import import_shopify, write_report
from checkout.commands.first_start import prepare
from checkout.commands.terminal import console, progress
from checkout.kit import db
from checkout.kit.migrate import migrate
from config import production
from config.settings import Settings


async def migrate_now(settings: Settings) -> list[str]:
    """Applies missing migrations; gives their names."""
    connection = await db.connect(settings.database_url, purpose="migrate")
    try:
        await connection.execute("SET statement_timeout = 0")
        return await migrate(connection)
    finally:
        await connection.close()


async def seed_now(settings: Settings) -> None:
    """Writes the demo data. Raises: SettingsError in production."""
    production.refuse_stand_in(settings, "demo data", "import your own catalogue with `checkout import`")
    await prepare(settings, demo=True)
    console.print("Demo catalogue, taxes, shipping zones and coupons are in place.")


async def import_shopify_now(settings: Settings, file: Path, *, currency: str, report: Path | None) -> int:
    """Imports the file; exit code 1 when a row was left out, with the report that names it."""
    connection = await db.connect(settings.database_url, purpose="import")
    try:
        with progress("Importing", "rows") as move:
            found = await import_shopify(connection, file, currency=currency, progress=move)
    finally:
        await connection.close()
    if found.problems:
        target = report or file.with_suffix(".errors.csv")
        write_report(found, target)
        console.print(f"{len(found.problems)} rows have something to look at: {target}")
    console.print("Imported.")
    return 1 if found.errors else 0
