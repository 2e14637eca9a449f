"""The API keys that this process has seen lately."""

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from checkout.access.model import Key, key_digest
from config import limits


class KeyMemory:
    """Good keys by their digest, for API_KEY_REMEMBERED_S at most, and not past a change that Postgres notified.

    Only good keys are remembered: guesses cannot push them out. Cost: a digest (1 µs); at first a read.
    """

    def __init__(self, find: Callable[[bytes], Awaitable[Key | None]]) -> None:
        self._find = find
        self._remembered: dict[bytes, tuple[float, Key]] = {}
        self._changes = 0

    def known(self, text: str) -> Key | None:
        """The key that the text is, if this process knows it to be good."""
        return self._fresh(key_digest(text))

    async def find(self, text: str) -> Key | None:
        """The key that the text is, if it is good. Raises: Unavailable."""
        digest = key_digest(text)
        known = self._fresh(digest)
        if known is not None:
            return known
        changes = self._changes
        found = await self._find(digest)
        if found is not None and changes == self._changes:
            if len(self._remembered) >= limits.API_KEYS_REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[digest] = time.monotonic() + limits.API_KEY_REMEMBERED_S, found
        return found

    def changed(self) -> None:
        """A key, or what its account may do, changed, or may have: everything is looked up again."""
        self._changes += 1
        self._remembered.clear()

    def _fresh(self, digest: bytes) -> Key | None:
        until, key = self._remembered.get(digest, (0.0, None))
        if key is None or until < time.monotonic():
            return None
        return key if key.expires_at is None or key.expires_at > datetime.now(UTC) else None
