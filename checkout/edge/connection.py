"""One connection's requests, one after the other, in one task, which begins with the first.

aiohttp's own loop gives every request a task and the event loop two more turns. Nothing of ours keeps context variables,
so the requests of a connection can share its task; whatever is unusual goes aiohttp's way.

Guarantees:
- Requests of a connection are answered in their order.
- A request begins when its body is here, if that is a short one: who dribbles it takes no place.
- A response that is bytes leaves in one write; any other goes out as aiohttp sends it.
- What a connection held is freed when it ends, without the garbage collector: cycles of thousands that come and go are
  pauses of a second for everybody else.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import structlog
from aiohttp import hdrs, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import StreamReader
from aiohttp.web import BaseRequest, HTTPException, StreamResponse
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from catalog_cache import EncodedResponse
from config import limits

log = structlog.get_logger("checkout.edge")


def fits(message: RawRequestMessage) -> bool:
    """Whether the announced body fits the reader's own buffer, and comes without being asked for."""
    headers = message.headers
    announced = headers.get(hdrs.CONTENT_LENGTH, "")
    return (
        announced.isdecimal()
        and int(announced) <= limits.CHECKOUT_BODY_MAX_BYTES
        and hdrs.EXPECT not in headers
    )


class Connection(RequestHandler):
    """aiohttp's protocol with a shorter way for ordinary requests."""

    __slots__ = ("_awaited", "_begun", "_comes")

    def __init__(self, manager: web.Server, **kwargs: Any) -> None:
        super().__init__(manager, **kwargs)
        self._awaited: StreamReader | None = None
        self._begun = False
        self._comes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes a new connection. The base class would wrap its socket twice to set what it has from the listening one
        (TCP_NODELAY, SO_KEEPALIVE), which costs more than all else here.
        """
        self.transport = made = cast("asyncio.Transport", transport)
        if self._manager is not None:
            self._manager.connection_made(self, made)
        if self._keepalive_timeout > 0:
            self._stay()

    def begin(self) -> None:
        """Begins to answer, once the first request has come: who never asks, or dribbles its head, costs no task."""
        self._begun = True
        self._task_handler = self._loop.create_task(self.start())

    @property
    def idle(self) -> bool:
        """Whether it waits for a request, and for nothing else."""
        waiter = self._waiter
        return not self._begun if waiter is None else not waiter.done()

    async def start(self) -> None:  # noqa: PLR0912, PLR0915 - one loop; every call less is a turn less for each request
        """Answers requests until the connection ends."""
        loop, messages, manager = self._loop, self._messages, self._manager
        handler = self._request_handler
        assert handler is not None
        message = payload = request = response = None
        try:
            while not self._force_close:
                if not messages:
                    try:
                        self._waiter = loop.create_future()
                        await self._waiter
                    finally:
                        self._waiter = None
                message, payload = messages[0]
                if self._comes:
                    self._arrived()
                if isinstance(message, _ErrInfo) or self._upgraded or manager is None:
                    return await super().start()
                messages.popleft()
                if self._parser is not None:
                    self._parser.message_consumed()
                if self._buffer_paused and len(messages) <= self._msg_queue_resume_size:
                    self._resume_reading_if_drained()
                if not payload.is_eof() and fits(message):
                    await self._whole(payload)
                manager.requests_count += 1
                began = loop.time() if self._logging_enabled else None
                # No variable for the task: the frame would keep it, and it the exception that ends it, and that the frame.
                request = self._request_factory(  # type: ignore[misc]
                    message,
                    payload,
                    self,
                    StreamWriter(self, loop),
                    asyncio.current_task(loop),  # type: ignore[arg-type]
                )
                try:
                    response, gone = await self._handle_request(request, began, handler)
                finally:
                    request._task = None  # the task would keep the request, and it the task
                if gone:
                    break
                self._keepalive = bool(response.keep_alive)
                if not payload.is_eof():
                    await self._linger(payload)
                if not self._keepalive or self._close or self._force_close:
                    break
                self._stay()
                message = payload = request = response = None
        except ConnectionError:
            pass  # the client went away: there is nobody to tell
        except Exception as error:  # a bug outside of any request: this connection ends, the others go on
            log.error("a connection broke", exc_info=error)
            self.force_close()
        except asyncio.CancelledError:
            self.force_close()
            raise
        if payload is not None and (broken := payload.exception()) is not None:
            broken.__traceback__ = None  # its frames hold the request, and that holds the error
        self._end()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Lets go of what would hold it."""
        super().connection_lost(exc)
        self._keepalive_handle = None
        if self._awaited is not None:
            self._awaited.set_exception(ConnectionResetError("the client went away"))

    def _process_keepalive(self) -> None:
        """Closes a connection that waited long enough; the base class knows those that have a task."""
        super()._process_keepalive()
        if not self._begun and self._keepalive_handle is None:
            self.force_close()

    async def _whole(self, payload: StreamReader) -> None:
        """Waits for the rest of a body: who dribbles one costs no request. Raises: ConnectionError."""
        self._request_in_progress = True
        self._stay()
        self._awaited = payload
        try:
            await payload.wait_eof()
        finally:
            self._awaited = None
            if not payload.is_eof():
                self._over()

    def _arrived(self) -> None:
        """The request that was coming is here, or never will be."""
        self._comes = False

    def _over(self) -> None:
        self._request_in_progress = False
        if self._handler_waiter is not None:
            self._handler_waiter.set_result(None)

    def _stay(self) -> None:
        """Waits for the next request, as long as an idle connection may."""
        self._next_keepalive_close_time = until = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(until, self._process_keepalive)

    def _end(self) -> None:
        """Closes what is not closed yet."""
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _handle_request(
        self,
        request: BaseRequest,
        start_time: float | None,
        request_handler: Callable[[BaseRequest], Awaitable[StreamResponse]],
    ) -> tuple[StreamResponse, bool]:
        self._request_in_progress = True
        self._current_request = request
        try:
            try:
                response = await request_handler(request)
            except HTTPException as answer:
                response = answer
            except ConnectionError:
                raise
            except Exception as error:
                response = self.handle_error(request, 500, error)
            finally:
                self._current_request = None
            if type(response) is not EncodedResponse or self._upgraded or self._logging_enabled:
                return await self.finish_response(request, response, start_time)
            transport = self.transport
            if transport is None:
                return response, True
            transport.write(response.render(request))
            if self._paused:
                await self._drain_helper()
            return response, False
        finally:
            self._over()

    async def _linger(self, payload: StreamReader) -> None:
        """Reads away for a moment what the client still sends of a body that nobody wanted; then the connection ends."""
        if self._lingering_time and not self._force_close:
            try:
                async with asyncio.timeout(self._lingering_time):
                    while not payload.is_eof():
                        await payload.readany()
            except TimeoutError:
                pass
        if not payload.is_eof():
            self.close()
