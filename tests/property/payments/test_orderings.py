"""Webhooks may come ten times, shuffled and late (T7): the pure machine ends alike."""

import random
import uuid
from dataclasses import replace

from checkout.outbox.model import BOOK, CONFIRM, INVOICE, REFUND
from checkout.payments.model import Attempt, Fact, OrderState, after, apply, cancel

_PERMUTATIONS = 10_000
_PAID = Fact(1, "succeeded", "pi_1", amount_minor=2490)
_SCENARIOS: tuple[tuple[Fact, ...], ...] = (
    (Fact(1, "pending", "pi_1"), _PAID),
    (
        Fact(1, "pending", "pi_1"),
        Fact(1, "action_required", "pi_1", client_secret="s", action_url="u"),
        _PAID,
    ),
    (
        Fact(1, "action_required", "pi_1", client_secret="s"),
        Fact(1, "declined", "pi_1", decline_code="do_not_honor"),
    ),
    (Fact(1, "declined", "pi_1", decline_code="generic_decline"), _PAID),
    (Fact(1, "action_required", "pi_1", client_secret="s"), Fact(1, "voided", "pi_1")),
    (
        Fact(1, "declined", "pi_1", decline_code="generic_decline"),
        Fact(1, "voided", "pi_1"),
        Fact(2, "action_required", "pi_2", client_secret="s"),
        Fact(2, "succeeded", "pi_2", amount_minor=2490),
    ),
    (
        Fact(1, "voided", "pi_1"),
        Fact(2, "declined", "pi_2", decline_code="expired_card"),
        Fact(7, "succeeded", "pi_7", amount_minor=2490),
    ),
)


def _state(status: str = "placed", attempts: int = 1, cancelled_by: str | None = None) -> OrderState:
    return OrderState(
        order_id=uuid.UUID(int=1),
        status=status,
        version=3,
        amount_minor=2490,
        currency="EUR",
        provider="stripe",
        method="pm_1",
        attempts=tuple(Attempt(n, f"pm_{n}") for n in range(1, attempts + 1)) if attempts > 1 else (),
        cancelled_by=cancelled_by,
    )


def _run(state: OrderState, facts: list[Fact]) -> tuple[OrderState, list[str]]:
    """The end, and everything that was owed on the way."""
    owed: list[str] = []
    for fact in facts:
        change = apply(state, fact)
        if change is not None:
            owed += [o.topic for o in change.owed]
            state = after(state, change)
    return state, owed


def _end(state: OrderState) -> tuple[object, ...]:
    return state.status, tuple(
        (a.number, a.status, a.provider_ref, a.decline_code, a.action_url) for a in state.attempts
    )


def test_every_order_of_the_same_facts_ends_alike() -> None:
    """If this fails, the fate of an order depends on the network's mood."""
    rng = random.Random(7)
    starts = (
        _state(),
        _state("cancelled", cancelled_by="deadline"),
        _state("cancelled", cancelled_by="shopper"),
    )
    for number in range(_PERMUTATIONS):
        facts = list(_SCENARIOS[number % len(_SCENARIOS)])
        start = starts[number // len(_SCENARIOS) % len(starts)]
        if max(f.attempt for f in facts if f.attempt < 7) > 1:
            start = replace(start, attempts=_state(attempts=2).attempts)
        wanted, owed_in_order = _run(start, facts)
        shuffled = facts * rng.randint(1, 10)
        rng.shuffle(shuffled)
        found, owed = _run(start, shuffled)
        assert _end(found) == _end(wanted), (facts, shuffled)
        assert sorted(owed) == sorted(owed_in_order)
        assert len(owed) == len(set(owed))
        assert found.version == start.version + len(_events(start, shuffled))


def _events(state: OrderState, facts: list[Fact]) -> list[str]:
    events: list[str] = []
    for fact in facts:
        change = apply(state, fact)
        if change is not None:
            events += [e.status for e in change.events]
            state = after(state, change)
    return events


def test_money_is_never_kept_for_nothing() -> None:
    """If this fails, money that came for a cancelled order, or twice, stays with the shop."""
    paid = _run(_state(attempts=2), [Fact(2, "succeeded", "pi_2", amount_minor=2490)])
    assert sorted(paid[1]) == sorted([INVOICE, BOOK, CONFIRM])
    twice = apply(paid[0], _PAID)
    assert twice is not None
    assert [o.topic for o in twice.owed] == [REFUND]
    assert twice.status == "paid"
    late = apply(_state("cancelled", cancelled_by="deadline"), _PAID)
    assert late is not None
    assert late.stock == "reacquire"
    assert late.otherwise is not None
    assert [o.topic for o in late.otherwise.owed] == [REFUND]
    given_up = apply(_state("cancelled", cancelled_by="shopper"), _PAID)
    assert given_up is not None
    assert given_up.stock == ""
    assert [o.topic for o in given_up.owed] == [REFUND]


def test_a_cancellation_and_a_success_in_either_order_end_without_loss() -> None:
    """If this fails, an order is paid and cancelled at once."""
    state = _state()
    cancelled = after(state, cancel(state, "shopper"))
    assert _run(cancelled, [_PAID])[0].attempts[0].status == "refunded"
    assert _run(state, [_PAID])[0].status == "paid"
