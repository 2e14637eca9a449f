"""The generic cell rate algorithm: its laws, and that Lua and the in-process limiter are the same algorithm."""

import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.kit.lane import Lane
from ratelimit.gcra import Decision, decide
from ratelimit.local import LocalLimiter
from ratelimit.policies import Policy
from ratelimit.shared import GCRA_LUA
from tests.shop import Stores

START_US = 1_790_000_000_000_000
# As limit.lua, with a clock that the test sets; the key is kept, for the test's clock is not the server's.
SCRIPT = (
    GCRA_LUA.read_text()
    + """
local found = { gcra(KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])) }
found[5], found[6] = redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
redis.call('PERSIST', KEYS[1])
return found
"""
)

rates = st.tuples(
    st.sampled_from((1, 7, 999, 1_000, 100_000, 60_000_000)) | st.integers(1, 10**7), st.integers(1, 60)
)
waits = st.sampled_from((0, 0, 1, 500, 1_000, 99_999)) | st.integers(0, 10**8)
plain_steps = st.lists(waits, min_size=1, max_size=40)
steps = st.lists(
    st.tuples(waits | st.integers(-(10**7), 0), st.sampled_from((0, 1, 1, 1, 2, 5))), min_size=1, max_size=40
)


class Client:
    """One client of one policy, by the model."""

    def __init__(self, emission_us: int, burst: int) -> None:
        self.emission_us, self.burst = emission_us, burst
        self.tat_us: int | None = None

    def take(self, now_us: int, cost: int = 1) -> Decision:
        self.tat_us, decision = decide(
            tat_us=self.tat_us, now_us=now_us, emission_us=self.emission_us, burst=self.burst, cost=cost
        )
        return decision


@pytest.fixture
async def lane(stores: Stores) -> AsyncIterator[Lane]:
    """A connection to a database of its own."""
    made = Lane(stores.fresh_gate_url())
    await made.start(wait_s=2)
    yield made
    await made.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=rates, steps=steps)
async def test_lua_agrees_with_the_model(
    lane: Lane, rate: tuple[int, int], steps: list[tuple[int, int]]
) -> None:
    """If this fails, a limit in Redis lets through more, or fewer, than the policy says, or tells clients wrongly."""
    emission_us, burst = rate
    client, now_us, key = Client(emission_us, burst), START_US, uuid.uuid4().hex
    for wait_us, wanted in steps:
        now_us += wait_us
        cost = min(wanted, burst)
        expected = client.take(now_us, cost)
        answer = await lane.call("EVAL", SCRIPT, 1, key, f"{now_us / 1000:.3f}", emission_us, burst, cost)
        allowed, remaining, reset_ms, retry_ms, kept, ttl_ms = answer
        assert Decision(allowed == 1, remaining, reset_ms, retry_ms) == expected
        assert (int(kept) if kept is not None else None) == client.tat_us
        if expected.allowed and cost:
            assert ttl_ms in (reset_ms, reset_ms - 1), (
                "a client is forgotten before it is back at zero, or kept for ever"
            )


@settings(max_examples=120, deadline=None)
@given(rate=rates, steps=st.lists(st.tuples(waits, st.sampled_from((1, 1, 2, 5))), min_size=1, max_size=40))
def test_the_local_limiter_agrees_with_the_model(rate: tuple[int, int], steps: list[tuple[int, int]]) -> None:
    """If this fails, browsing is limited by another rule than everything else."""
    emission_us, burst = rate
    now_us = START_US
    limiter = LocalLimiter(Policy("p", burst, 1, emission_us, burst), clock=lambda: now_us * 1000)
    client = Client(emission_us, burst)
    for wait_us, wanted in steps:
        now_us += wait_us
        cost = min(wanted, burst)
        assert limiter.take("somebody", cost) == client.take(now_us, cost)


@settings(max_examples=120, deadline=None)
@given(rate=rates, steps=plain_steps)
def test_no_stretch_of_time_lets_more_through_than_the_policy(
    rate: tuple[int, int], steps: list[int]
) -> None:
    """If this fails, a bot that knows the rule gets more than its share."""
    emission_us, burst = rate
    client, now_us, let_in = Client(emission_us, burst), START_US, []
    for wait_us in steps:
        now_us += wait_us
        if client.take(now_us).allowed:
            let_in.append(now_us)
    for first in range(len(let_in)):
        for last in range(first, len(let_in)):
            most = burst + (let_in[last] - let_in[first]) // emission_us
            assert last - first + 1 <= most


@settings(max_examples=120, deadline=None)
@given(rate=rates, steps=plain_steps)
def test_what_a_client_is_told_is_true(rate: tuple[int, int], steps: list[int]) -> None:
    """If this fails, a client that keeps to Retry-After and RateLimit is refused all the same, or waits for nothing."""
    emission_us, burst = rate
    client, now_us = Client(emission_us, burst), START_US
    for wait_us in steps:
        now_us += wait_us
        before = client.tat_us
        told = client.take(now_us)
        if not told.allowed:
            assert client.tat_us == before, "a refusal counted"
            assert not _copy(client).take(now_us + told.retry_ms * 1000 - 1000).allowed, (
                "it could have come sooner"
            )
            assert _copy(client).take(now_us + told.retry_ms * 1000).allowed
        at_once = _copy(client)
        assert sum(at_once.take(now_us).allowed for _ in range(burst + 1)) == told.remaining
        later = _copy(client)
        assert sum(later.take(now_us + told.reset_ms * 1000).allowed for _ in range(burst + 1)) == burst
        assert _copy(client).take(now_us, 0).remaining == told.remaining, "looking counted"


def _copy(client: Client) -> Client:
    other = Client(client.emission_us, client.burst)
    other.tat_us = client.tat_us
    return other
