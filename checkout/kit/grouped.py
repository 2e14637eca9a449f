"""Many commits of one kind share a statement; a refused one is done again in halves, until the bad piece fails alone.

Halves, because a bad piece among a hundred then costs its neighbours a dozen short statements, not a hundred.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from checkout.errors import Unavailable

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class Grouped(Generic[Piece, Result]):
    """Commits pieces, one statement at a time: what comes while a statement is under way goes with the next.

    Shape: `write` commits at most `most` pieces, all or nothing, and gives one result a piece; pieces of one `subject` never
    share a statement. Raises: to each piece what it alone is refused for; to all who shared it that Postgres is away.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Piece]], Awaitable[Sequence[Result]]],
        *,
        most: int,
        subject: Callable[[Piece], Hashable],
    ) -> None:
        self._write = write
        self._most = most
        self._subject = subject
        self._waiting: list[tuple[Piece, asyncio.Future[Result]]] = []
        self._writing: asyncio.Task[None] | None = None

    def commit(self, piece: Piece) -> asyncio.Future[Result]:
        """What became of this piece, to be awaited. Who stops waiting does not stop the commit."""
        answer: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((piece, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._run())
        return answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._together(self._next())
        finally:
            self._writing = None

    def _next(self) -> list[tuple[Piece, asyncio.Future[Result]]]:
        """The first pieces of different subjects; the others stay in their order."""
        taken: dict[Hashable, tuple[Piece, asyncio.Future[Result]]] = {}
        left: list[tuple[Piece, asyncio.Future[Result]]] = []
        for waiting in self._waiting:
            subject = self._subject(waiting[0])
            if subject in taken or len(taken) == self._most:
                left.append(waiting)
            else:
                taken[subject] = waiting
        self._waiting = left
        return list(taken.values())

    async def _together(self, batch: list[tuple[Piece, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._write([piece for piece, _ in batch])
        except Exception as error:
            if len(batch) > 1 and _names_a_piece(error):
                middle = len(batch) // 2
                await self._together(batch[:middle])
                await self._together(batch[middle:])
                return
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), result in zip(batch, results, strict=True):
            if not answer.done():
                answer.set_result(result)


def _names_a_piece(error: Exception) -> bool:
    """Whether a piece may be to blame: Postgres refused, or the driver cannot write it. Not when Postgres is away."""
    return not isinstance(error, Unavailable) or isinstance(error.__cause__, ValueError)
