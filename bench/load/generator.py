"""The project's own load: raw sockets on asyncio, where wrk is missing, an arrival rate is asked for, or answers are wanted.

Closed loop: so many connections, each sends when it was answered. Open loop: requests are due at a fixed rate, and each is
timed from when it was due, so that a stalled server is seen by all who had to wait (no coordinated omission).
"""

import asyncio
import itertools
import time
from collections import Counter, defaultdict, deque
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
_END, _LENGTH = b"\r\n\r\n", b"\r\nContent-Length:"
_SPARE = 100


class _Connection(asyncio.Protocol):
    """One connection: sends what it is given, reads one answer with a Content-Length, says so."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._rest = b""
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
        buffer = self._rest + data if self._rest else data
        end = buffer.find(_END)
        if end < 0:
            self._rest = buffer
            return
        at = buffer.find(_LENGTH, 0, end + 2)
        if at < 0:  # spelt otherwise, or not there
            at = buffer[: end + 2].lower().find(_LENGTH.lower())
        length = int(buffer[at + len(_LENGTH) : buffer.find(b"\r", at + 2)]) if at >= 0 else 0
        whole = end + len(_END) + length
        if len(buffer) < whole:
            self._rest = buffer
            return
        seen = self._load.seen
        status, body = int(buffer[9:12]), buffer[end + len(_END) : whole] if seen is not None else b""
        self._rest = buffer[whole:]
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
        # Only kept while it runs: what becomes of them is the reader's time, not the run's.
        self._answers: list[tuple[float, float, int]] = []
        self._late_s: list[float] = []
        self.sent = self.dropped = self.alive = 0
        self.seen = seen
        self.most = most
        numbers = itertools.count(1)
        self._next: Callable[[], bytes] = lambda: build(next(numbers))
        if rate_per_s and not most:  # built before: at a rate, building takes a third of the generator's time
            ready = deque(build(next(numbers)) for _ in range(int(rate_per_s * seconds) + _SPARE))
            self._next = lambda: ready.popleft() if ready else build(next(numbers))
        self._rate = rate_per_s
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
        connection.send(self._next(), due)

    def answered(self, status: int, due: float) -> None:
        """Records an answer."""
        now = self.last = time.perf_counter()
        self._answers.append((now, due, status))

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
        return self.sent + len(self._due) - len(self._answers)

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
                    self._late_s.append(time.perf_counter() - due)
                    self._send(self._idle.popleft(), due)
                else:
                    self._due.append(due)
            await asyncio.sleep(0.001)

    def as_run(self, elapsed_s: float) -> Run:
        """The figures."""
        seen, late = Histogram(), Histogram()
        statuses: Counter[int] = Counter()
        seconds: defaultdict[int, _Second] = defaultdict(_Second)
        for answered, due, status in self._answers:
            us = (answered - due) * 1e6
            seen.add(us)
            statuses[status] += 1
            seconds[int(answered - self.began)].add(us, status)
        for late_s in self._late_s:
            late.add(late_s * 1e6)
        ok = sum(count for status, count in statuses.items() if status < 400)
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
            late_p99_ms=round(late.percentile_ms(99), 3),
            distribution=[(percent, round(seen.percentile_ms(percent), 3)) for percent in PERCENTS],
            seconds=[seconds[at].told(at) for at in range(max(seconds, default=-1) + 1)],
            statuses=dict(statuses),
        )


class _Second:
    """What was answered within one second."""

    def __init__(self) -> None:
        self._seen, self._good = Histogram(), 0

    def add(self, us: float, status: int) -> None:
        """One answer."""
        self._seen.add(us)
        self._good += status < 400

    def told(self, at: int) -> Second:
        """As figures."""
        seen, good = self._seen, self._good
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
