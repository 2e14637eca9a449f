"""Hundreds who connect at once to a process that is busy, in the event loop that serves."""

import asyncio
import contextlib
import socket
import time

import uvloop

from ratelimit.inflight import InFlight
from tests.api.edge.layer import Counter, layer

_CROWD = 320
_TURN_S = 0.002
_TURNS_MAX = 80
"""A quarter of a turn a connection: some of it is for reading and answering."""


async def _turns_until_answered(url: str) -> int:
    """How many turns of the loop it takes until everybody who connected before the first has an answer."""
    host, port = url.removeprefix("http://").split(":")
    waiting = [socket.create_connection((host, int(port)), timeout=5) for _ in range(_CROWD)]
    for one in waiting:
        one.sendall(b"GET /health HTTP/1.1\r\nHost: shop\r\n\r\n")
        one.setblocking(False)
    turns = 0
    while waiting and turns < 4 * _CROWD:
        turns += 1
        time.sleep(_TURN_S)  # noqa: ASYNC251 - what the requests of others take of a turn
        await asyncio.sleep(0)
        for one in list(waiting):
            with contextlib.suppress(BlockingIOError):
                assert one.recv(16).startswith(b"HTTP/1.1 200")
                waiting.remove(one)
                one.close()
    assert not waiting
    return turns


def test_who_connects_to_a_busy_process_waits_for_few_of_its_turns() -> None:
    """If it fails, newcomers are taken one a turn: under an overload they hear nothing for ten seconds."""

    async def whole() -> int:
        counter = Counter()
        counter.open.set()
        async with layer(counter.routes(), InFlight()) as url:
            return await _turns_until_answered(url)

    assert uvloop.run(whole()) <= _TURNS_MAX
