"""Overload: who is refused first, how fast, and that slow senders take nobody's place."""

import asyncio
import time
from contextlib import AsyncExitStack

import aiohttp

from ratelimit.inflight import InFlight
from tests.api.edge.layer import Counter, layer
from tests.api.edge.wire import post, wire


async def inside(counter: Counter, number: int) -> None:
    """Waits until so many callers are inside."""
    async with asyncio.timeout(10):
        while counter.inside != number:
            await asyncio.sleep(0.005)


async def test_browsing_gives_way_to_carts_and_carts_to_checkouts() -> None:
    """If this fails, shoppers who pay are refused while others look around, or a full process calls itself dead."""
    counter, room = Counter(), InFlight(high=16, low=16)
    async with layer(counter.routes(), room) as url, aiohttp.ClientSession(url) as client:

        async def ask(path: str) -> tuple[int, str, int]:
            async with client.get(path) as answer:
                document = await answer.json(content_type=None)
                return answer.status, document.get("code", ""), int(answer.headers.get("Retry-After", 0))

        waiting = []
        for path, fits, full in (("/browse", 8, 8), ("/cart", 4, 12), ("/checkout", 4, 16)):
            waiting += [asyncio.create_task(ask(path)) for _ in range(fits)]
            await inside(counter, full)
            for refused in ("/browse", "/cart", "/checkout")[
                : ("/browse", "/cart", "/checkout").index(path) + 1
            ]:
                status, code, pause_s = await ask(refused)
                assert (status, code) == (503, "overloaded"), (path, refused)
                assert 1 <= pause_s <= 5
        assert room.shed == [3, 2, 1, 0]
        health = asyncio.create_task(ask("/health"))
        await inside(counter, 17)
        counter.open.set()
        assert {status for status, _, _ in await asyncio.gather(health, *waiting)} == {200}
        assert [await ask(path) for path in ("/browse", "/cart", "/checkout")] == [(200, "", 0)] * 3
        assert room.count == 0


async def test_a_refusal_is_fast() -> None:
    """If this fails, refusing costs as much as serving, and an overload feeds itself (T12: at most 20 ms)."""
    counter = Counter()
    async with layer(counter.routes(), InFlight(high=2, low=2)) as url, aiohttp.ClientSession(url) as client:
        full = asyncio.create_task(client.get("/browse"))
        await inside(counter, 1)
        took = []
        for _ in range(200):
            began = time.perf_counter()
            async with client.get("/browse") as answer:
                assert answer.status == 503
            took.append(time.perf_counter() - began)
        counter.open.set()
        (await full).close()
        assert sorted(took)[100] < 0.020


async def test_who_dribbles_a_body_takes_nobodys_place() -> None:
    """If this fails, some hundred idle connections that never finish a body close the shop for everybody (T13)."""
    counter, room = Counter(), InFlight(high=16, low=16)
    counter.open.set()
    async with (
        layer(counter.routes(), room) as url,
        AsyncExitStack() as stack,
        aiohttp.ClientSession(url) as client,
    ):
        for fields in (["Content-Length: 100"], ["Transfer-Encoding: chunked"]):
            for _ in range(20):
                connection = await stack.enter_async_context(wire(url))
                await connection.send(
                    post("/cart", b"", *fields) + (b"5\r\nhel" if "chunked" in fields[0] else b"hel")
                )
        async with client.get("/health") as answer:
            assert answer.status == 200
        for path in ("/browse", "/cart", "/checkout"):
            async with client.get(path) as answer:
                assert answer.status == 200, path
        async with client.post("/cart", data=b"x" * 1000) as answer:
            assert answer.status == 200
        assert room.count == 0
        assert room.shed == [0, 0, 0, 0]


async def test_a_body_that_comes_in_two_parts_is_whole() -> None:
    """If this fails, a request that the network splits is refused, or reaches its handler cut off."""
    counter = Counter()
    counter.open.set()
    async with layer(counter.routes(), InFlight()) as url, wire(url) as connection:
        for body, fields in ((b"hello", ()), (b"5\r\nhello\r\n0\r\n\r\n", ("Transfer-Encoding: chunked",))):
            raw = post("/cart", body, *fields)
            await connection.send(raw[:-3], raw[-3:], pause_s=0.05)
            answer = await connection.answer()
            assert answer is not None
            assert answer.status == 200
        await connection.send(
            *(post("/cart", b"x" * 1025)[at : at + 300] for at in range(0, 1500, 300)), pause_s=0.02
        )
        answer = await connection.answer()
        assert answer is not None
        assert answer.problem["code"] == "too_large"
