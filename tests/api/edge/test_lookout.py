"""A turn of the loop that goes on and on: who is to be refused hears of it between its steps."""

import asyncio
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
import uvloop

from checkout.edge.lookout import Lookout
from checkout.edge.refuse import Refusals
from checkout.kit import turn
from tests.api.edge.layer import FIRST, full
from tests.api.edge.wire import wire

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


class Caller:
    """A client in a thread of its own, for the loop stands still meanwhile."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self.statuses: list[int] = []
        self.heard = threading.Event()

    def ask(self) -> threading.Thread:
        """Sends a request and waits for its answer, in the thread that is given."""
        self.heard.clear()
        thread = threading.Thread(target=self._ask)
        thread.start()
        return thread

    def _ask(self) -> None:
        self._socket.sendall(FIRST)
        answer = self._socket.recv(65536)
        self.statuses.append(int(answer.split()[1]) if answer else 0)
        self.heard.set()

    def close(self) -> None:
        """Goes away."""
        self._socket.close()


def long_turn(until: threading.Event, most_s: float) -> bool:
    """Steps without an end, in one turn of the loop, until this happens; says whether it did."""
    give_up = time.monotonic() + most_s
    while not until.is_set() and time.monotonic() < give_up:
        time.sleep(0.002)
        turn.breathe()
    return until.is_set()


@pytest.mark.parametrize("make", LOOPS)
def test_a_refusal_does_not_wait_for_the_turn(make: "type[asyncio.AbstractEventLoop]") -> None:
    """If this fails, under overload a no takes as long as the steps of a hundred orders."""

    async def run() -> None:
        async with full() as (url, counter, room):
            caller = Caller(url)
            await asyncio.to_thread(caller.ask().join)
            for _ in range(3):
                asking = caller.ask()
                assert long_turn(caller.heard, 10)
                asking.join()
            assert caller.statuses == [503] * 4
            counter.open.set()
            while room.count:
                await asyncio.sleep(0.005)
            counter.open.clear()
            asking = caller.ask()
            assert not long_turn(caller.heard, 0.1)
            counter.open.set()
            await asyncio.to_thread(asking.join)
            assert caller.statuses[-1] == 200
            caller.close()
            long_turn(threading.Event(), 0.05)
            async with asyncio.timeout(10):
                while room.count or room.coming:
                    await asyncio.sleep(0.005)

    with asyncio.Runner(loop_factory=make) as runner:
        runner.run(run())


async def test_a_connection_that_breaks_ends_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """If this fails, a bug in one client's request is raised within another one's order."""
    async with full() as (url, counter, room):
        caller = Caller(url)
        await asyncio.to_thread(caller.ask().join)
        with monkeypatch.context() as patch:
            patch.setattr(Refusals, "answer", _break)
            asking = caller.ask()
            long_turn(caller.heard, 0.2)
        await asyncio.to_thread(asking.join)
        assert caller.statuses == [503, 0]
        caller.close()
        counter.open.set()
        async with asyncio.timeout(10):
            while room.count or room.coming:
                await asyncio.sleep(0.005)
        async with wire(url) as another:
            await another.send(FIRST)
            answer = await another.answer()
            assert answer is not None
            assert answer.status == 200


def _break(_refusals: Refusals, _data: bytes) -> bytes:
    raise RuntimeError("a bug")


def test_a_number_that_is_used_again_belongs_to_its_new_connection() -> None:
    """If this fails, the end of a connection takes another one out of sight."""

    class Heard:
        times = 0

        def hear(self) -> None:
            self.times += 1

    lookout, former, present = Lookout(), Heard(), Heard()
    here, there = socket.socketpair()
    with here, there:
        number = here.fileno()
        lookout.watch(number, former)
        lookout.forget(number, former)
        lookout.watch(number, present)
        lookout.forget(number, former)
        there.send(b"x")
        lookout.look()
        assert (former.times, present.times) == (0, 1)
        lookout.forget(number, present)
        lookout.look()
        assert present.times == 1


def test_it_is_not_called_more_often_than_it_breathes() -> None:
    """If this fails, each step of an order pays for a look."""
    calls = 0

    def hear() -> None:
        nonlocal calls
        calls += 1

    breathing = turn.Turn()
    breathing.breathe()
    breathing.attend(hear)
    began = time.perf_counter()
    for _ in range(20_000):
        breathing.breathe()
    assert 1 <= calls <= (time.perf_counter() - began) * 1000 + 1
    before = calls
    breathing.dismiss(hear)
    time.sleep(0.002)
    breathing.breathe()
    assert calls == before
