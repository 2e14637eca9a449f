"""Policies as data, the header fields, and one process's part of a limit."""

import pytest

from config.settings import RateLimit
from ratelimit import headers
from ratelimit.local import LocalLimiter
from ratelimit.policies import Policy, policies


@pytest.mark.parametrize(
    ("requests", "period_s", "emission_us"),
    [
        (10, 1, 100_000),
        (1, 1, 1_000_000),
        (10, 60, 6_000_000),
        (3, 3600, 1_200_000_000),
        (1_000_000, 1, 1),
        (10**9, 1, 1),
    ],
)
def test_a_rate_becomes_a_policy(requests: int, period_s: int, emission_us: int) -> None:
    """If this fails, `10/second` in the settings is another limit in the shop."""
    policy = policies({"cart": RateLimit(requests=requests, period_s=period_s)})["cart"]
    assert policy == Policy("cart", requests, period_s, emission_us, requests)
    assert policy.header == f'"cart";q={requests};w={period_s}'


@pytest.mark.parametrize("requests", [1, 2, 7, 10, 200, 1_000_000])
@pytest.mark.parametrize("processes", [1, 2, 3, 16])
def test_the_parts_of_all_processes_make_the_whole(requests: int, processes: int) -> None:
    """If this fails, more processes mean a higher limit, or a limit so low that one process refuses everybody."""
    whole = Policy.of("browse", RateLimit(requests=requests, period_s=60))
    part = whole.shared_by(processes)
    assert requests <= part.burst * processes < requests + processes
    a_minute = 60_000_000 // part.emission_us * processes
    assert a_minute <= requests * 1.01 + processes
    assert part.header == whole.header, "the client is told its own limit, not the process's part"


def test_the_fields_are_whole_seconds_rounded_up() -> None:
    """If this fails, a client comes back a moment too early and is refused again."""
    assert headers.rate_limit("cart", 3, 1) == '"cart";r=3;t=1'
    assert headers.rate_limit("cart", 0, 2001) == '"cart";r=0;t=3'
    assert headers.rate_limit("cart", 9, 0) == '"cart";r=9;t=0'
    assert [headers.retry_after(ms) for ms in (0, 1, 1000, 1001, 60_000)] == ["1", "1", "1", "2", "60"]


def test_pauses_are_spread() -> None:
    """If this fails, everybody who was refused comes back in the same moment."""
    pauses = {headers.jittered_ms(1, 5) for _ in range(200)}
    assert min(pauses) >= 1000
    assert max(pauses) <= 5000
    assert len(pauses) > 50


def test_clients_are_counted_apart_and_a_flood_of_names_stays_bounded() -> None:
    """If this fails, one client's flood refuses another, or made-up addresses fill the memory."""
    now_ns = 0
    limiter = LocalLimiter(Policy("p", 2, 1, 500_000, 2), entries_max=100, clock=lambda: now_ns)
    assert [limiter.take("a").allowed for _ in range(3)] == [True, True, False]
    assert limiter.take("b").allowed
    for number in range(1_000):
        limiter.take(f"made up {number}")
        assert len(limiter) <= 100
    now_ns = 2_000_000_000
    for number in range(100):
        limiter.take(f"later {number}")
    assert len(limiter) <= 100
    assert limiter.take("a").allowed
