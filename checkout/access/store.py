"""The audit log in Postgres."""

from typing import Any

import orjson

from checkout.kit import sql
from checkout.kit.db import Connection

QUERIES = sql.load(__file__)


async def record(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Writes an admin's action into the log, in the transaction that does it.

    Shape: `action` is `noun.verb`, `subject` the id or code of what was changed; before and after hold what changed.
    """
    await connection.execute(QUERIES.record, actor, action, subject, _json(before), _json(after))


def _json(document: dict[str, Any] | None) -> str | None:
    return None if document is None else orjson.dumps(document, option=orjson.OPT_UTC_Z, default=str).decode()
