"""Clients that send a byte now and then, so that their connections stay open: `python -m bench.load.dribble ASKED FOUND`."""

import asyncio
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import uvloop
from msgspec import Struct, field

from bench.load.open_files import raise_file_limit
from bench.load.shapes import get

_TICK_S = 0.05
_TURNS = 20
_OPENED_A_TICK = 100
_HEAD = b"GET /v1/categories HTTP/1.1\r\nHost: shop\r\nX-Slow: "


class Way(Struct, frozen=True):
    """How somebody dribbles. Shape: `parts` go out one a second, then nothing does; it counts from part `counts_from` on."""

    name: str
    parts: list[bytes]
    counts_from: int = 0


class Asked(Struct, frozen=True):
    """So many connections at any time; one that was closed is opened again. Units: seconds."""

    url: str
    count: int
    seconds: float


class Found(Struct):
    """What became of them. Units: seconds. Shape: `longest_s` by way, those still open at the end among them."""

    opened: int = 0
    closed: int = 0
    refused: int = 0
    most_open: int = 0
    longest_s: dict[str, float] = field(default_factory=dict)
    answers: dict[str, int] = field(default_factory=dict)


def _post(path: str, *fields: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in ("Host: shop", "Content-Type: application/json", *fields))
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


def _bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def ways() -> list[Way]:
    """All of them; the head that is dribbled with its body needs four seconds, just less than a head may take."""
    cart = _post("/v1/carts", "Content-Length: 200")
    quarter = -(-len(cart) // 4)
    quarters = [cart[at : at + quarter] for at in range(0, len(cart), quarter)]
    return [
        Way("a head", [_HEAD, *_bytes(b"a" * 60)]),
        Way("half a line", [b"GE"]),
        Way("a body", [cart + b"{", *_bytes(b" " * 60)]),
        Way("no body", [_post("/v1/checkouts", "Content-Length: 200", "Idempotency-Key: slow")]),
        Way("chunks", [_post("/v1/carts", "Transfer-Encoding: chunked"), *_bytes(b"1\r\n \r\n" * 10)]),
        Way("a webhook", [_post("/v1/webhooks/stripe", "Content-Length: 9000") + b"{", *_bytes(b" " * 60)]),
        Way("head and body", [*quarters, *_bytes(b" " * 60)]),
        Way("a second request", [get("/v1/categories"), _HEAD, *_bytes(b"a" * 60)], counts_from=1),
    ]


class _Dribbler(asyncio.Protocol):
    """One connection."""

    def __init__(self, crowd: "_Crowd", way: Way) -> None:
        self._crowd, self.way = crowd, way
        self._next = 0
        self._since: float | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._crowd.joined(self)
        self.go_on()

    def go_on(self) -> None:
        """Sends its next part, when there is one."""
        if self._next < len(self.way.parts) and self._transport is not None:
            self._transport.write(self.way.parts[self._next])
            if self._next == self.way.counts_from:
                self._since = time.monotonic()
            self._next += 1

    @property
    def age_s(self) -> float:
        """How long it has dribbled."""
        return time.monotonic() - self._since if self._since is not None else 0.0

    def data_received(self, data: bytes) -> None:
        self._crowd.answers[data[9:12].decode("latin-1")] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.left(self)

    def close(self) -> None:
        """Gives up."""
        if self._transport is not None:
            self._transport.abort()


class _Crowd:
    """All of them, in twenty parts that go on one after the other: each once a second."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._turns: list[set[_Dribbler]] = [set() for _ in range(_TURNS)]
        self._turn_of: dict[_Dribbler, int] = {}
        self._ways = ways()
        self._connecting = 0
        self._ended = False
        self.answers: Counter[str] = Counter()
        self.found = Found(longest_s={way.name: 0.0 for way in self._ways})

    def joined(self, one: _Dribbler) -> None:
        """It is connected."""
        turn = self.found.opened % _TURNS
        self.found.opened += 1
        self._turns[turn].add(one)
        self._turn_of[one] = turn
        self.found.most_open = max(self.found.most_open, len(self._turn_of))

    def left(self, one: _Dribbler) -> None:
        """Its connection was closed by the other end."""
        turn = self._turn_of.pop(one, None)
        if turn is not None and not self._ended:
            self._turns[turn].discard(one)
            self.found.closed += 1
            self._lasted(one)

    def _lasted(self, one: _Dribbler) -> None:
        longest = self.found.longest_s
        longest[one.way.name] = max(longest[one.way.name], round(one.age_s, 2))

    async def run(self) -> Found:
        """Dribbles until the time is over."""
        parts = urlsplit(self._asked.url)
        host, port = parts.hostname or "127.0.0.1", parts.port or 80
        loop, began, tick, number = asyncio.get_running_loop(), time.monotonic(), 0, 0
        tasks: set[asyncio.Task[None]] = set()

        async def connect(way: Way) -> None:
            try:
                await loop.create_connection(lambda: _Dribbler(self, way), host, port)
            except OSError:
                self.found.refused += 1
            finally:
                self._connecting -= 1

        while time.monotonic() - began < self._asked.seconds:
            missing = self._asked.count - len(self._turn_of) - self._connecting
            for _ in range(min(missing, _OPENED_A_TICK)):
                self._connecting += 1
                task = asyncio.create_task(connect(self._ways[number % len(self._ways)]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            for one in list(self._turns[tick % _TURNS]):
                one.go_on()
            tick += 1
            await asyncio.sleep(max(0.0, began + tick * _TICK_S - time.monotonic()))
        await asyncio.gather(*tasks)
        self._ended = True
        for one in list(self._turn_of):
            self._lasted(one)
            one.close()
        self.found.answers = dict(self.answers)
        return self.found


async def dribble(asked: Asked) -> Found:
    """The whole crowd, in this process."""
    return await _Crowd(asked).run()


def main() -> int:
    """Runs what is asked to its end."""
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    raise_file_limit()
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(uvloop.run(dribble(asked))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
