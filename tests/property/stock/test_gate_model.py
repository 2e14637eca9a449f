"""The gate's scripts against a model in Python: whatever the order of calls, they agree, and no unit appears or vanishes."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.errors import OutcomeUnknown
from checkout.kit.lane import Lane
from checkout.stock.gate import EPOCH, OPEN_CLAIMS, STOCK, Gate, GateState
from checkout.stock.model import Verdict
from config.limits import ADMITTED_AT_ONCE_MAX
from ratelimit.policies import Policy
from ratelimit.shared import SharedLimiter
from ratelimit.toll import PAID, OverLimit, Toll
from tests.shop import Stores

ITEMS = (1, 2, 3)
SLOW = Policy("slow", 3, 180, 60_000_000, 3)
IN_PLAY = tuple(uuid.UUID(int=n) for n in range(1, 7))


class Model:
    """What the gate promises, in ten lines a call."""

    def __init__(self, units: int) -> None:
        self.units = dict.fromkeys(ITEMS, units)
        self.open: dict[uuid.UUID, dict[int, int]] = {}
        self.settled: set[uuid.UUID] = set()

    def admit(self, claim: uuid.UUID, items: list[tuple[int, int]], turn_in: uuid.UUID | None) -> Verdict:
        if claim in self.settled:
            return Verdict.SETTLED
        if claim in self.open and turn_in != claim:
            return Verdict.KNOWN
        held = self.open.get(turn_in, {}) if turn_in else {}
        after = {item: self.units[item] + held.get(item, 0) for item in ITEMS}
        for item, units in items:
            if after[item] < units:
                return Verdict.REFUSED
            after[item] -= units
        self.units = after
        if turn_in:
            self.open.pop(turn_in, None)
        self.open[claim] = dict(items)
        return Verdict.ADMITTED

    def give_back(self, claim: uuid.UUID) -> None:
        for item, units in self.open.pop(claim, {}).items():
            self.units[item] += units

    def settle(self, claim: uuid.UUID) -> None:
        if self.open.pop(claim, None) is not None:
            self.settled.add(claim)


claims = st.sampled_from(IN_PLAY)
lines = st.dictionaries(st.sampled_from(ITEMS), st.integers(1, 6), min_size=1).map(
    lambda d: sorted(d.items())
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), claims, lines, st.none() | claims),
        st.tuples(st.just("hold"), claims, lines, st.none() | claims),
        st.tuples(st.just("give_back"), claims, st.none(), st.none()),
        st.tuples(st.just("settle"), claims, st.none(), st.none()),
    ),
    max_size=25,
)


@pytest.fixture
async def gate(stores: Stores) -> AsyncIterator[Gate]:
    """An open gate on a database of its own."""
    lane = Lane(stores.fresh_gate_url())

    async def state() -> GateState:
        return GateState(1, opened.run_id, 0.0)

    opened = Gate(lane, state)
    await lane.start(wait_s=2)
    await lane.call("SET", EPOCH, 1)
    assert await opened.refresh()
    yield opened
    await lane.close()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, units=st.integers(0, 10))
async def test_scripts_agree_with_the_model(
    gate: Gate, steps: list[tuple[str, uuid.UUID, list[tuple[int, int]] | None, uuid.UUID | None]], units: int
) -> None:
    """If this fails, the gate loses or invents units for some order of calls, and sells too little or asks too much."""
    await gate.lane.call("FLUSHDB")
    await gate.lane.call("SET", EPOCH, 1)
    await gate.lane.call("HSET", STOCK, *(value for item in ITEMS for value in (item, units)))
    model = Model(units)
    for name, claim, items, turn_in in steps:
        if name in ("admit", "hold"):
            answer = await gate.admit(
                claim, items or [], turn_in=turn_in, hold_ttl_ms=60_000 if name == "hold" else 0
            )
            assert answer.verdict is model.admit(claim, items or [], turn_in)
        elif name == "give_back":
            await gate.give_back([claim])
            model.give_back(claim)
        else:
            await gate._settle(1, [claim])
            model.settle(claim)
        left, open_claims = await gate.snapshot(list(ITEMS))
        assert dict(zip(ITEMS, left, strict=True)) == model.units
        assert {c.claim_id: dict(c.items) for c in open_claims} == model.open
    assert int(await gate.lane.call("SCARD", OPEN_CLAIMS)) == len(model.open)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(claims, lines, st.none() | claims, st.booleans()), min_size=1, max_size=12),
    units=st.integers(0, 10),
)
async def test_claims_of_one_call_are_admitted_in_their_order(
    gate: Gate, asked: list[tuple[uuid.UUID, list[tuple[int, int]], uuid.UUID | None, bool]], units: int
) -> None:
    """If this fails, claims that share a call see each other's units wrongly: the last one is sold twice, or to nobody."""
    await gate.lane.call("FLUSHDB")
    await gate.lane.call("SET", EPOCH, 1)
    await gate.lane.call("HSET", STOCK, *(value for item in ITEMS for value in (item, units)))
    model, before = Model(units), gate.lane.calls
    answers = await asyncio.gather(
        *(
            gate.admit(claim, items, turn_in=turn_in, hold_ttl_ms=60_000 if hold else 0)
            for claim, items, turn_in, hold in asked
        )
    )
    assert gate.lane.calls - before == 1
    assert [a.verdict for a in answers] == [
        model.admit(claim, items, held) for claim, items, held, _ in asked
    ]
    left, open_claims = await gate.snapshot(list(ITEMS))
    assert dict(zip(ITEMS, left, strict=True)) == model.units
    assert {c.claim_id: dict(c.items) for c in open_claims} == model.open
    assert int(await gate.lane.call("SCARD", OPEN_CLAIMS)) == len(model.open)


async def test_more_claims_than_a_call_takes_are_several_calls(gate: Gate) -> None:
    """If this fails, a burst of claims is one script that everybody else waits for."""
    await gate.lane.call("HSET", STOCK, 1, 100)
    before = gate.lane.calls
    many = 2 * ADMITTED_AT_ONCE_MAX + 1
    answers = await asyncio.gather(*(gate.admit(uuid.uuid4(), [(1, 1)]) for _ in range(many)))
    assert [a.verdict for a in answers] == [Verdict.ADMITTED] * 100 + [Verdict.REFUSED] * (many - 100)
    assert gate.lane.calls - before == 3


async def test_claims_that_wait_when_the_connection_is_lost_are_told(gate: Gate) -> None:
    """If this fails, orders that were about to ask the gate wait for ever when it goes away."""
    blocking = gate.lane.call("BLPOP", "nothing", 30)
    await asyncio.sleep(0.01)
    toll = Toll(SharedLimiter(None, None, away=()), SLOW, "10.0.0.2")
    asked = [asyncio.ensure_future(gate.admit(uuid.uuid4(), [(1, 1)], toll=one)) for one in (toll, PAID)]
    await asyncio.sleep(0.01)
    gate.lane.drop()
    async with asyncio.timeout(1):
        assert [one.verdict for one in await asyncio.gather(*asked)] == [Verdict.CLOSED] * 2
    assert toll.decision is not None
    assert toll.decision.remaining == 2, "counted in this process, once"
    with pytest.raises(OutcomeUnknown):
        await blocking


async def test_another_epoch_changes_nothing(gate: Gate) -> None:
    """If this fails, a late writer of a lost gate can touch the rebuilt one."""
    await gate.lane.call("HSET", STOCK, 1, 5)
    await gate.lane.call("SET", EPOCH, 2)
    assert (await gate.admit(uuid.uuid4(), [(1, 1)])).verdict is Verdict.CLOSED
    assert not gate.is_open
    assert int(await gate.lane.call("HGET", STOCK, 1)) == 5


async def test_refusal_names_what_is_available(gate: Gate) -> None:
    """If this fails, a shopper is told a wrong number of units that are left."""
    await gate.lane.call("HSET", STOCK, 1, 5, 2, 0)
    refused = await gate.admit(uuid.uuid4(), [(1, 2), (2, 1)])
    assert refused.verdict is Verdict.REFUSED
    assert refused.available == (5, 0)


async def test_limit_counts_in_the_same_call(gate: Gate) -> None:
    """If this fails, the checkout limit is not held, or needs a call of its own."""
    await gate.lane.call("HSET", STOCK, 1, 100)
    before = gate.lane.calls
    tolls = [Toll(SharedLimiter(None, None, away=()), SLOW, "10.0.0.1") for _ in range(5)]
    for toll in tolls[:3]:
        assert (await gate.admit(uuid.uuid4(), [(1, 1)], toll=toll)).verdict is Verdict.ADMITTED
    for toll in tolls[3:]:
        with pytest.raises(OverLimit) as over:
            await gate.admit(uuid.uuid4(), [(1, 1)], toll=toll)
        assert over.value.decision.retry_ms > 0
    assert [toll.decision.remaining for toll in tolls if toll.decision] == [2, 1, 0, 0, 0]
    assert gate.lane.calls - before == 5
