"""Forward-only migrations: plain SQL files, each in its own transaction, under one advisory lock, with checksums."""

from hashlib import sha256
from pathlib import Path

from checkout.kit.db import Connection

FOLDER = Path(__file__).parent.parent / "migrations"
_LOCK = 0x636865636B6F7574 & 0x7FFF_FFFF_FFFF_FFFF  # "checkout"
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)"""


class MigrationError(Exception):
    """A migration that was applied has been edited since, or is missing from this version."""


async def migrate(connection: Connection) -> list[str]:
    """Applies what is missing, in order, and gives the names. Raises: MigrationError. Retry: safe, also concurrently."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
        known = {row["name"]: row["checksum"] for row in rows}
        applied = []
        for path in sorted(FOLDER.glob("[0-9]*.sql")):
            text = path.read_text()
            checksum = sha256(text.encode()).hexdigest()
            if path.name in known:
                if known[path.name] != checksum:
                    raise MigrationError(
                        f"{path.name} was changed after it was applied: put the change in a new file instead"
                    )
                continue
            async with connection.transaction():
                await connection.execute(text)
                await connection.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)", path.name, checksum
                )
            applied.append(path.name)
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
