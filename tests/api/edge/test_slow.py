"""Clients that dribble (T13): closed within ten seconds, and not at anybody else's cost."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import aiohttp
import pytest
from aiohttp import web

from checkout.edge.guard import GuardedProtocol, SlowClients
from checkout.edge.metrics import Metrics
from ratelimit.inflight import InFlight
from tests.api.edge.layer import Counter, layer
from tests.api.edge.process import Serving
from tests.api.edge.wire import Wire, post, wire

HEAD = b"GET /v1/categories HTTP/1.1\r\nHost: shop\r\nX-Slow: "
CLOSED_S = 10.0
Slow = Callable[[Wire], Awaitable[float]]


async def dribbles_a_head(connection: Wire) -> float:
    await connection.send(HEAD)
    return await connection.closed_after(dribble=b"a" * 100)


async def says_half_a_line(connection: Wire) -> float:
    await connection.send(b"GE")
    return await connection.closed_after()


async def dribbles_a_body(connection: Wire) -> float:
    await connection.send(post("/v1/carts", b"{", "Content-Length: 200"))
    return await connection.closed_after(dribble=b" " * 100)


async def never_sends_its_body(connection: Wire) -> float:
    await connection.send(post("/v1/checkouts", b"", "Content-Length: 200", "Idempotency-Key: slow"))
    return await connection.closed_after()


async def dribbles_chunks(connection: Wire) -> float:
    await connection.send(post("/v1/carts", b"", "Transfer-Encoding: chunked"))
    return await connection.closed_after(dribble=b"1\r\n \r\n" * 20)


async def dribbles_a_webhook(connection: Wire) -> float:
    await connection.send(post("/v1/webhooks/stripe", b"{", "Content-Length: 9000"))
    return await connection.closed_after(dribble=b" " * 100)


async def dribbles_both(connection: Wire) -> float:
    began = time.monotonic()
    head = post("/v1/carts", b"", "Content-Length: 200")
    await connection.send(*(head[at : at + 12] for at in range(0, 84, 12)), pause_s=0.65)
    await connection.send(head[84:])
    await connection.closed_after(dribble=b" " * 100)
    return time.monotonic() - began


async def dribbles_its_second_request(connection: Wire) -> float:
    await connection.send(b"GET /v1/categories HTTP/1.1\r\nHost: shop\r\n\r\n")
    answer = await connection.answer()
    assert answer is not None
    assert answer.status == 200
    await connection.send(HEAD)
    return await connection.closed_after(dribble=b"a" * 100)


WAYS: tuple[Slow, ...] = (
    dribbles_a_head, says_half_a_line, dribbles_a_body, never_sends_its_body, dribbles_chunks, dribbles_a_webhook,
    dribbles_both, dribbles_its_second_request,
)  # fmt: skip


async def test_who_dribbles_is_closed_and_nobody_waits_for_it(server: Serving) -> None:
    """If this fails, a laptop with a few thousand open connections takes the shop down (T13: closed in 10 s)."""

    async def slow(way: Slow) -> tuple[str, float]:
        async with wire(server.url) as connection:
            return way.__name__, await way(connection)

    crowd = asyncio.gather(*(slow(way) for way in WAYS * 25))
    took = [t async for t in honest(server.url, crowd)]
    longest: dict[str, float] = {}
    for name, seconds in await crowd:
        longest[name] = max(seconds, longest.get(name, 0.0))
    assert len(longest) == len(WAYS)
    assert {name: round(s, 1) for name, s in longest.items() if s > CLOSED_S} == {}
    assert len(took) > 20
    assert sorted(took)[len(took) * 99 // 100] < 0.5


async def honest(url: str, until: "asyncio.Future[object]") -> AsyncIterator[float]:
    """How long honest requests take meanwhile."""
    async with aiohttp.ClientSession(url) as client:
        while not until.done():
            began = time.perf_counter()
            async with client.post("/v1/carts", json={"currency": "EUR"}) as answer:
                assert answer.status == 201
            yield time.perf_counter() - began
            await asyncio.sleep(0.05)


async def test_a_late_head_is_told_so_and_a_steady_upload_is_not_cut_off() -> None:
    """If this fails, a client with a bad line cannot tell a time-out from a crash, or cannot send at all."""
    counter = Counter()
    counter.open.set()
    async with layer(counter.routes(), InFlight(), arrival_timeout_s=0.3) as url:
        async with wire(url) as connection:
            await connection.send(b"GET /browse HTTP/1.1\r\nX: ")
            answer = await connection.answer()
            assert answer is not None
            assert (answer.status, answer.problem["code"]) == (408, "request_timeout")
            assert answer.headers["connection"] == "close"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["server"] == "checkout"
            assert await connection.answer() is None
        async with wire(url) as connection:
            raw = post("/cart", b"x" * 600)
            await connection.send(raw[:-200], raw[-200:], pause_s=0.15)
            answer = await connection.answer()
            assert answer is not None
            assert answer.status == 200


async def test_a_body_that_is_late_is_told_so_and_was_never_a_request() -> None:
    """If this fails, each byte of a dribbled body wakes a request up, and closing it costs as much as serving it."""
    counter = Counter()
    counter.open.set()
    async with layer(counter.routes(), InFlight(), arrival_timeout_s=0.4) as url, wire(url) as connection:
        await connection.send(post("/cart", b"{", "Content-Length: 200"), b" ", b" ", pause_s=0.1)
        assert begun() == 0
        answer = await connection.answer()
        assert answer is not None
        assert (answer.status, answer.problem["code"]) == (408, "request_timeout")
        assert await connection.answer() is None
        await connection.send(b" ")
        assert begun() == 0


async def test_a_head_and_its_body_share_their_time() -> None:
    """If this fails, who dribbles a head and then a body stays twice as long as allowed."""
    counter = Counter()
    counter.open.set()
    raw = post("/cart", b"", "Content-Length: 200")
    async with layer(counter.routes(), InFlight(), arrival_timeout_s=1.0) as url, wire(url) as connection:
        began = time.monotonic()
        await connection.send(raw[:20], raw[20:], pause_s=0.8)
        await connection.closed_after()
        assert 0.9 < time.monotonic() - began < 1.7


async def test_a_request_behind_a_slow_body_has_a_time_of_its_own() -> None:
    """If this fails, who sends two requests at once is cut off in the second for the time that the first took."""
    counter = Counter()
    counter.open.set()
    raw = post("/cart", b"{}")
    async with layer(counter.routes(), InFlight(), arrival_timeout_s=1.0) as url, wire(url) as connection:
        await connection.send(raw[:-1], raw[-1:] + raw[:-1], raw[-1:], pause_s=0.7)
        answers = [await connection.answer(), await connection.answer()]
        assert [answer and answer.status for answer in answers] == [200, 200]


async def test_nobody_late_is_one_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, an idle process wakes up two hundred times a second to close nobody."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await SlowClients(Metrics()).sweep(asyncio.get_running_loop().time(), 0.25)
    assert pauses == [0.25]


async def test_whoever_waits_for_a_body_is_told_to_send_it() -> None:
    """If this fails, curl waits for a second before each larger body, or for ever."""
    counter = Counter()
    counter.open.set()
    async with layer(counter.routes(), InFlight()) as url, wire(url) as connection:
        await connection.send(post("/cart", b"", "Content-Length: 2", "Expect: 100-continue"))
        told = await connection.answer()
        assert told is not None
        assert told.status == 100
        await connection.send(b"{}")
        answer = await connection.answer()
        assert answer is not None
        assert answer.status == 200


class Late(GuardedProtocol):
    """A connection that is late, and remembers when it was closed."""

    def __init__(self, closed: list[float]) -> None:
        self.closed = closed

    def late(self, now: float, timeout_s: float) -> str:
        """Always."""
        return "header"

    def dismiss(self) -> None:
        """Remembers the time."""
        self.closed.append(time.monotonic())


async def test_hundreds_who_are_late_are_closed_one_after_the_other() -> None:
    """If this fails, closing them is one long pause for everybody else, four times a second."""
    slow, closed = SlowClients(Metrics()), list[float]()
    slow.open.update(Late(closed) for _ in range(300))
    await slow.sweep(asyncio.get_running_loop().time(), 0.5)
    assert len(closed) == 300
    assert not slow.open
    assert closed[-1] - closed[0] > 0.4
    assert all(later - sooner < 0.25 for sooner, later in pairwise(closed))
    assert closed[59] - closed[0] > 0.05


async def test_an_idle_connection_is_closed_after_its_time() -> None:
    """If this fails, connections that were opened and forgotten add up until the process has no descriptors left."""
    counter = Counter()
    counter.open.set()
    async with (
        layer(counter.routes(), InFlight(), keepalive_s=0.5) as url,
        wire(url) as used,
        wire(url) as silent,
    ):
        await used.send(b"GET /browse HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert (await used.answer()) is not None
        closed = await asyncio.gather(used.closed_after(most_s=8), silent.closed_after(most_s=8))
        assert max(closed) < 6, closed


async def test_a_connection_has_no_task_before_its_first_request() -> None:
    """If this fails, thousands who connect and never ask, or dribble a head, cost a task each."""
    counter = Counter()
    counter.open.set()
    async with layer(counter.routes(), InFlight()) as url, wire(url) as connection:
        for part, tasks in ((b"", 0), (b"GET /browse HTTP/1.1\r\nHost:", 0), (b" shop\r\n\r\n", 1)):
            await connection.send(part)
            await asyncio.sleep(0.05)
            assert answering() == tasks
        assert await connection.answer() is not None


async def test_a_connection_that_ends_is_no_garbage() -> None:
    """If this fails, thousands that come and go leave cycles, and collecting them stops every request for a second."""
    counter = Counter()
    counter.open.set()
    whole, part = (
        b"GET /browse HTTP/1.1\r\nHost: shop\r\n\r\n",
        b"POST /cart HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n{",
    )
    async with layer(counter.routes(), InFlight(), arrival_timeout_s=0.2) as url:
        gc.collect()
        gc.disable()
        try:
            for sent, ends in (
                (b"", False),
                (whole, False),
                (whole + b"GE", True),
                (b"GE", True),
                (part, False),
                (part, True),
            ):
                async with wire(url) as connection:
                    await connection.send(sent)
                    if sent.startswith(whole):
                        assert await connection.answer() is not None
                    if ends:
                        await connection.closed_after()
                    else:
                        await asyncio.sleep(0.05)
                        assert held() == 1
                async with asyncio.timeout(5):
                    while held():
                        await asyncio.sleep(0.02)
        finally:
            gc.enable()


def answering() -> int:
    """Connections that have a task."""
    return sum(getattr(task.get_coro(), "__name__", "") == "start" for task in asyncio.all_tasks())


def begun() -> int:
    """Requests that are in memory."""
    gc.collect()
    return sum(type(found) is web.Request for found in gc.get_objects())


def held() -> int:
    """Connections that are still in memory."""
    return sum(type(found) is GuardedProtocol for found in gc.get_objects())
