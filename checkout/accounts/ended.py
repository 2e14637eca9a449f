"""Sessions that ended while an access token of theirs was still good, as one process knows them.

Asking costs one look into a dict. Postgres tells of each end by NOTIFY (a trigger on `sessions`); what was told while a
process did not listen, it reads when it listens again. An entry is kept until no access token of the session can be good.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable

import structlog

from checkout.errors import Unavailable
from checkout.kit.db import PostgresError
from checkout.kit.ids import parse_uuid
from config import limits

log = structlog.get_logger()
CHANNEL = "sessions"
_PAUSE_S = 0.5


class Ended:
    """What ended lately. Cost: one entry for each session ended within ACCESS_TOKEN_TTL_S."""

    def __init__(self, load: Callable[[], Awaitable[Iterable[uuid.UUID]]]) -> None:
        self._load = load
        self._until: dict[uuid.UUID, float] = {}
        self._loading: asyncio.Task[None] | None = None

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._until

    def __len__(self) -> int:
        return len(self._until)

    def heard(self, payload: str) -> None:
        """A session has ended."""
        session_id = parse_uuid(payload)
        if session_id is not None:
            self._add(session_id)

    def missed(self) -> None:
        """News may have been missed: read all that counts again."""
        if self._loading is not None:
            self._loading.cancel()  # it may have asked before the latest of what was missed
        self._loading = asyncio.create_task(self._read(), name="ended-sessions")

    async def stop(self) -> None:
        """Ends what runs."""
        if self._loading is not None:
            self._loading.cancel()
            await asyncio.gather(self._loading, return_exceptions=True)

    def _add(self, session_id: uuid.UUID) -> None:
        now = time.monotonic()
        self._until.pop(session_id, None)  # a dict keeps the order of insertion: the first to go stands first
        self._until[session_id] = now + limits.ACCESS_TOKEN_TTL_S
        while (first := next(iter(self._until))) != session_id and self._until[first] < now:
            del self._until[first]

    async def _read(self) -> None:
        while True:
            try:
                for session_id in await self._load():
                    self._add(session_id)
                return
            except (Unavailable, PostgresError) as error:
                log.info("ended sessions not read yet", error=str(error))
                await asyncio.sleep(_PAUSE_S)
