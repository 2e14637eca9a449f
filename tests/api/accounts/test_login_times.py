"""T24: the time of a sign-in tells nothing, ten tries in a quarter of an hour, and a flood of sign-ins costs shoppers little.

The flood is measured only with FLOOD=1, on a machine that does nothing else.
"""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from checkout.accounts.sign_in import TRIES
from config import limits
from ratelimit.local import LocalLimiter
from tests.api.accounts.conftest import People, later
from tests.shop import Stores, TestShop, running

_SAMPLES = 24


async def timed(shop: TestShop, path: str, body: Any) -> float:
    """How long one request took. Units: s."""
    began = time.perf_counter()
    await shop.call("POST", path, json=body)
    return time.perf_counter() - began


async def compared(shop: TestShop, path: str, bodies: dict[str, Any]) -> float:
    """The median time of the first body's requests by that of the second's, taken in turns."""
    took: dict[str, list[float]] = {name: [] for name in bodies}
    for number in range(_SAMPLES):
        names = list(bodies) if number % 2 else list(reversed(bodies))
        for name in names:
            for email in ("customer@example.com", "nobody@example.com"):
                await later(shop, email)
            took[name].append(await timed(shop, path, bodies[name]))
    first, second = (statistics.median(times) for times in took.values())
    return first / second


async def indistinguishable(shop: TestShop, path: str, bodies: dict[str, Any]) -> None:
    """Holds medians within 15 % of each other. One of three rounds is enough: a leak would show in each of them, and a
    machine that is busy with something else does not."""
    ratios = []
    for _ in range(3):
        ratios.append(await compared(shop, path, bodies))
        if 1 / 1.15 <= ratios[-1] <= 1.15:
            return
    raise AssertionError(f"{path}: known ÷ unknown {ratios}")


def told_apart(password: str = "a wrong password") -> dict[str, Any]:
    """A body for an address that has an account, and one for an address that has none."""
    return {
        email: {"email": f"{email}@example.com", "password": password} for email in ("customer", "nobody")
    }


async def test_a_known_and_an_unknown_address_take_the_same_time_to_refuse(people: People) -> None:
    """If this fails, a stopwatch tells which addresses have an account."""
    await indistinguishable(people.shop, "/v1/sessions", told_apart())


async def test_registering_takes_the_same_time_for_both(people: People) -> None:
    """If this fails, a stopwatch tells by registering which addresses have an account."""
    await indistinguishable(people.shop, "/v1/accounts", told_apart("four beasts in the snow"))


def test_no_quarter_of_an_hour_sees_more_than_ten_tries() -> None:
    """If this fails, a password can be guessed faster than promised, or somebody is locked out for good."""
    clock = 0
    limiter = LocalLimiter(TRIES, clock=lambda: clock)
    granted = []
    for second in range(4 * limits.LOGIN_WINDOW_S):
        clock = (1_000_000 + second) * 1_000_000_000
        if limiter.take("somebody").allowed:
            granted.append(second)
    in_window = max(
        sum(begin <= second < begin + limits.LOGIN_WINDOW_S for second in granted) for begin in granted
    )
    assert 5 <= in_window <= limits.LOGIN_TRIES_MAX
    assert granted[-1] > 3 * limits.LOGIN_WINDOW_S, "who is tried all the time can never sign in again"


@pytest.fixture
async def quiet_shop(stores: Stores) -> AsyncIterator[TestShop]:
    """A shop that sheds as it does in production."""
    async with running(await stores.fresh_settings()) as started:
        yield started


@pytest.mark.skipif("FLOOD" not in os.environ, reason="a measurement, not a test: it needs a quiet machine")
async def test_a_flood_of_sign_ins_costs_shoppers_at_most_as_much_again(quiet_shop: TestShop) -> None:
    """If this fails, guessing passwords makes checkouts slow: their p99 may at most double (T24)."""
    shop = quiet_shop
    alone = await _p99(shop, "alone")
    stop = asyncio.Event()
    flooding = [asyncio.create_task(_flood(shop, n, stop)) for n in range(40)]
    await asyncio.sleep(0.5)
    flooded = await _p99(shop, "flood")
    stop.set()
    tried = sum(await asyncio.gather(*flooding))
    print(
        f"\ncheckout p99 alone {alone * 1000:.1f} ms, flooded {flooded * 1000:.1f} ms ({flooded / alone:.2f}×), {tried} tries"
    )
    assert flooded <= 2 * alone


async def _p99(shop: TestShop, name: str, *, seconds: float = 12.0, per_second: int = 50) -> float:
    """The 99th percentile of checkouts that come at a fixed rate. Units: s, from when each was due."""
    took: list[float] = []
    began = time.perf_counter()

    async def one(number: int) -> None:
        due = began + number / per_second
        await asyncio.sleep(due - time.perf_counter())
        status, _ = await shop.insist(("MUG-CLASSIC", 1), key=f"{name}-{number}")
        assert status == 201
        took.append(time.perf_counter() - due)

    await shop.set_stock("MUG-CLASSIC", 100_000)
    await asyncio.gather(*(one(number) for number in range(int(seconds * per_second))))
    return statistics.quantiles(took, n=100)[98]


async def _flood(shop: TestShop, number: int, stop: asyncio.Event) -> int:
    tries = 0
    while not stop.is_set():
        body = {"email": f"{number}-{tries}@example.com", "password": "a wrong password"}
        status, _, _ = await shop.call("POST", "/v1/sessions", json=body)
        tries += 1
        if status == 503:
            await asyncio.sleep(0.05)
    return tries
