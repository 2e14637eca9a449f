"""The project's own load generator against a small server: what it counts is what happened."""

import asyncio
import itertools
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from bench.load import drive
from bench.load.generator import run_generator
from bench.load.shapes import Shape, builder, get, purchase
from bench.problem import BenchError
from bench.shop.floor import bare_server

STALL_S = 0.3


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Answers at once; every fourth refuses; `/stall` sleeps once, then is quick."""
    count = itertools.count(1)
    stalled = itertools.count()

    async def quick(_request: web.Request) -> web.Response:
        return web.Response(status=409 if next(count) % 4 == 0 else 200, text="x" * 300)

    async def stall(_request: web.Request) -> web.Response:
        if next(stalled) == 0:
            await asyncio.sleep(STALL_S)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/", quick), web.get("/stall", stall)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_closed_loop_counts_every_answer(server: str) -> None:
    """A failure means that refusals count as successes, or that answers are lost or counted twice."""
    sent = itertools.count(1)

    def build(number: int) -> bytes:
        assert number == next(sent)
        return get("/")

    run = await asyncio.to_thread(run_generator, server, build, connections=8, seconds=0.4)
    assert run.requests == next(sent) - 1 > 50
    assert run.ok + run.refused == run.requests
    assert run.refused == run.requests // 4
    assert run.broken == 0


async def test_an_open_loop_begins_when_its_connections_are_there(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failure means that the time it takes to connect is told as the shop's answer time."""
    connect = socket.create_connection

    def slowly(*args: Any, **kwargs: Any) -> socket.socket:
        time.sleep(0.2)
        return connect(*args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", slowly)
    run = await asyncio.to_thread(
        run_generator, server, lambda _: get("/"), connections=4, seconds=0.5, rate_per_s=50
    )
    assert run.requests >= 20
    assert run.p50_ms < 300


async def test_an_open_loop_keeps_its_rate_and_sees_a_stall(server: str) -> None:
    """A failure means that a stalled server looks fast because nobody was sent to it meanwhile."""
    run = await asyncio.to_thread(
        run_generator, server, lambda _: get("/stall"), connections=1, seconds=1.0, rate_per_s=100
    )
    assert run.requests == pytest.approx(100, abs=3)
    assert run.broken == 0
    assert run.max_ms >= STALL_S * 1000 * 0.9
    assert run.p90_ms > STALL_S * 1000 * 0.3
    assert run.p50_ms < STALL_S * 1000 * 0.5
    assert sum(second.answers for second in run.seconds) == run.requests


async def test_so_many_are_sent_and_every_answer_is_seen(server: str) -> None:
    """A failure means that a benchmark prepares fewer carts than it measures, or waits for ever."""
    bodies: list[tuple[int, int]] = []
    run = await asyncio.to_thread(
        run_generator,
        server,
        lambda _: get("/"),
        connections=4,
        seconds=30,
        most=50,
        seen=lambda status, body: bodies.append((status, len(body))),
    )
    assert run.requests == len(bodies) == 50
    assert {size for _, size in bodies} == {300}
    assert run.statuses == {200: 38, 409: 12}
    assert run.elapsed_s < 20


@pytest.mark.parametrize("rate_per_s", [0.0, 50.0])
async def test_who_is_cut_off_counts_as_broken(rate_per_s: float) -> None:
    """A failure means that a server which drops connections looks faultless, or that the load waits for it for ever."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", b""):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as made:
        url = f"http://127.0.0.1:{made.sockets[0].getsockname()[1]}"
        run = await asyncio.to_thread(
            run_generator, url, lambda _: get("/"), connections=3, seconds=0.5, rate_per_s=rate_per_s
        )
    assert run.ok == run.requests == 3
    assert run.broken >= 3
    assert run.elapsed_s < 5


@pytest.mark.parametrize(
    "kind", ["express", "cart_new", "cart_checkout", "cart_edit", "read", "bare_post", "bare_get"]
)
def test_every_shape_builds_whole_requests(kind: str) -> None:
    """A failure means that a server waits for the rest of a request, or that two requests share a key."""
    values = ["one\ttag-1", "two\ttag-2", "three\ttag-3"]
    build = builder(Shape(kind, values))
    sent = [build(number) for number in (1, 2)]
    for data in sent:
        head, _, body = data.partition(b"\r\n\r\n")
        length = [
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")
        ]
        assert (length or [0])[0] == len(body)
    keys = [line for data in sent for line in data.split(b"\r\n") if line.startswith(b"Idempotency-Key")]
    assert len(set(keys)) == len(keys)


async def test_a_server_that_is_not_there_is_said(unused_tcp_port: int) -> None:
    """A failure means that a benchmark of nothing reports figures."""
    with pytest.raises(BenchError, match="cannot be reached"):
        await asyncio.to_thread(
            run_generator, f"http://127.0.0.1:{unused_tcp_port}", lambda _: b"", connections=1, seconds=0.1
        )


async def test_the_floor_is_measured_by_the_same_tool() -> None:
    """A failure means that ratios to bare have no denominator."""
    tool = drive.chosen("generator", connections=4, seconds=0.5)
    async with bare_server(2) as server:
        post = await drive.drive(tool, server.url, Shape("bare_post"))
        get = await drive.drive(tool, server.url, Shape("bare_get"))
    assert post.ok == post.requests > 50
    assert get.ok == get.requests > 50


def test_a_purchase_names_each_sku_once_and_each_key_its_own_mail() -> None:
    """A failure means that the load sends purchases that the shop refuses."""
    body = purchase(["A", "B"], "key-1")
    assert body["lines"] == [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 1}]
    assert body["email"] == "key-1@example.com"
