"""The project's own load: raw sockets on asyncio, where wrk is missing or an arrival rate is asked for.

Closed loop: so many connections, each sends when it was answered. Open loop: requests are due at a fixed rate, and each is
timed from when it was due, so that a stalled server is seen by all who had to wait (no coordinated omission).
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import orjson
import uvloop

from bench.histogram import Histogram
from bench.run import Run
from bench.shop import BenchError

Build = Callable[[int], bytes]
"""Number of the request → its bytes, complete with headers."""
_DRAIN_S = 5.0


class _Connection(asyncio.Protocol):
    """One connection: sends what it is given, reads one answer with a Content-Length, says so."""

    def __init__(self, load: "_Load") -> None:
        self._load = load
        self._buffer = bytearray()
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._load.is_idle(self)

    def send(self, data: bytes, due: float) -> None:
        """Sends a request that was due at this moment."""
        self._due = due
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        _, found, rest = head.partition(b"content-length:")
        length = int(rest.split(b"\r\n", 1)[0]) if found else 0
        if len(self._buffer) < end + 4 + length:
            return
        del self._buffer[: end + 4 + length]
        self._load.answered(int(head[9:12]), self._due)
        self._load.is_idle(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.lost()


class _Load:
    """One run's state."""

    def __init__(self, build: Build, rate_per_s: float, seconds: float) -> None:
        self.latencies = Histogram()
        self.ok = self.refused = self.broken = self.sent = 0
        self._build = build
        self._rate = rate_per_s
        self._numbers = itertools.count(1)
        self._idle: deque[_Connection] = deque()
        self._due: deque[float] = deque()
        self.began = time.perf_counter()
        self.ends = self.began + seconds

    def is_idle(self, connection: _Connection) -> None:
        """The connection takes the next request: in a closed loop at once, in an open one when something is due."""
        if self._rate:
            if self._due:
                self._send(connection, self._due.popleft())
            else:
                self._idle.append(connection)
        elif (now := time.perf_counter()) < self.ends:
            self._send(connection, now)

    def _send(self, connection: _Connection, due: float) -> None:
        self.sent += 1
        connection.send(self._build(next(self._numbers)), due)

    def answered(self, status: int, due: float) -> None:
        """Records an answer."""
        self.latencies.add((time.perf_counter() - due) * 1e6)
        if status < 400:
            self.ok += 1
        else:
            self.refused += 1

    def lost(self) -> None:
        """A connection that ends before the run does is an error."""
        if time.perf_counter() < self.ends:
            self.broken += 1

    @property
    def open_requests(self) -> int:
        """Sent or due, and not answered."""
        return self.sent + len(self._due) - self.ok - self.refused

    async def keep_rate(self) -> None:
        """Makes requests due, at the rate, until the end."""
        number = 0
        while (now := time.perf_counter()) < self.ends:
            while (due := self.began + number / self._rate) <= now:
                number += 1
                if self._idle:
                    self._send(self._idle.popleft(), due)
                else:
                    self._due.append(due)
            await asyncio.sleep(0.001)


async def generate(
    url: str, build: Build, *, connections: int, seconds: float, rate_per_s: float = 0.0
) -> Run:
    """One run; `rate_per_s` 0 is a closed loop. Raises: BenchError when the server cannot be reached."""
    parts = urlsplit(url)
    load = _Load(build, rate_per_s, seconds)
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
            await asyncio.sleep(max(0.0, load.ends - time.perf_counter()))
        elapsed_s = time.perf_counter() - load.began
        until = time.perf_counter() + _DRAIN_S
        while load.open_requests and time.perf_counter() < until:  # noqa: ASYNC110 - answers are counted elsewhere
            await asyncio.sleep(0.01)
    except OSError as error:
        raise BenchError(f"{url} cannot be reached: {error}") from error
    finally:
        for transport in transports:
            transport.close()
    seen = load.latencies
    return Run(
        tool="generator",
        requests_per_s=round(len(seen) / elapsed_s, 1),
        p50_ms=round(seen.percentile_ms(50), 3),
        p90_ms=round(seen.percentile_ms(90), 3),
        p99_ms=round(seen.percentile_ms(99), 3),
        max_ms=round(seen.most_us / 1000, 3),
        requests=len(seen),
        ok=load.ok,
        refused=load.refused,
        broken=load.broken + load.open_requests,
    )


def post(path: str, body: object, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A POST of JSON as bytes."""
    data = orjson.dumps(body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(data)}\r\n{lines}\r\n"
    ).encode() + data


def get(path: str) -> bytes:
    """A GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def run_generator(
    url: str, build: Build, *, connections: int, seconds: float, rate_per_s: float = 0.0
) -> Run:
    """`generate`, on a loop of its own."""
    return uvloop.run(generate(url, build, connections=connections, seconds=seconds, rate_per_s=rate_per_s))
