"""The bound on what one provider may cost."""

import asyncio

import pytest

from checkout.payments.providers.breaker import Breaker, Resting


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def fail(breaker: Breaker) -> None:
    async with breaker.call() as call:
        call.failed()


async def succeed(breaker: Breaker) -> None:
    async with breaker.call():
        pass


async def test_it_opens_within_its_window_and_closes_after_a_good_probe() -> None:
    """If this fails, a dead provider holds every worker, or a recovered one stays cut off."""
    clock = Clock()
    breaker = Breaker(failures=3, window_s=1.0, rest_s=5.0, clock=clock)
    for _ in range(3):
        await fail(breaker)
    assert breaker.state == "open"
    with pytest.raises(Resting):
        await succeed(breaker)
    clock.now = 5.0
    await fail(breaker)  # the probe
    with pytest.raises(Resting):
        await succeed(breaker)
    clock.now = 10.0
    await succeed(breaker)
    assert breaker.state == "closed"


async def test_scattered_failures_do_not_open_it() -> None:
    """If this fails, a provider with a few errors an hour is cut off."""
    clock = Clock()
    breaker = Breaker(failures=3, window_s=1.0, clock=clock)
    for _ in range(10):
        await fail(breaker)
        clock.now += 0.6
    clock.now += 1.0
    for _ in range(5):
        await fail(breaker)
        await fail(breaker)
        await succeed(breaker)
    assert breaker.state == "closed"


async def test_one_probe_at_a_time_and_a_cancelled_one_leaves_room() -> None:
    """If this fails, a rush meets a provider that is just recovering, or a lost probe keeps it shut for ever."""
    clock = Clock()
    breaker = Breaker(failures=1, rest_s=1.0, clock=clock)
    await fail(breaker)
    clock.now = 1.0
    hold = asyncio.Event()

    async def probe() -> None:
        async with breaker.call():
            await hold.wait()

    task = asyncio.create_task(probe())
    await asyncio.sleep(0)
    assert breaker.state == "probing"
    with pytest.raises(Resting):
        await succeed(breaker)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await succeed(breaker)
    assert breaker.state == "closed"


async def test_calls_at_once_are_bounded() -> None:
    """If this fails, a burst opens hundreds of connections to a provider."""
    breaker = Breaker(concurrency=2, wait_s=0.05)
    most = now = 0

    async def one() -> None:
        nonlocal most, now
        async with breaker.call():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.01)
            now -= 1

    await asyncio.gather(*(one() for _ in range(6)))
    assert most == 2
    hold = asyncio.Event()

    async def held() -> None:
        async with breaker.call():
            await hold.wait()

    holders = [asyncio.create_task(held()) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Resting):
        await succeed(breaker)
    hold.set()
    await asyncio.gather(*holders)
    await succeed(breaker)
