"""The limiter over a real Valkey: one count for all, and a limit that is still held while it is away."""

import asyncio

from checkout.errors import Unavailable
from checkout.kit.lane import Lane, ReplyError, Script
from ratelimit.policies import Policy
from ratelimit.shared import LIMIT_SOURCES, SharedLimiter, limit_key
from tests.shop import Stores

POLICY = Policy("cart", 8, 3600, 450_000_000, 8)
AWAY = (Unavailable, ReplyError)


async def test_processes_share_one_count_and_clients_and_policies_none(stores: Stores) -> None:
    """If this fails, a limit is multiplied by the processes, or one client's calls are charged to another."""
    url = stores.fresh_gate_url()
    lanes = [Lane(url) for _ in range(3)]
    limiters = [SharedLimiter(lane, Script(*LIMIT_SOURCES), away=AWAY, processes=3) for lane in lanes]
    for lane in lanes:
        await lane.start(wait_s=2)
    answers = await asyncio.gather(*(limiter.take(POLICY, "10.0.0.1") for limiter in limiters * 7))
    assert sum(answer.allowed for answer in answers) == 8
    assert sorted(answer.remaining for answer in answers if answer.allowed) == list(range(8))
    assert all(answer.retry_ms > 0 for answer in answers if not answer.allowed)
    assert (await limiters[0].take(POLICY, "10.0.0.2")).remaining == 7
    other = Policy("checkout", 2, 3600, 1_800_000_000, 2)
    assert (await limiters[0].take(other, "10.0.0.1")).remaining == 1
    ttl_ms = int(await lanes[0].call("PTTL", limit_key("cart", "10.0.0.1")))
    assert 0 < ttl_ms <= 3_600_000, "the key stays for ever"
    assert [limiter.fell_back for limiter in limiters] == [0, 0, 0]
    for lane in lanes:
        await lane.close()


async def test_while_redis_is_away_each_process_holds_its_part(stores: Stores) -> None:
    """If this fails, killing Redis lifts every limit, or refuses everybody."""
    gone = Lane("unix:///nowhere/gate.sock?db=0", connect_timeout_s=0.1)
    limiter = SharedLimiter(gone, Script(*LIMIT_SOURCES), away=AWAY, processes=4)
    answers = [await limiter.take(POLICY, "10.0.0.1") for _ in range(5)]
    assert [answer.allowed for answer in answers] == [True, True, False, False, False]
    assert (await limiter.take(POLICY, "10.0.0.2")).allowed
    assert limiter.fell_back == 6
    await gone.close()
