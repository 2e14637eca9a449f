"""What a database needs before it can serve: the schema, the first admin, and, for a demo, something to sell."""

from dataclasses import dataclass

from checkout.accounts.first_admin import ensure_admin
from checkout.catalog.demo import seed_demo
from checkout.kit import db
from checkout.kit.cipher import Cipher
from checkout.kit.migrate import migrate
from checkout.quoting.store import seed_rulebook
from config.settings import Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was done. Shape: `admin_password` is set only when this start made the admin without a given one."""

    migrations: list[str]
    admin_password: str | None


async def prepare(settings: Settings, *, demo: bool) -> Prepared:
    """Migrates, makes the admin, seeds rules and (for a demo) the catalogue. Retry: safe, nothing is done twice."""
    connection = await db.connect(settings.database_url, purpose="prepare")
    try:
        await connection.execute("SET statement_timeout = 0")
        applied = await migrate(connection)
        cipher = Cipher(settings.personal_keys, settings.personal_index_key)
        given = settings.admin_password or None
        password = await ensure_admin(connection, cipher, settings.admin_email, given)
        await seed_rulebook(connection, demo_coupons=demo)
        if demo:
            await seed_demo(connection)
    finally:
        await connection.close()
    return Prepared(applied, password)
