"""What the catalogue's channel says, taken together: an import tells of a thousand products in one moment."""

import asyncio
from collections.abc import Callable

Hearer = Callable[..., None]
"""Takes one payload or many: product ids, `lists`, or `*` for everything."""


class Changes:
    """Collects notifications until the loop's next turn, then tells everyone once.

    Cost: an append a notification; one invalidation of each cache a turn, whatever the number.
    """

    def __init__(self, *hearers: Hearer) -> None:
        self._hearers = hearers
        self._waiting: dict[str, None] = {}

    def heard(self, payload: str) -> None:
        """A notification came."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._tell)
        self._waiting[payload] = None

    def _tell(self) -> None:
        payloads, self._waiting = tuple(self._waiting), {}
        for hearer in self._hearers:
            hearer(*payloads)
