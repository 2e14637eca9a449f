"""edit.lua and restore.lua against `apply`, the model that also edits carts while the gate is away."""

import time
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkout.carts import live
from checkout.carts.live import EPOCH, LiveCarts
from checkout.carts.model import ANYBODY, Fields, Op, Verdict, apply, new_fields, parse
from checkout.errors import Unavailable
from checkout.kit.lane import Lane, ReplyError, Script
from config import limits
from ratelimit.gcra import decide
from ratelimit.policies import Policy
from ratelimit.shared import LIMIT_SOURCES, SharedLimiter
from ratelimit.toll import OverLimit, Toll
from tests.shop import Stores

PAST, FUTURE = "1000", str(int((time.time() + 86_400) * 1000))
CART = "c" * 32


class OpenGate:
    """As much of a gate as carts need, always of epoch 1."""

    epoch = 1

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
async def gate(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenGate]:
    """A gate on a database of its own, and carts so small that their bounds are met often."""
    monkeypatch.setattr(limits, "CART_LINES_MAX", 3)
    monkeypatch.setattr(limits, "COUPONS_MAX", 2)
    monkeypatch.setattr(live, "_BOUNDS", (60, 3, 2))
    lane = Lane(stores.fresh_gate_url())
    await lane.start(wait_s=2)
    await lane.call("SET", EPOCH, 1)
    yield OpenGate(lane)
    await lane.close()


entries = st.sampled_from(["l:A", "l:B", "l:C/1", "l:D", "l:é", "c:X", "c:Y", "c:Z"])
ops = st.one_of(
    st.tuples(st.just("Q"), entries, st.integers(1, 9).map(str)),
    st.tuples(st.just("D"), entries, st.just("")),
    st.tuples(st.just("S"), st.just("hold"), st.sampled_from([PAST, FUTURE])),
    st.tuples(st.just("D"), st.just("hold"), st.just("")),
    st.tuples(st.just("S"), st.just("ship"), st.sampled_from(["standard", "express"])),
    st.tuples(st.just("S"), st.just("addr"), st.just('{"country":"DE","city":"Köln"}')),
)
order = st.just([("S", "st", "ordered")])
MINE, THEIRS = f"{1:032x}", f"{2:032x}"
take = st.sampled_from([[("S", "acct", MINE)], [("D", "acct", "")]])
edits = st.lists(
    st.tuples(
        st.one_of(*[st.lists(ops, max_size=4)] * 3, order, take),
        st.none() | st.integers(-1, 1),
        st.booleans(),
        st.sampled_from([ANYBODY, "", MINE, THEIRS]),
    ),
    max_size=15,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=edits)
async def test_script_and_model_agree(
    gate: OpenGate, edits: list[tuple[list[Op], int | None, bool, str]]
) -> None:
    """If this fails, a cart edited without the gate becomes another one than with it, or a bound does not hold."""
    await gate.lane.call("FLUSHDB")
    await gate.lane.call("SET", EPOCH, 1)
    carts = LiveCarts(gate)
    assert await carts.edit(CART, [], expected=None, guard_hold=False) == (Verdict.MISSING, {})
    fields: Fields = new_fields("EUR", country="DE")
    assert await carts.restore(CART, fields) == (Verdict.DONE, fields)
    for changes, offset, guard, who in edits:
        before = fields
        expected = None if offset is None else int(fields["v"]) + offset
        now_ms = int(time.time() * 1000)
        verdict, after = apply(fields, changes, expected=expected, guard_hold=guard, now_ms=now_ms, who=who)
        answered = await carts.edit(CART, changes, expected=expected, guard_hold=guard, who=who)
        assert answered == (verdict, after)
        if verdict is Verdict.FOREIGN:
            assert after == {}, "a stranger was shown a cart"
            continue
        fields = after
        assert int(fields["v"]) - int(before["v"]) == (fields != before)
        cart = parse(CART, fields)
        assert len(cart.lines) <= 3
        assert len(cart.coupons) <= 2
        kept = [sku for sku, _ in parse(CART, before).lines if f"l:{sku}" in fields]
        still = [sku for sku, _ in cart.lines if f"l:{sku}" in before]
        if all(kind != "D" for kind, _, _ in changes):
            assert kept == still
    assert gate.closed == 0


async def test_restore_never_goes_back(gate: OpenGate) -> None:
    """If this fails, an older copy from Postgres overwrites what a shopper just did in the gate."""
    carts = LiveCarts(gate)
    newer: Fields = {"v": "7", "cur": "EUR", "l:A": "2 3"}
    assert (await carts.restore(CART, newer))[1] == newer
    assert (await carts.restore(CART, {"v": "6", "cur": "EUR"}))[1] == newer
    newest: Fields = {"v": "1007", "cur": "EUR"}
    assert (await carts.restore(CART, newest))[1] == newest


async def test_another_epoch_is_refused(gate: OpenGate) -> None:
    """If this fails, a process that missed a rebuild goes on editing carts of the lost gate."""
    carts = LiveCarts(gate)
    await carts.restore(CART, new_fields("EUR"))
    await gate.lane.call("SET", EPOCH, 2)
    edit: list[Op] = [("Q", "l:A", "1")]
    assert (await carts.edit(CART, edit, expected=None, guard_hold=False))[0] is Verdict.CLOSED
    assert (await carts.restore(CART, new_fields("EUR")))[0] is Verdict.CLOSED
    assert gate.closed == 2


async def test_an_edit_is_counted_as_any_request(gate: OpenGate) -> None:
    """If this fails, edits of carts and other requests have two limits, or an edit over the limit is made."""
    policy, away = Policy("cart", 6, 3600, 600_000_000, 6), (Unavailable, ReplyError)
    limiter = SharedLimiter(gate.lane, Script(*LIMIT_SOURCES), away=away)
    carts = LiveCarts(gate)
    begun = Toll(limiter, policy, "10.0.0.1")
    await carts.restore(CART, new_fields("EUR"), toll=begun)
    assert begun.decision == decide(tat_us=None, now_us=0, emission_us=600_000_000, burst=6)[1]
    for left in (4, 2, 0):
        assert (await limiter.take(policy, "10.0.0.1")).remaining == left
        toll = Toll(limiter, policy, "10.0.0.1")
        edit: list[Op] = [("Q", "l:A", str(left + 1))]
        if left == 0:
            with pytest.raises(OverLimit):
                await carts.edit(CART, edit, expected=None, guard_hold=False, toll=toll)
            with pytest.raises(OverLimit):
                await carts.restore("d" * 32, new_fields("EUR"), toll=Toll(limiter, policy, "10.0.0.1"))
            break
        for _ in range(2):
            await carts.edit(CART, edit, expected=None, guard_hold=False, toll=toll)
        assert toll.decision is not None
        assert (toll.decision.allowed, toll.decision.remaining) == (True, left - 1)
    assert (await carts.edit(CART, (), expected=None, guard_hold=False))[1]["l:A"] == "3 2"
    nothing = await carts.edit("d" * 32, (), expected=None, guard_hold=False)
    assert nothing == (Verdict.MISSING, {})
    assert limiter.fell_back == 0
