"""The connection's protocol: closes who dribbles, answers what is not HTTP with a problem document.

Guarantees:
- A request is here ARRIVAL_TIMEOUT_S after its first byte (plus a second for each 64 KiB of its body that did arrive),
  or the connection is closed.
- A request that has begun when the server drains is read to its end and answered.
- A request is refused unread only on a connection that waits for one, at the end of the last: `_between` says that the
  parser holds nothing. Where that cannot be told (a head in two parts, pipelined requests) it is never said again.
- An idle connection costs no timer of ours; aiohttp closes it after its keep-alive time.

Cost: two comparisons per packet; the sweep looks only at connections whose
request is unfinished.
"""

import asyncio
import contextlib
import os
from typing import Any

import orjson
import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import BaseRequest, StreamResponse

from checkout.edge import measured, problems
from checkout.edge.connection import Connection
from checkout.edge.dispatch import Dispatch
from checkout.edge.metrics import Metrics
from checkout.edge.refuse import END_OF_HEAD, Refusals
from checkout.edge.stamp import ALWAYS
from checkout.errors import ShopError
from config import limits

log = structlog.get_logger("checkout.edge")
_BODY_RATE_BYTES_S = 64 * 1024
# An ordinary request fits. A buffer that the allocator maps anew costs 8 µs more a read.
_READ_BYTES = 16 * 1024
# Who is late is closed in so many parts at most, evenly until the next look.
_STEPS = 50


def _late() -> bytes:
    """The whole 408, the same for everybody."""
    error = problems.Timeout("Send the whole request within a few seconds.")
    body = orjson.dumps(problems.document(error), default=str)
    return (
        b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/problem+json\r\nCache-Control: no-store\r\n"
        + "".join(f"{name}: {value}\r\n" for name, value in ALWAYS.items()).encode()
        + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )


_LATE = _late()


class SlowClients:
    """The connections whose request has begun and is not here yet. Units: seconds."""

    def __init__(self, metrics: Metrics, *, timeout_s: float = limits.ARRIVAL_TIMEOUT_S) -> None:
        self.timeout_s = timeout_s
        self.open: set[GuardedProtocol] = set()
        self._closed = {part: metrics.counter(measured.SLOW_CLOSED, (part,)) for part in ("header", "body")}

    async def sweep(self, now: float, within_s: float) -> None:
        """Closes who is late, evenly within this time: hundreds in a row would keep everybody else waiting.

        Units: `now` by the event loop's clock.
        """
        late = [connection for connection in list(self.open) if connection.late(now, self.timeout_s)]
        steps = min(_STEPS, len(late)) or 1
        for step in range(steps):
            for connection in late[step::steps]:
                if part := connection.late(now, self.timeout_s):
                    self._closed[part].inc()
                    self.open.discard(connection)
                    connection.dismiss()
            await asyncio.sleep(within_s / steps)

    async def keep(self) -> None:
        """Sweeps for as long as the server runs."""
        loop = asyncio.get_running_loop()
        while True:
            await self.sweep(loop.time(), min(self.timeout_s / 5, limits.SLOW_SWEEP_S))


class GuardedProtocol(Connection):
    """A connection with time limits on what the client sends."""

    __slots__ = ("_between", "_body", "_fd", "_got_bytes", "_refusals", "_since", "_slow", "_with_head")

    def __init__(
        self,
        manager: web.Server,
        *,
        slow: SlowClients,
        dispatch: Dispatch | None = None,
        refusals: Refusals | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(manager, **kwargs)
        if dispatch is not None:
            self._request_handler = dispatch  # type: ignore[assignment]
        self._slow = slow
        self._since = 0.0
        self._body: Any = None
        self._got_bytes = 0
        self._with_head = 0
        self._between = refusals is not None
        self._refusals = refusals
        self._fd = -1

    def data_received(self, data: bytes) -> None:  # noqa: PLR0912 - a call less for each packet
        if self._between:
            room = self._refusals.room  # type: ignore[union-attr]
            if room.count + room.coming >= room.crowded and self._refused(data):
                return
        before = self._request_count
        if self._body is not None and (self._close or self._force_close):
            self._finish_body(data)
        else:
            super().data_received(data)
        if self._request_count != before:
            if not self._begun:
                self.begin()
            body = self._messages[-1][1] if self._messages else None
            if self._between:
                self._with_head = len(data) - data.find(END_OF_HEAD) - len(END_OF_HEAD)
                self._between = self._request_count == before + 1 and not self._since
            if body is None or body.is_eof():
                if self._refusals is not None and not self._comes:
                    self._comes = True
                    self._refusals.room.coming += 1
                if self._between:
                    self._between = body is not None and self._with_head == body.total_bytes
                if self._since:
                    self._settled()
            else:
                self._begin(body)
        elif self._body is not None:
            self._got_bytes += len(data)
            if self._body.is_eof():
                self._between = self._between and self._with_head + self._got_bytes == self._body.total_bytes
                self._settled()
        elif not self._since and data:
            self._begin(None)

    def _refused(self, data: bytes) -> bool:
        """Whether these bytes were answered here: a request that finds no room, on a connection that does nothing else."""
        transport = self.transport
        if not self.idle or self._since or transport is None or self._refusals is None:
            return False
        if self._close or self._force_close or self._upgraded or self._paused or self._logging_enabled:
            return False
        lookout = self._refusals.lookout
        if self._fd < 0 and (sock := transport.get_extra_info("socket")) is not None:
            self._fd = sock.fileno()
            lookout.watch(self._fd, self)
        answer = self._refusals.answer(data)
        if answer is None:
            return False
        if lookout.looking and self._fd >= 0 and not transport.get_write_buffer_size():
            # What the transport is given leaves with the end of the turn.
            with contextlib.suppress(OSError):
                answer = answer[os.write(self._fd, answer) :]
        if answer:
            transport.write(answer)
        self._stay()
        return True

    def hear(self) -> None:
        """Takes what has come, between the steps of a turn; what is no whole request begins with the next one."""
        if self._since or not self.idle or self.transport is None or self.transport.is_closing():
            return
        try:
            data = os.read(self._fd, _READ_BYTES)
        except OSError:
            return
        try:
            if data:
                self.data_received(data)
        except Exception as error:  # a bug: this connection ends; whose step it was must not hear of it
            log.error("a connection broke", exc_info=error)
            self.force_close()

    def _arrived(self) -> None:
        self._comes = False
        if self._refusals is not None:
            self._refusals.room.coming -= 1

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends; a body that has not come is let go of, for it holds its connection."""
        self._settled()
        if self._comes:
            self._arrived()
        if self._fd >= 0 and self._refusals is not None:
            self._refusals.lookout.forget(self._fd, self)
        super().connection_lost(exc)

    def _finish_body(self, data: bytes) -> None:
        """While the server drains: the body of the request in hand still comes in; what follows it is not taken."""
        if self._parser is not None:
            with contextlib.suppress(HttpProcessingError):
                self._parser.feed_data(data)

    def _begin(self, body: Any) -> None:
        # A head that came in parts began before; behind a body, another request begins.
        if not self._since or self._body is not None:
            self._since = self._loop.time()
        self._body = body
        self._got_bytes = 0
        self._slow.open.add(self)

    def _settled(self) -> None:
        self._since = 0.0
        self._body = None
        self._slow.open.discard(self)

    def late(self, now: float, timeout_s: float) -> str:
        """Which part of the request is late: header, body, or none of them."""
        if not self._since:
            return ""
        body = self._body
        if body is None:
            return "header" if now - self._since > timeout_s else ""
        if body.is_eof():
            self._settled()
            return ""
        return "body" if now - self._since > timeout_s + self._got_bytes / _BODY_RATE_BYTES_S else ""

    def dismiss(self) -> None:
        """Says 408 where nothing was answered yet, and closes."""
        if self.transport is not None and self._current_request is None:
            self.transport.write(_LATE)
        self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """The answer for what never reached a handler. The base class would answer in plain text and log a trace."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; it cannot become another one")
        error: ShopError
        if isinstance(exc, HttpProcessingError) or status == 400:
            error = problems.malformed("The request breaks the rules of HTTP/1.1.")
            log.debug("malformed request", reason=type(exc).__name__)
        else:
            error = problems.Internal("It is logged.")
            log.error("unexpected", status=status, exc_info=exc)
        response = problems.response(error, ALWAYS)
        response.force_close()
        return response
