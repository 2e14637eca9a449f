"""A drop: thousands of buyers of one SKU within a second, each on a connection of their own, who ask again as people do.

`python -m bench.load.rush ASKED.json SEEN.json`. A buyer that is shed (503), limited (429), told that the outcome is not
known (202), or cut off, asks again under the same Idempotency-Key, after the pause that the shop asked for or a growing one.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct, field

from bench.load.open_files import raise_file_limit
from bench.load.run import PERCENTS
from bench.load.shapes import get, post, purchase
from bench.measure.histogram import Histogram

TICK_S = 0.1
_CONNECTING = 200
_PAUSE_MIN_S = 0.1
_PAUSE_MAX_S = 2.0
_ANSWER_S = 10.0
AGAIN = (202, 429, 503)


class Asked(Struct, frozen=True):
    """The drop. Units: seconds. Shape: `users` come within `rush_s`, then `stragglers` more, ever fewer, within `tail_s`."""

    url: str
    sku: str
    slug: str
    users: int
    stragglers: int
    rush_s: float = 1.0
    tail_s: float = 10.0
    patience_s: float = 60.0
    gather_s: float = 5.0
    seed: int = 1
    run_id: str = "drop"


class Tick(Struct):
    """A tenth of a second."""

    arrived: int = 0
    sold: int = 0
    refused: int = 0
    shed: int = 0
    waiting: int = 0


class Seen(Struct):
    """What the buyers saw. Units: seconds, ms. Shape: `distribution` by outcome: (percent, ms) from arrival to last word."""

    buyers: int = 0
    sold: int = 0
    refused: int = 0
    unanswered: int = 0
    unexpected: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    repeated: int = 0
    cut_off: int = 0
    tries_most: int = 0
    sold_out_after_s: float = 0.0
    took_s: float = 0.0
    orders: list[str] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    distribution: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


class _Order(Struct):
    id: str


class _Placed(Struct):
    order: _Order


class _Problem(Struct):
    code: str = ""
    retry_after_ms: float = 0.0


_PLACED, _PROBLEM = msgspec.json.Decoder(_Placed), msgspec.json.Decoder(_Problem)


class _Buyer(asyncio.Protocol):
    """One person: looks at the page, waits for the drop, asks until there is an answer."""

    def __init__(self, drop: "_Drop", number: int, arrives_s: float) -> None:
        self._drop = drop
        self._key = f"{drop.asked.run_id}-{number}"
        self._request = post(
            "/v1/checkouts", purchase([drop.asked.sku], self._key), [("Idempotency-Key", self._key)]
        )
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._asking = False
        self._timer: asyncio.TimerHandle | None = None
        self.arrives_s = arrives_s
        self.tries = 0
        self.done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def look(self) -> None:
        """Opens the product's page."""
        if self._transport is not None:
            self._transport.write(get(f"/v1/products/{self._drop.asked.slug}"))

    def arrive(self) -> None:
        """Presses the button."""
        self._drop.arrived(self)
        self.ask()

    def ask(self) -> None:
        """Sends the purchase, again or for the first time."""
        if self.done:
            return
        if self._transport is None or self._transport.is_closing():
            self._drop.connect_again(self)
            return
        self.tries += 1
        self._asking = True
        self._buffer.clear()
        self._transport.write(self._request)
        self._later(_ANSWER_S, self._cut)

    def _cut(self) -> None:
        """No answer for too long: as when a person reloads."""
        if self._transport is not None:
            self._transport.abort()

    def _later(self, after_s: float, what: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._drop.loop.call_later(after_s, what)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(buffer[:end]).lower()
        _, found, rest = head.partition(b"content-length:")
        whole = end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)
        if len(buffer) < whole:
            return
        status, body = int(head[9:12]), bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        if self._asking:
            self._asking = False
            self._answered(status, body)

    def _answered(self, status: int, body: bytes) -> None:
        if status == 201:
            self.end("sold", _PLACED.decode(body).order.id)
            return
        problem = _PROBLEM.decode(body) if body else _Problem()
        again = status in AGAIN or problem.code == "in_progress"
        self._drop.counted(status, again)
        if again:
            pause_s = problem.retry_after_ms / 1000 or min(_PAUSE_MAX_S, _PAUSE_MIN_S * 2**self.tries)
            self._later(pause_s * random.uniform(0.8, 1.2), self.ask)
        elif problem.code == "out_of_stock":
            self.end("refused")
        else:
            self.end(f"{status} {problem.code}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._asking and not self.done:
            self._asking = False
            self._drop.seen.cut_off += 1
            self._later(_PAUSE_MIN_S * random.uniform(1, 3), self.ask)

    def end(self, outcome: str, order_id: str = "") -> None:
        """The last word."""
        self.done = True
        if self._timer is not None:
            self._timer.cancel()
        self._drop.ended(self, outcome, order_id)
        if self._transport is not None:
            self._transport.close()


class _Drop:
    """One drop's state."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.seen = Seen(buyers=asked.users + asked.stragglers)
        self.loop = asyncio.get_running_loop()
        self.statuses: Counter[int] = Counter()
        self.began = 0.0
        self.open = self.seen.buyers
        self._waiting = 0
        self._latencies: dict[str, Histogram] = {}
        self._connecting: set[asyncio.Task[None]] = set()
        parts = urlsplit(asked.url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80

    def buyers(self) -> list[_Buyer]:
        """Everybody, by arrival."""
        asked, dice = self.asked, random.Random(self.asked.seed)
        times = [dice.uniform(0, asked.rush_s) for _ in range(asked.users)]
        for _ in range(asked.stragglers):
            late_s = dice.expovariate(3 / asked.tail_s)
            times.append(asked.rush_s + min(late_s, asked.tail_s))
        return [_Buyer(self, number, at) for number, at in enumerate(sorted(times))]

    async def connect(self, buyer: _Buyer) -> None:
        """Opens the buyer's connection. Raises: OSError."""
        await self.loop.create_connection(lambda: buyer, self._host, self._port)

    def connect_again(self, buyer: _Buyer) -> None:
        """Opens it once more, then asks; where that fails, a little later."""

        async def again() -> None:
            try:
                await self.connect(buyer)
            except OSError:
                await asyncio.sleep(_PAUSE_MIN_S * random.uniform(1, 3))
            buyer.ask()

        task = self.loop.create_task(again())
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    @property
    def elapsed_s(self) -> float:
        """Since the drop."""
        return time.perf_counter() - self.began

    @property
    def tick(self) -> Tick:
        """The tenth of a second that it is."""
        ticks, at = self.seen.ticks, int(self.elapsed_s / TICK_S)
        while len(ticks) <= at:
            ticks.append(Tick(waiting=self._waiting))
        return ticks[at]

    def arrived(self, _buyer: _Buyer) -> None:
        """One more waits."""
        self._waiting += 1
        tick = self.tick
        tick.arrived += 1
        tick.waiting = self._waiting

    def counted(self, status: int, again: bool) -> None:
        """An answer that is not the last word."""
        self.statuses[status] += 1
        if again:
            self.seen.repeated += 1
            self.tick.shed += 1

    def ended(self, buyer: _Buyer, outcome: str, order_id: str) -> None:
        """A last word."""
        seen, tick, elapsed_s = self.seen, self.tick, self.elapsed_s
        self.open -= 1
        self._waiting -= 1
        tick.waiting = self._waiting
        seen.requests += buyer.tries
        seen.tries_most = max(seen.tries_most, buyer.tries)
        if outcome == "sold":
            self.statuses[201] += 1
            seen.sold += 1
            seen.orders.append(order_id)
            seen.sold_out_after_s = elapsed_s
            tick.sold += 1
        elif outcome == "refused":
            seen.refused += 1
            tick.refused += 1
        elif outcome == "unanswered":
            seen.unanswered += 1
        else:
            seen.unexpected[outcome] = seen.unexpected.get(outcome, 0) + 1
        us = (elapsed_s - buyer.arrives_s) * 1e6
        self._latencies.setdefault(outcome, Histogram()).add(us)

    async def run(self) -> Seen:
        """Gathers everybody, opens the sale, waits for the last word to the last buyer."""
        asked, buyers = self.asked, self.buyers()
        early = buyers[: asked.users]
        slots = asyncio.Semaphore(_CONNECTING)

        async def gather(buyer: _Buyer) -> None:
            async with slots:
                await self.connect(buyer)
                buyer.look()

        await asyncio.gather(*(gather(buyer) for buyer in early))
        await asyncio.sleep(asked.gather_s)
        self.began, at = time.perf_counter(), self.loop.time()
        for buyer in buyers:
            self.loop.call_at(at + buyer.arrives_s, buyer.arrive)
        until = asked.rush_s + asked.tail_s + asked.patience_s
        while self.open and self.elapsed_s < until:  # noqa: ASYNC110 - each buyer's last word is counted elsewhere
            await asyncio.sleep(0.05)
        for buyer in buyers:
            if not buyer.done:
                buyer.end("unanswered")
        self.seen.took_s = round(self.elapsed_s, 3)
        self.seen.statuses = dict(self.statuses)
        self.seen.distribution = {
            outcome: [(percent, round(seen.percentile_ms(percent), 3)) for percent in PERCENTS]
            for outcome, seen in self._latencies.items()
        }
        return self.seen


async def _run(asked: Asked) -> Seen:
    return await _Drop(asked).run()


def main() -> int:
    """Runs the drop to its end."""
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    raise_file_limit()
    random.seed(asked.seed)
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(uvloop.run(_run(asked))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
