"""What permissions are decided by, and the audit log, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from checkout.access.model import Key
from checkout.kit import sql
from checkout.kit.db import Connection, Pool, Record, fetch_all, fetch_one, fetch_planned
from config import limits

QUERIES = sql.load(__file__)
_LAST = 2**63 - 1


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

    Shape: `action` is `noun.verb`, `subject` the id or code of what was changed; before and after hold what changed, and
    no personal data: the log outlives the account.
    """
    await connection.execute(QUERIES.record, actor, action, subject, _json(before), _json(after))


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries of the audit log are wanted. Shape: None: all; times from `since` until before `until`."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AccessStore:
    """Every method may raise Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def permissions(self) -> dict[str, frozenset[str]]:
        """Role → permissions."""
        rows = await fetch_all(self._pool, QUERIES.permissions)
        return {row["name"]: frozenset(row["permissions"]) for row in rows}

    async def find_key(self, digest: bytes) -> Key | None:
        """The API key of this digest, if it is good; its use is noted, once a minute at most."""
        row = await fetch_one(self._pool, QUERIES.find_key, digest, limits.API_KEY_USE_NOTED_S)
        if row is None:
            return None
        return Key(
            row["id"], row["account_id"], row["role"], frozenset(row["permissions"]), row["expires_at"]
        )

    async def log_page(self, wanted: LogFilter, before: int | None, most: int) -> Sequence[Record]:
        """Entries of the audit log, newest first, older than entry `before`."""
        return await fetch_planned(
            self._pool,
            QUERIES.log_page,
            wanted.actor,
            wanted.action,
            wanted.subject,
            wanted.since,
            wanted.until,
            _LAST if before is None else before,
            most,
        )


def _json(document: dict[str, Any] | None) -> str | None:
    return None if document is None else orjson.dumps(document, option=orjson.OPT_UTC_Z, default=str).decode()
