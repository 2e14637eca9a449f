"""Many who ask for one row each share one query: what comes while a query is under way goes with the next."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class Together(Generic[Key, Row]):
    """Looks rows up by key, one query at a time.

    Shape: `fetch` gives the rows of at most `most` keys, each asked for once, by key.
    Raises: whatever `fetch` raises, to all who shared it.
    """

    def __init__(self, fetch: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Row]]], *, most: int) -> None:
        self._fetch = fetch
        self._most = most
        self._waiting: list[tuple[Key, asyncio.Future[Row | None]]] = []
        self._asking: asyncio.Task[None] | None = None

    def find(self, key: Key) -> asyncio.Future[Row | None]:
        """The row of this key, or None, to be awaited."""
        future: asyncio.Future[Row | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, future))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return future

    async def _ask(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                try:
                    rows = await self._fetch(list(dict.fromkeys(key for key, _ in asked)))
                except Exception as error:
                    for _, future in asked:
                        if not future.done():
                            future.set_exception(error)
                    continue
                for key, future in asked:
                    if not future.done():
                        future.set_result(rows.get(key))
        finally:
            self._asking = None
