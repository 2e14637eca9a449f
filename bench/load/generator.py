"""The project's own load: raw sockets on asyncio, where wrk is missing, an arrival rate is asked for, or answers are wanted.

Closed loop: so many connections, each sends when it was answered. Open loop: requests are due at a fixed rate, and each is
timed from when it was due, so that a stalled server is seen by all who had to wait (no coordinated omission).
"""

import asyncio
import itertools
import time
from collections import Counter, deque
from collections.abc import Callable
from urllib.parse import urlsplit

import uvloop

from bench.load.run import PERCENTS, Run, Second
from bench.load.shapes import Build
from bench.measure.histogram import Histogram
from bench.problem import BenchError

Seen = Callable[[int, bytes], None]
"""Gets (status, body) of every answer."""
_DRAIN_S = 5.0


class _Connection(asyncio.Protocol):
    """One connection: sends what it is given, reads one answer with a Content-Length, says so."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = bytearray()
        self._due = 0.0
        self._waiting = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._load.alive += 1
        self._load.is_idle(self)

    def send(self, data: bytes, due: float) -> None:
        """Sends a request that was due at this moment."""
        self._due = due
        self._waiting = True
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(buffer[:end]).lower()
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        whole = end + 4 + length
        if len(buffer) < whole:
            return
        seen = self._load.seen
        status, body = int(head[9:12]), bytes(buffer[end + 4 : whole]) if seen is not None else b""
        del buffer[:whole]
        self._waiting = False
        self._load.answered(status, self._due)
        if seen is not None:
            seen(status, body)
        self._load.is_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost(self, self._waiting)


class _Load:
    """One run's state."""

    def __init__(
        self, build: Build, rate_per_s: float, seconds: float, *, most: int = 0, seen: Seen | None = None
    ) -> None:
        self.latencies, self.late = Histogram(), Histogram()
        self.by_second: dict[int, Histogram] = {}
        self.good_by_second: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.sent = self.dropped = self.alive = 0
        self.seen = seen
        self.most = most
        self._build = build
        self._rate = rate_per_s
        self._numbers = itertools.count(1)
        self._idle: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self.began = time.perf_counter()
        self.ends = self.began + seconds
        self.last = self.began

    def is_idle(self, connection: _Connection) -> None:
        """The connection takes the next request: in a closed loop at once, in an open one when something is due."""
        if self._rate:
            if self._due:
                self._send(connection, self._due.popleft())
            else:
                self._idle.append(connection)
        elif (now := time.perf_counter()) < self.ends and (not self.most or self.sent < self.most):
            self._send(connection, now)

    def _send(self, connection: _Connection, due: float) -> None:
        self.sent += 1
        connection.send(self._build(next(self._numbers)), due)

    def answered(self, status: int, due: float) -> None:
        """Records an answer."""
        now = self.last = time.perf_counter()
        us = (now - due) * 1e6
        self.latencies.add(us)
        at = int(now - self.began)
        histogram = self.by_second.get(at)
        if histogram is None:
            histogram = self.by_second[at] = Histogram()
        histogram.add(us)
        self.statuses[status] += 1
        if status < 400:
            self.good_by_second[at] += 1

    def lost(self, connection: _Connection, waiting: bool) -> None:
        """A connection that ends before the run does is an error when it owed an answer, and is not used again."""
        self.alive -= 1
        if waiting:
            self.dropped += 1
        elif connection in self._idle:
            self._idle.remove(connection)

    @property
    def open_requests(self) -> int:
        """Sent or due, and not answered."""
        return self.sent + len(self._due) - len(self.latencies)

    @property
    def done(self) -> bool:
        """Whether a closed loop has sent its most and was answered, or has nobody to talk to any more."""
        sent_all = bool(self.most) and self.sent >= self.most
        return (sent_all and self.open_requests <= self.dropped) or not self.alive

    async def keep_rate(self) -> None:
        """Makes requests due, at the rate, until the end; the first one now that the connections are there to send it."""
        now = time.perf_counter()
        self.began, self.last, self.ends = now, now, self.ends + now - self.began
        number = 0
        while (now := time.perf_counter()) < self.ends:
            while (due := self.began + number / self._rate) <= now:
                number += 1
                if self._idle:
                    self.late.add((time.perf_counter() - due) * 1e6)
                    self._send(self._idle.popleft(), due)
                else:
                    self._due.append(due)
            await asyncio.sleep(0.001)

    def as_run(self, elapsed_s: float) -> Run:
        """The figures."""
        seen = self.latencies
        ok = sum(count for status, count in self.statuses.items() if status < 400)
        return Run(
            tool="generator",
            requests_per_s=round(len(seen) / elapsed_s, 1),
            p50_ms=round(seen.percentile_ms(50), 3),
            p90_ms=round(seen.percentile_ms(90), 3),
            p99_ms=round(seen.percentile_ms(99), 3),
            p999_ms=round(seen.percentile_ms(99.9), 3),
            max_ms=round(seen.most_us / 1000, 3),
            requests=len(seen),
            ok=ok,
            refused=len(seen) - ok,
            broken=self.open_requests,
            elapsed_s=round(elapsed_s, 3),
            late_p99_ms=round(self.late.percentile_ms(99), 3),
            distribution=[(percent, round(seen.percentile_ms(percent), 3)) for percent in PERCENTS],
            seconds=[self._second(at) for at in range(max(self.by_second, default=-1) + 1)],
            statuses=dict(self.statuses),
        )

    def _second(self, at: int) -> Second:
        seen, good = self.by_second.get(at, Histogram()), self.good_by_second[at]
        return Second(
            at,
            len(seen),
            good,
            len(seen) - good,
            round(seen.percentile_ms(50), 3),
            round(seen.percentile_ms(99), 3),
            round(seen.most_us / 1000, 3),
        )


async def generate(
    url: str,
    build: Build,
    *,
    connections: int,
    seconds: float,
    rate_per_s: float = 0.0,
    most: int = 0,
    seen: Seen | None = None,
) -> Run:
    """One run; `rate_per_s` 0 is a closed loop, which ends early when it has sent `most`.

    Raises: BenchError when the server cannot be reached.
    """
    parts = urlsplit(url)
    load = _Load(build, rate_per_s, seconds, most=most, seen=seen)
    loop = asyncio.get_running_loop()
    transports = []
    try:
        for _ in range(connections):
            transport, _protocol = await loop.create_connection(
                lambda: _Connection(load), parts.hostname or "127.0.0.1", parts.port or 80
            )
            transports.append(transport)
        if rate_per_s:
            await load.keep_rate()
        else:
            while not load.done and time.perf_counter() < load.ends:  # noqa: ASYNC110 - answers are counted elsewhere
                await asyncio.sleep(min(0.02, max(0.0, load.ends - time.perf_counter())))
        elapsed_s = (load.last if load.done else time.perf_counter()) - load.began
        until = time.perf_counter() + _DRAIN_S
        while load.open_requests > load.dropped and time.perf_counter() < until:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    except OSError as error:
        raise BenchError(f"{url} cannot be reached: {error}") from error
    finally:
        for transport in transports:
            transport.close()
    return load.as_run(max(elapsed_s, 1e-6))


def run_generator(
    url: str,
    build: Build,
    *,
    connections: int,
    seconds: float,
    rate_per_s: float = 0.0,
    most: int = 0,
    seen: Seen | None = None,
) -> Run:
    """`generate`, on a loop of its own."""
    return uvloop.run(
        generate(
            url,
            build,
            connections=connections,
            seconds=seconds,
            rate_per_s=rate_per_s,
            most=most,
            seen=seen,
        )
    )
