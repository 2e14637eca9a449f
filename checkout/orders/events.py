"""`GET /v1/orders/{id}/events`: an order's timeline as server-sent events, resumable.

All streams of a process share one poll: one statement every quarter of a second for all orders that anybody follows.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from aiohttp import web

from checkout.edge.middleware import stream_headers
from checkout.errors import Invalid, Unavailable
from checkout.kit import sql
from checkout.kit.db import NOT_REACHED, Pool, PostgresError, Record, fetch_all
from checkout.kit.routes import Route
from checkout.orders.document import Document, event_document
from checkout.orders.http import OrderAccess
from config import limits

QUERIES = sql.load(__file__, "after.sql")
POLL_S = 0.25
_LOOK_S = 1.0
"""How often a stream without news looks whether its client is still there."""
FINAL = frozenset({"cancelled", "delivered", "refunded"})
log = structlog.get_logger()


class TimelineStore:
    """Timeline entries in Postgres. Raises: Unavailable while Postgres is away."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def since(self, wanted: Sequence[tuple[uuid.UUID, int]]) -> Sequence[Record]:
        """Entries of these orders after these numbers."""
        return await fetch_all(
            self._pool, QUERIES.events_since, [order for order, _ in wanted], [seq for _, seq in wanted]
        )


class _Stream:
    """One client's place in one order's timeline."""

    def __init__(self, order_id: uuid.UUID, seq: int) -> None:
        self.order_id, self.seq = order_id, seq
        self.entries: asyncio.Queue[Document | None] = asyncio.Queue()


class Follower:
    """The one poll of this process, and the streams that it feeds."""

    def __init__(self, store: TimelineStore) -> None:
        self._store = store
        self._streams: set[_Stream] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def streams(self) -> int:
        """How many clients follow."""
        return len(self._streams)

    @contextlib.contextmanager
    def following(self, order_id: uuid.UUID, seq: int) -> Any:
        """Feeds a stream with the entries after `seq` while the block runs. Raises: Unavailable when too many follow."""
        if len(self._streams) >= limits.STREAMS_MAX:
            raise Unavailable(
                "Too many streams; ask for the order instead.", code="too_many_streams", retry_after_ms=5000
            )
        stream = _Stream(order_id, seq)
        self._streams.add(stream)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._poll(), name="order-events")
        try:
            yield stream
        finally:
            self._streams.discard(stream)

    async def stop(self) -> None:
        """Ends the poll and every stream; clients come back with their Last-Event-ID."""
        for stream in self._streams:
            stream.entries.put_nowait(None)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _poll(self) -> None:
        """Runs while anybody follows."""
        while self._streams:
            try:
                await self._look()
            except (Unavailable, PostgresError, *NOT_REACHED) as error:
                log.info("order events wait", error=str(error))
            await asyncio.sleep(POLL_S)

    async def _look(self) -> None:
        lowest: dict[uuid.UUID, int] = {}
        by_order: defaultdict[uuid.UUID, list[_Stream]] = defaultdict(list)
        for stream in self._streams:
            lowest[stream.order_id] = min(stream.seq, lowest.get(stream.order_id, stream.seq))
            by_order[stream.order_id].append(stream)
        for row in await self._store.since(list(lowest.items())):
            for stream in by_order[row["order_id"]]:
                if row["seq"] == stream.seq + 1:
                    stream.seq = row["seq"]
                    stream.entries.put_nowait(event_document(row))


def encode(entry: Document) -> bytes:
    """One entry as an event: its number is the id to resume after."""
    data = orjson.dumps(entry, option=orjson.OPT_UTC_Z)
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (entry["seq"], str(entry["status"]).encode(), data)


def resume_after(request: web.Request) -> int:
    """The last entry that the client has, 0 for none. Raises: Invalid."""
    text = request.headers.get("Last-Event-ID") or request.query.get("after") or "0"
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise Invalid("Last-Event-ID: the number of a timeline entry", field="Last-Event-ID")
    return int(text)


def routes(follower: Follower, access: OrderAccess) -> list[Route]:
    """The route of following an order."""

    async def follow(request: web.Request) -> web.StreamResponse:
        row = await access.order(request)
        last = resume_after(request)
        with follower.following(row["id"], max(1, last)) as stream:
            response = web.StreamResponse(
                headers={"Content-Type": "text/event-stream", **stream_headers(request)}
            )
            await response.prepare(request)
            if request.method == "HEAD":
                return response
            with contextlib.suppress(ConnectionError):
                await _send(request, response, stream, row, last)
        return response

    return [
        Route(
            "GET",
            "/v1/orders/{id}/events",
            follow,
            "Follow an order: server-sent events of its timeline",
            policy="cart",
            content_type="text/event-stream",
            problems=("too_many_streams",),
            tag="orders",
        )
    ]


async def _send(
    request: web.Request, response: web.StreamResponse, stream: _Stream, row: Record, last: int
) -> None:
    """Entries as they come, a comment when none does; ends after a final state, or when the client has gone."""
    await response.write(b"retry: 1000\n\n")
    if last < 1:
        await response.write(encode({"seq": 1, "status": "placed", "at": row["placed_at"]}))
    if row["status"] in FINAL and last >= row["timeline_seq"]:
        return
    silent_s = 0.0
    while request.transport is not None:
        try:
            entry = await asyncio.wait_for(stream.entries.get(), _LOOK_S)
        except TimeoutError:
            silent_s += _LOOK_S
            if silent_s >= limits.SSE_HEARTBEAT_S:
                await response.write(b": still here\n\n")
                silent_s = 0.0
            continue
        if entry is None:
            return
        await response.write(encode(entry))
        silent_s = 0.0
        if entry["status"] in FINAL and entry["seq"] >= row["timeline_seq"]:
            return
