"""Commands that prepare a database: schema, demo."""

from checkout.commands.first_start import prepare
from checkout.commands.terminal import console
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
