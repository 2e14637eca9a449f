"""The project's own load, where wrk is missing, an arrival rate is asked for, or answers are wanted.

Closed loop: so many connections, each sends when it was answered. Open loop: requests are due at a fixed rate, and each is
timed from when it was due, so that a stalled server is seen by all who had to wait (no coordinated omission).

Sockets and epoll, nothing between: what the load takes of the cores is missing from the shop that it measures.
"""

import itertools
import select
import socket
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from urllib.parse import urlsplit

from bench.load.run import PERCENTS, Run, Second
from bench.load.shapes import Build
from bench.measure.histogram import Histogram
from bench.problem import BenchError

Seen = Callable[[int, bytes], None]
"""Gets (status, body) of every answer."""
_DRAIN_S = 5.0
_CONNECT_S = 10.0
_LOOK_S = 0.02
_READ = 262_144
_END, _LENGTH = b"\r\n\r\n", b"\r\nContent-Length:"
_SPARE = 100


class _Connection:
    """One connection: sends what it is given, reads one answer with a Content-Length. It blocks only while it sends."""

    __slots__ = ("due", "rest", "socket", "waiting")

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=_CONNECT_S)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.due = 0.0
        self.waiting = False

    def answer(self) -> tuple[int, bytes] | None:
        """(status, body) once the whole answer is here. Raises: EOFError, OSError when the connection has ended."""
        try:
            data = self.socket.recv(_READ, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return None
        if not data:
            raise EOFError
        buffer = self.rest + data if self.rest else data
        end = buffer.find(_END)
        if end < 0:
            self.rest = buffer
            return None
        at = buffer.find(_LENGTH, 0, end + 2)
        if at < 0:  # spelt otherwise, or not there
            at = buffer[: end + 2].lower().find(_LENGTH.lower())
        length = int(buffer[at + len(_LENGTH) : buffer.find(b"\r", at + 2)]) if at >= 0 else 0
        whole = end + len(_END) + length
        if len(buffer) < whole:
            self.rest = buffer
            return None
        self.rest = buffer[whole:]
        return int(buffer[9:12]), buffer[end + len(_END) : whole]


class _Load:
    """One run's state."""

    def __init__(
        self,
        build: Build,
        *,
        rate_per_s: float,
        seconds: float,
        most: int,
        seen: Seen | None,
    ) -> None:
        # Only kept while it runs: what becomes of them is the reader's time, not the run's.
        self._answers: list[tuple[float, float, int]] = []
        self._late_s: list[float] = []
        self._sent = self._dropped = 0
        self._seen, self._most, self._rate, self._seconds = seen, most, rate_per_s, seconds
        numbers = itertools.count(1)
        self._next: Callable[[], bytes] = lambda: build(next(numbers))
        if rate_per_s and not most:  # built before: at a rate, building takes a third of the generator's time
            ready = deque(build(next(numbers)) for _ in range(int(rate_per_s * seconds) + _SPARE))
            self._next = lambda: ready.popleft() if ready else build(next(numbers))
        self._due: deque[float] = deque()
        self._idle: deque[_Connection] = deque()
        self._of: dict[int, _Connection] = {}
        self._epoll = select.epoll()
        self._began = self._last = self._ends = 0.0

    def connect(self, address: tuple[str, int], connections: int) -> None:
        """Opens its connections. Raises: OSError."""
        for _ in range(connections):
            one = _Connection(address)
            self._of[one.socket.fileno()] = one
            self._epoll.register(one.socket, select.EPOLLIN)
            self._idle.append(one)

    def close(self) -> None:
        """Closes what is open."""
        for one in self._of.values():
            one.socket.close()
        self._epoll.close()

    def run(self) -> Run:
        """Sends until the end, then waits a while for what is owed."""
        self._began = self._last = time.perf_counter()
        self._ends = self._began + self._seconds
        if self._rate:
            self._keep_rate()
        else:
            self._keep_busy()
        elapsed_s = (self._last if self._done else time.perf_counter()) - self._began
        until = time.perf_counter() + _DRAIN_S
        while self._of and self._owed > self._dropped and time.perf_counter() < until:
            self._hear(_LOOK_S)
        return self._as_run(max(elapsed_s, 1e-6))

    def _keep_rate(self) -> None:
        """Makes requests due, at the rate, until the end."""
        number = 0
        while (now := time.perf_counter()) < self._ends:
            while (due := self._began + number / self._rate) <= now:
                number += 1
                if self._idle:
                    self._late_s.append(time.perf_counter() - due)
                    self._send(self._idle.popleft(), due)
                else:
                    self._due.append(due)
            self._hear(min(due, self._ends) - now)

    def _keep_busy(self) -> None:
        """Sends whenever a connection was answered, until the end or until `most` were."""
        while not self._done and (now := time.perf_counter()) < self._ends:
            while self._idle and not (self._most and self._sent >= self._most):
                self._send(self._idle.popleft(), time.perf_counter())
            self._hear(min(_LOOK_S, self._ends - now))

    def _send(self, one: _Connection, due: float) -> None:
        self._sent += 1
        one.due, one.waiting = due, True
        try:
            one.socket.sendall(self._next())
        except OSError:
            self._lost(one)

    def _hear(self, most_s: float) -> None:
        """Waits this long at most for answers; in an open loop, what is due leaves with the connections they free."""
        for number, _ in self._epoll.poll(max(0.0, most_s)):
            one = self._of.get(number)
            if one is None:
                continue
            try:
                answer = one.answer()
            except (EOFError, OSError):
                self._lost(one)
                continue
            if answer is None:
                continue
            now = self._last = time.perf_counter()
            self._answers.append((now, one.due, answer[0]))
            one.waiting = False
            if self._seen is not None:
                self._seen(*answer)
            if self._due:
                self._send(one, self._due.popleft())
            else:
                self._idle.append(one)

    def _lost(self, one: _Connection) -> None:
        """A connection that ends before the run does is an error when it owed an answer, and is not used again."""
        del self._of[one.socket.fileno()]
        one.socket.close()
        if one.waiting:
            self._dropped += 1
        elif one in self._idle:
            self._idle.remove(one)

    @property
    def _owed(self) -> int:
        """Sent or due, and not answered."""
        return self._sent + len(self._due) - len(self._answers)

    @property
    def _done(self) -> bool:
        """Whether a closed loop has sent its most and was answered, or has nobody to talk to any more."""
        sent_all = bool(self._most) and self._sent >= self._most
        return (sent_all and self._owed <= self._dropped) or not self._of

    def _as_run(self, elapsed_s: float) -> Run:
        """The figures."""
        seen, late = Histogram(), Histogram()
        statuses: Counter[int] = Counter()
        seconds: defaultdict[int, _Second] = defaultdict(_Second)
        for answered, due, status in self._answers:
            us = (answered - due) * 1e6
            seen.add(us)
            statuses[status] += 1
            seconds[int(answered - self._began)].add(us, status)
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
            broken=self._owed,
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
    """One run, in this thread; `rate_per_s` 0 is a closed loop, which ends early when it has sent `most`.

    Raises: BenchError when the server cannot be reached.
    """
    parts = urlsplit(url)
    load = _Load(build, rate_per_s=rate_per_s, seconds=seconds, most=most, seen=seen)
    try:
        load.connect((parts.hostname or "127.0.0.1", parts.port or 80), connections)
        return load.run()
    except OSError as error:
        raise BenchError(f"{url} cannot be reached: {error}") from error
    finally:
        load.close()
