"""T24: the time of a sign-in tells nothing, and ten tries in a quarter of an hour. `checkout bench flood` measures the rest."""

import statistics
import time
from typing import Any

from checkout.accounts.sign_in import TRIES
from config import limits
from ratelimit.local import LocalLimiter
from tests.api.accounts.conftest import People, later
from tests.shop import TestShop

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
