"""Requests that are refused unread, over real sockets: a connection never loses its place between one and the next."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from ratelimit.inflight import InFlight
from tests.api.edge.layer import FIRST, Counter, full, layer
from tests.api.edge.wire import Answer, Wire, post, wire

LAST = b"GET /checkout HTTP/1.1\r\nHost: shop\r\nX-Request-Id: last\r\n\r\n"


async def told(connection: Wire, *parts: bytes) -> Answer:
    """The answer to these parts, each a packet of its own."""
    await connection.send(*parts, pause_s=0.05)
    answer = await connection.answer()
    assert answer is not None
    return answer


def unread(answer: Answer) -> bool:
    """Whether a refusal was made without reading the request: its id says so."""
    assert (answer.status, answer.problem["code"]) == (503, "overloaded")
    return "-r" in answer.headers["x-request-id"]


async def test_a_connection_is_refused_and_then_served() -> None:
    """If this fails, a client that was refused once must open a new connection, or is told something else than others."""
    async with full() as (url, counter, room), wire(url) as connection:
        await asyncio.sleep(0.05)
        quick = [await told(connection, post("/cart", b"hello")) for _ in range(3)]
        assert all(map(unread, quick))
        assert room.shed == [0, 3, 0, 0]
        layers = await told(connection, post("/cart", b"0\r\n\r\n", "Transfer-Encoding: chunked"))
        assert not unread(layers)
        assert quick[0].headers.keys() == layers.headers.keys()
        apart = {"x-request-id", "date", "retry-after"}
        for name in quick[0].headers.keys() - apart:
            assert quick[0].headers[name] == layers.headers[name], name
        assert {**quick[0].problem, "retry_after_ms": 0} == {**layers.problem, "retry_after_ms": 0}
        assert 1 <= int(quick[0].headers["retry-after"]) <= 5
        counter.open.set()
        async with asyncio.timeout(10):
            while room.count:
                await asyncio.sleep(0.005)
        assert (await told(connection, post("/cart", b"hello"))).status == 200


@pytest.mark.parametrize("between", [(), (b"GET /checkout HTTP/1.1\r\nHost: shop\r\n\r\n",)])
async def test_what_looks_like_a_request_within_another_is_none(between: tuple[bytes, ...]) -> None:
    """If this fails, one client's body is answered as a request: behind a proxy that is another client's answer."""
    inner = b"GET /browse HTTP/1.1\r\nHost: shop\r\n\r\n"
    async with full() as (url, _, _), wire(url) as connection:
        await asyncio.sleep(0.05)
        for request in between:
            assert unread(await told(connection, request))
        head = post("/cart", inner)[: -len(inner)]
        assert not unread(await told(connection, head, inner))
        assert not unread(await told(connection, head + inner[:9], inner[9:]))
        assert not unread(await told(connection, head + inner[:9], inner[9:] + LAST[:4]))
        assert (await told(connection, LAST[4:])).headers["x-request-id"] == "last"


async def test_a_body_in_two_parts_leaves_the_connection_as_it_was() -> None:
    """If this fails, clients that send head and body apart are refused at the full price for ever."""
    async with full() as (url, _, _), wire(url) as connection:
        raw = post("/cart", b"hello")
        assert not unread(await told(connection, raw[:-5], raw[-5:-2], raw[-2:]))
        assert unread(await told(connection, raw))


async def test_of_a_burst_the_rest_is_refused_unread() -> None:
    """If this fails, all of a burst are let in to be parsed, and those without room wait for all others to be refused."""
    counter, room = Counter(), InFlight(high=2, low=2)
    async with layer(counter.routes(), room) as url, AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(wire(url)) for _ in range(6)]
        for connection in connections:
            connection.writer.write(FIRST)
        answers = [asyncio.create_task(connection.answer()) for connection in connections]
        async with asyncio.timeout(10):
            while counter.inside != 2 or sum(answer.done() for answer in answers) != 4:
                await asyncio.sleep(0.005)
        assert all(unread(told) for answer in answers if answer.done() and (told := answer.result()))
        assert room.coming == 0
        counter.open.set()
        last = [await answer for answer in answers]
        assert sorted(answer.status for answer in last if answer) == [200, 200, 503, 503, 503, 503]


@pytest.mark.parametrize("end", [b"", b"GET /checkout HTTP/1.1\r\n"])
async def test_who_goes_away_takes_no_room(end: bytes) -> None:
    """If this fails, requests whose client went away before they began fill the room for ever."""
    counter, room = Counter(), InFlight(high=2, low=2)
    async with layer(counter.routes(), room) as url:
        for _ in range(8):
            async with wire(url) as connection:
                connection.writer.write(FIRST + FIRST + end)
                await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while room.count or room.coming:
                await asyncio.sleep(0.005)


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    """If this fails, a refusal overtakes the answer before it, or a request that came with another gets none."""
    async with full() as (url, counter, _), wire(url) as connection:
        await asyncio.sleep(0.05)
        health = b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n"
        await connection.send(health, FIRST, pause_s=0.05)
        await connection.send(LAST)
        counter.open.set()
        answers = [await connection.answer() for _ in range(3)]
        assert [answer.status for answer in answers if answer] == [200] * 3
        assert answers[2] is not None
        assert answers[2].headers["x-request-id"] == "last"
    async with full() as (url, _, _), wire(url) as connection:
        rest = b"GET /browse HTTP/1.1\r\nHost: shop\r\n\r\n"
        assert (await told(connection, FIRST + FIRST + b"GET /checkout HTTP/1.1\r\nX: ")).status == 503
        assert (await connection.answer()) is not None
        assert not unread(await told(connection, rest))
        assert (await told(connection, LAST)).headers["x-request-id"] == "last"
    async with full() as (url, _, _), wire(url) as connection:
        assert (await told(connection, FIRST + b"GET /checkout HTTP/1.1\r\nX: ")).status == 503
        assert not unread(await told(connection, rest))
        assert (await told(connection, LAST)).headers["x-request-id"] == "last"


async def test_who_wants_the_connection_closed_gets_that() -> None:
    """If this fails, a client of HTTP/1.0 waits for an end that does not come."""
    for request in (FIRST.replace(b"Host", b"Connection: close\r\nHost"), FIRST.replace(b"1.1", b"1.0")):
        async with full() as (url, _, _), wire(url) as connection:
            assert not unread(await told(connection, request))
            assert await connection.answer(wait_s=2) is None


async def test_a_refused_connection_is_not_idle_yet() -> None:
    """If this fails, a connection is closed for idleness while its requests are refused, or is never closed."""
    async with full(keepalive_s=0.6) as (url, _, _), wire(url) as connection:
        await asyncio.sleep(0.05)
        for _ in range(6):
            assert unread(await told(connection, FIRST))
            await asyncio.sleep(0.2)
        assert await connection.closed_after(most_s=8) < 6
