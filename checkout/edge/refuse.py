"""Refuses a request before it is parsed, where there is no room for it: an overload must not be spent on saying no.

Guarantees:
- Only bytes that are one whole, ordinary request are refused here: each line of its head well-formed, its body as long as
  its one Content-Length says, nothing after it. Whatever else goes to aiohttp's parser and the layer around handlers.
- A refusal says and counts what that layer's own would (`Edge`, in `checkout/edge/middleware.py`).
- Routes without a place in the room (health, metrics, event streams) and paths of no route are never refused here.

Cost: a tenth of a refusal by the layer; while less than the lowest priority's share of the room is taken, one comparison.
"""

import random
import re
from collections.abc import Callable

import orjson
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.web import AppKey

from catalog_cache.response import head_of
from checkout.edge import measured, problems
from checkout.edge.lookout import Lookout
from checkout.edge.metrics import Counter, Metrics
from checkout.kit.routes import Handler
from config import limits
from ratelimit import headers as limit_headers
from ratelimit.inflight import HEALTH, InFlight

END_OF_HEAD = b"\r\n\r\n"
_LINE = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (/[!->@-~]*)(?:\?[!-~]*)? HTTP/1\.1\r\n")
_FIELDS = re.compile(rb"(?:[-!#$%&'*+.^_`|~0-9A-Za-z]++:[\t\x20-\x7e\x80-\xff]*+\r\n)++\r\n")
_UNUSUAL = re.compile(rb"\n(?:expect|transfer-encoding|upgrade|connection(?!: keep-alive\r))", re.IGNORECASE)
_HOST = re.compile(rb"\nhost:", re.IGNORECASE)
_LENGTH = re.compile(rb"\ncontent-length:[\t ]*([^\r]*?)[\t ]*\r", re.IGNORECASE)
_REQUEST_ID = re.compile(rb"\nx-request-id:[\t ]*([A-Za-z0-9._:-]{1,64})[\t ]*\r", re.IGNORECASE)
_DOCUMENTS = 64

REFUSALS: AppKey["Refusals"] = AppKey("refusals")
"""Under this key an application carries its refusals, for the protocol to ask."""
Find = Callable[[str, str], Handler | None]
"""Method and path → what handles them."""


class Refusals:
    """Which requests find no room in this process, and what they are told.

    Shape: `find` gives the handler of a method and path; `id_prefix` begins the ids of requests that bring none.
    """

    def __init__(self, room: InFlight, metrics: Metrics, find: Find, *, id_prefix: str) -> None:
        self.room = room
        self.lookout = Lookout()
        self._metrics = metrics
        self._find = find
        self._routes: dict[Handler, _Refused] = {}
        self._documents = [_document().partition(END_OF_HEAD) for _ in range(_DOCUMENTS)]
        self._id_prefix = f"{id_prefix}-r".encode()
        self._number = 0

    def learn(self, handler: Handler, priority: int, label: str, lines: bytes) -> None:
        """Learns a route by its handler. Shape: `lines` are the header lines of all its answers."""
        if priority < HEALTH:
            self._routes[handler] = _Refused(self._metrics, priority, label, lines)

    def answer(self, data: bytes) -> bytes | None:
        """The whole answer when these bytes are a request that is refused; None when they go their way.

        Cost: 10 µs refused, 2 µs when its kind has room.
        """
        line = _LINE.match(data)
        if line is None:
            return None
        handler = self._find(line[1].decode(), line[2].decode())
        route = self._routes.get(handler) if handler is not None else None
        if route is None:
            return None
        if not self.room.full(route.priority):
            return None
        end = data.find(END_OF_HEAD, 0, limits.HEADER_LINE_MAX_BYTES)
        if end < 0 or not _is_whole(data, line.end(), end):
            return None
        self.room.shed[route.priority] += 1
        route.count()
        head, _, rest = random.choice(self._documents)
        return b"%b\r\nX-Request-Id: %b\r\n%bDate: %b\r\n\r\n%b" % (
            head, self._id_of(data, end), route.lines, rfc822_formatted_time().encode(), rest,
        )  # fmt: skip

    def _id_of(self, data: bytes, end: int) -> bytes:
        given = _REQUEST_ID.search(data, 0, end + 1)
        if given is not None:
            return given[1]
        self._number += 1
        return b"%b%x" % (self._id_prefix, self._number)


class _Refused:
    """A route that can be refused."""

    __slots__ = ("_counters", "_metrics", "_seconds", "label", "lines", "priority")

    def __init__(self, metrics: Metrics, priority: int, label: str, lines: bytes) -> None:
        self._metrics, self.priority, self.label, self.lines = metrics, priority, label, lines
        self._counters: tuple[Counter, ...] = ()
        self._seconds = metrics.histogram(measured.SECONDS, (label,))

    def count(self) -> None:
        """Counts a refusal as the layer around handlers does."""
        if not self._counters:
            counter = self._metrics.counter
            self._counters = (
                counter(measured.REQUESTS, (self.label, "503")),
                counter(measured.SHED, (str(self.priority),)),
                counter(measured.PROBLEMS, (problems.Overloaded.code,)),
            )
        for one in self._counters:
            one.value += 1
        self._seconds.observe(0.0)


def _is_whole(data: bytes, fields: int, end: int) -> bool:
    """Whether an ordinary request is all that is here. Shape: the offsets of its first field and of its head's end."""
    found = _FIELDS.match(data, fields)
    if found is None or found.end() != end + len(END_OF_HEAD) or _UNUSUAL.search(data, 0, end + 1):
        return False
    if len(_HOST.findall(data, 0, end + 1)) != 1:
        return False
    lengths: list[bytes] = _LENGTH.findall(data, 0, end + 1)
    body = len(data) - end - len(END_OF_HEAD)
    return lengths == [b"%d" % body] if lengths else body == 0


def _document() -> bytes:
    """A refusal without what differs from one to the next: its last head line is its Retry-After."""
    error = problems.overloaded(limit_headers.jittered_ms())
    body = orjson.dumps(problems.document(error))
    head = head_of(error.status, problems.CONTENT_TYPE, "no-store")
    pause = limit_headers.retry_after(error.retry_after_ms or 0)
    return b"%bContent-Length: %d\r\nRetry-After: %b\r\n\r\n%b" % (head, len(body), pause.encode(), body)
