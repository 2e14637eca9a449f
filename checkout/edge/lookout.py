"""Hears those who will be refused between the steps of a long turn of the loop: a no need not wait for a hundred orders.

A connection that asked while the room was crowded is watched from then on, by a poll of our own beside the loop's. What
comes on one that does nothing else is read at once: refused there and then, or handed on to begin with the next turn.

Guarantees:
- Only idle connections are read, and only bytes: an end or an error is left for the event loop to meet.
- While nobody is watched, a look is one comparison.
"""

import contextlib
import select
from typing import Protocol

from aiohttp import web

from checkout.kit import turn
from config import limits


class Watched(Protocol):
    """A connection that can be read between turns."""

    def hear(self) -> None:
        """Reads what has come, if the connection waits for a request."""


class Lookout:
    """The connections of one process that are watched. Cost: a look takes 2 µs, and what it finds."""

    def __init__(self) -> None:
        self._poll: select.epoll | None = None
        self._watched: dict[int, Watched] = {}
        self.looking = False

    def watch(self, fd: int, connection: Watched) -> None:
        """Watches this connection from now on, until `forget`."""
        if self._poll is None:
            self._poll = select.epoll()
        self._poll.register(fd, select.EPOLLIN)
        self._watched[fd] = connection

    def forget(self, fd: int, connection: Watched) -> None:
        """Watches it no more; its number may be another connection's by now."""
        if self._poll is not None and self._watched.get(fd) is connection:
            del self._watched[fd]
            with contextlib.suppress(OSError):
                self._poll.unregister(fd)

    def look(self) -> None:
        """Hears who has sent something."""
        if self._poll is None or not self._watched:
            return
        self.looking = True
        try:
            for fd, _ in self._poll.poll(0, limits.HEARD_AT_ONCE_MAX):
                connection = self._watched.get(fd)
                if connection is not None:
                    connection.hear()
        finally:
            self.looking = False

    def work_in(self, app: web.Application) -> None:
        """Looks out for as long as this application runs."""
        app.on_startup.append(self._begin)
        app.on_cleanup.append(self._end)

    async def _begin(self, _app: web.Application) -> None:
        turn.attend(self.look)

    async def _end(self, _app: web.Application) -> None:
        turn.dismiss(self.look)
        self._watched.clear()
        if self._poll is not None:
            self._poll.close()
            self._poll = None
