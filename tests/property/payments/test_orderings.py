"""Webhooks may come ten times, shuffled and late (T7): the pure machine ends alike."""

import random
import uuid
from collections.abc import Iterable
from dataclasses import replace

from checkout.outbox.model import BOOK, CONFIRM, INVOICE, REFUND
from checkout.payments.model import Attempt, By, Change, Fact, OrderState, after, apply, cancel

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
    (
        Fact(1, "declined", "pi_1", decline_code="generic_decline"),
        Fact(1, "action_required", "pi_1", client_secret="s", action_url="u"),
        _PAID,
    ),
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
    (Fact(1, "voided"), Fact(1, "pending", "pi_1")),
    (
        Fact(1, "declined", "pi_1", decline_code="generic_decline"),
        Fact(2, "action_required", "pi_2", client_secret="s"),
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


def _run(
    state: OrderState, facts: Iterable[Fact | By], *, units_left: bool = True
) -> tuple[OrderState, list[str], int]:
    """The end, everything that was owed on the way, and how many timeline entries were written.

    Shape: a text among the facts is who cancels there. Without `units_left` a change's `otherwise` is what happens.
    """
    owed: list[str] = []
    told = 0
    for fact in facts:
        change = apply(state, fact) if isinstance(fact, Fact) else _cancelled(state, fact)
        if change is not None and change.stock == "reacquire" and not units_left:
            change = change.otherwise
        if change is not None:
            owed += [o.topic for o in change.owed]
            told += len(change.events)
            state = after(state, change)
    return state, owed, told


def _cancelled(state: OrderState, by: By) -> Change | None:
    return cancel(state, by) if state.is_unpaid else None


def _end(state: OrderState) -> tuple[object, ...]:
    return state.status, tuple(
        (a.number, a.status, a.provider_ref, a.client_secret, a.decline_code, a.action_url)
        for a in state.attempts
    )


def _shuffled(rng: random.Random, facts: Iterable[Fact]) -> list[Fact]:
    """Each of them one to ten times, in any order."""
    found = [fact for fact in facts for _ in range(rng.randint(1, 10))]
    rng.shuffle(found)
    return found


def test_every_order_of_the_same_facts_ends_alike() -> None:
    """If this fails, the fate of an order depends on the network's mood (T7)."""
    rng = random.Random(7)
    starts = (
        _state(),
        _state("cancelled", cancelled_by="deadline"),
        _state("cancelled", cancelled_by="shopper"),
    )
    for number in range(_PERMUTATIONS):
        facts = _SCENARIOS[number % len(_SCENARIOS)]
        start = starts[number // len(_SCENARIOS) % len(starts)]
        if max(f.attempt for f in facts if f.attempt < 7) > 1:
            start = replace(start, attempts=_state(attempts=2).attempts)
        units_left = number % 2 == 0
        wanted, owed_once, _ = _run(start, facts, units_left=units_left)
        shuffled = _shuffled(rng, facts)
        found, owed, told = _run(start, shuffled, units_left=units_left)
        assert _end(found) == _end(wanted), (facts, shuffled)
        assert sorted(owed) == sorted(owed_once), shuffled
        assert found.version == start.version + told


def test_the_scenarios_end_as_a_person_would_say() -> None:
    """If this fails, all orders of the same facts end alike, and wrongly."""
    ends = []
    for facts in _SCENARIOS:
        tried_twice = any(fact.attempt == 2 for fact in facts)
        found, owed, _ = _run(_state(attempts=2 if tried_twice else 1), facts)
        ends.append((found.status, [(a.status, a.provider_ref) for a in found.attempts], owed))
    paid = [INVOICE, BOOK, CONFIRM]
    assert ends == [
        ("paid", [("succeeded", "pi_1")], paid),
        ("paid", [("succeeded", "pi_1")], paid),
        ("payment_failed", [("declined", "pi_1")], []),
        ("paid", [("succeeded", "pi_1")], paid),
        ("payment_failed", [("voided", "pi_1")], []),
        ("paid", [("voided", "pi_1"), ("succeeded", "pi_2")], paid),
        ("payment_failed", [("voided", "pi_1"), ("declined", "pi_2")], []),
        ("payment_failed", [("voided", "pi_1")], []),
        ("action_required", [("declined", "pi_1"), ("action_required", "pi_2")], []),
    ]


def test_no_shuffle_keeps_money_for_nothing_or_twice() -> None:
    """If this fails, two tries are both charged, or a cancelled order's money stays with the shop."""
    rng = random.Random(8)
    facts = (
        Fact(1, "declined", "pi_1", decline_code="generic_decline"),
        _PAID,
        Fact(2, "action_required", "pi_2", client_secret="s"),
        Fact(2, "succeeded", "pi_2", amount_minor=2490),
    )
    for number in range(2_000):
        steps: list[Fact | By] = list(_shuffled(rng, facts))
        if number % 3:
            steps.insert(rng.randint(0, len(steps)), ("shopper", "deadline")[number % 2])
        found, owed, _ = _run(_state(attempts=2), steps, units_left=number % 5 != 0)
        kept = [a.number for a in found.attempts if a.status == "succeeded"]
        back = [a.number for a in found.attempts if a.status == "refunded"]
        assert sorted(kept + back) == [1, 2], steps
        assert len(kept) == (found.status == "paid"), steps
        assert owed.count(REFUND) == len(back), steps
        assert [owed.count(topic) for topic in (INVOICE, BOOK, CONFIRM)] == [len(kept)] * 3, steps


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
    assert late.otherwise.status == "cancelled"
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
