"""Makes every generated document, by its path within the project."""

import asyncio
import tempfile
from pathlib import Path

from checkout.edge.error_table import errors_page
from checkout.kit import db
from checkout.kit.migrate import FOLDER, migrate
from checkout.reference.access import access_page
from checkout.reference.metrics import metrics_page
from checkout.reference.schema import dump, readable
from checkout.reference.settings import settings_page
from config.local import start_stores

ROOT = Path(__file__).parents[2]
SCHEMA = (FOLDER / "schema.sql").relative_to(ROOT).as_posix()
PAGES = {
    "docs/access.md": access_page,
    "docs/errors.md": errors_page,
    "docs/settings.md": settings_page,
    "docs/metrics.md": metrics_page,
}


def schema_of(database_url: str) -> str:
    """The text of schema.sql for a database; its migrations are applied first."""
    asyncio.run(_migrated(database_url))
    return readable(dump(database_url))


def write_all() -> list[str]:
    """Writes every document; gives the paths. Cost: starts a Postgres of its own."""
    with tempfile.TemporaryDirectory(prefix="checkout-docs-") as folder:
        stores = start_stores(Path(folder), durable=False)
        try:
            made = {SCHEMA: schema_of(stores.database_url)}
        finally:
            stores.stop()
    made |= {name: page() for name, page in PAGES.items()}
    for name, text in made.items():
        path = ROOT / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return list(made)


async def _migrated(database_url: str) -> None:
    connection = await db.connect(database_url, purpose="migrate")
    try:
        await migrate(connection)
    finally:
        await connection.close()
