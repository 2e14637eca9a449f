"""Clients that send a byte now and then, so that their connections stay open: `python -m bench.load.dribble ASKED FOUND`."""

import select
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from bench.load.open_files import raise_file_limit
from bench.load.shapes import get

# A machine of its own for each: they do not all go on at the same moment.
_TICK_S = 0.01
_TURNS = 100
_OPENED_A_TICK = 20
_READ = 65536
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


class _Dribbler:
    """One connection."""

    def __init__(self, way: Way, address: tuple[str, int]) -> None:
        self.way = way
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.turn = -1
        self._next = 0
        self._since: float | None = None
        self.socket.connect_ex(address)

    def go_on(self) -> None:
        """Sends its next part, when there is one. Raises: OSError when it was closed."""
        if self._next < len(self.way.parts):
            self.socket.send(self.way.parts[self._next])
            if self._next == self.way.counts_from:
                self._since = time.monotonic()
            self._next += 1

    @property
    def age_s(self) -> float:
        """How long it has dribbled."""
        return time.monotonic() - self._since if self._since is not None else 0.0


class _Crowd:
    """All of them, in parts that go on one after the other: each once a second.

    Sockets and epoll, nothing between: whoever attacks from elsewhere takes no time from the shop's cores.
    """

    def __init__(self, asked: Asked) -> None:
        parts = urlsplit(asked.url)
        self._address = parts.hostname or "127.0.0.1", parts.port or 80
        self._asked = asked
        self._epoll = select.epoll()
        self._of: dict[int, _Dribbler] = {}
        self._turns: list[set[_Dribbler]] = [set() for _ in range(_TURNS)]
        self._ways = ways()
        self._answers: Counter[str] = Counter()
        self.found = Found(longest_s={way.name: 0.0 for way in self._ways})
        self._number = 0

    def run(self) -> Found:
        """Dribbles until the time is over."""
        began, tick = time.monotonic(), 0
        while time.monotonic() - began < self._asked.seconds:
            for _ in range(min(self._asked.count - len(self._of), _OPENED_A_TICK)):
                self._open()
            for one in list(self._turns[tick % _TURNS]):
                self._go_on(one)
            tick += 1
            self._hear_until(began + tick * _TICK_S)
        for one in self._of.values():
            self._lasted(one)
            one.socket.close()
        self._epoll.close()
        self.found.answers = dict(self._answers)
        return self.found

    def _open(self) -> None:
        one = _Dribbler(self._ways[self._number % len(self._ways)], self._address)
        self._number += 1
        self._of[one.socket.fileno()] = one
        # Told once when it is connected, and whenever something comes.
        self._epoll.register(one.socket, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def _hear_until(self, until_s: float) -> None:
        while (left_s := until_s - time.monotonic()) > 0:
            for number, events in self._epoll.poll(left_s):
                one = self._of.get(number)
                if one is None:
                    continue
                if one.turn < 0:
                    self._joined(one, events)
                if number in self._of and events & ~select.EPOLLOUT:
                    self._heard(one)

    def _joined(self, one: _Dribbler, events: int) -> None:
        if events & (select.EPOLLERR | select.EPOLLHUP):
            self.found.refused += 1
            self._forget(one)
            return
        one.turn = self.found.opened % _TURNS
        self._turns[one.turn].add(one)
        self.found.opened += 1
        self.found.most_open = max(self.found.most_open, self.found.opened - self.found.closed)
        self._go_on(one)

    def _go_on(self, one: _Dribbler) -> None:
        try:
            one.go_on()
        except BlockingIOError:
            pass
        except OSError:
            self._left(one)

    def _heard(self, one: _Dribbler) -> None:
        try:
            while data := one.socket.recv(_READ):
                self._answers[data[9:12].decode("latin-1")] += 1
        except BlockingIOError:
            return
        except OSError:
            pass
        self._left(one)

    def _left(self, one: _Dribbler) -> None:
        """Its connection was closed by the other end."""
        self._turns[one.turn].discard(one)
        self.found.closed += 1
        self._lasted(one)
        self._forget(one)

    def _lasted(self, one: _Dribbler) -> None:
        longest = self.found.longest_s
        longest[one.way.name] = max(longest[one.way.name], round(one.age_s, 2))

    def _forget(self, one: _Dribbler) -> None:
        del self._of[one.socket.fileno()]
        one.socket.close()


def dribble(asked: Asked) -> Found:
    """The whole crowd, in this thread until it ends."""
    return _Crowd(asked).run()


def main() -> int:
    """Runs what is asked to its end."""
    asked = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Asked)
    raise_file_limit()
    Path(sys.argv[2]).write_bytes(msgspec.json.encode(dribble(asked)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
