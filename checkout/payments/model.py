"""One order's payment as a pure state machine: attempts, facts about them, and what each fact does to the order.

**Guarantees** (held by tests/property/payments and tests/workers):
- Facts may come twice, late and in any order: an attempt only ever moves up its ranks
  (pending < action_required < declined < voided < succeeded < refunded), so every order of the same facts ends alike.
- Unknown is never success or failure: a pending fact moves nothing.
- An order is paid by at most one attempt. Money that arrives beside it, or after a cancellation that cannot be
  undone, goes back.
- Late money: the deadline cancelled the order → its units are taken again if they are there, and the order is paid;
  else, or if the shopper cancelled, the money is refunded.
- Every change of the order's state is a timeline entry.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from checkout.errors import Conflict, ensure
from checkout.outbox.model import BOOK, CAPTURE, CONFIRM, INVOICE, REFUND, VOID, Owed
from config import limits

Status = Literal["pending", "action_required", "declined", "voided", "succeeded", "refunded"]
By = Literal["shopper", "deadline", "support"]
Stock = Literal["", "release", "reacquire"]
RANK: Mapping[str, int] = {
    "pending": 0,
    "action_required": 1,
    "declined": 2,
    "voided": 3,
    "succeeded": 4,
    "refunded": 5,
}
UNPAID = frozenset({"placed", "payment_failed", "action_required"})
_ORDER_STATUS = {
    "pending": "placed",
    "action_required": "action_required",
    "declined": "payment_failed",
    "voided": "payment_failed",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to pay. Shape: `refunded` says that the money goes back; `refunded_minor` how much of it already went."""

    number: int
    method: str
    status: Status = "pending"
    provider_ref: str | None = None
    client_secret: str | None = None
    action_url: str | None = None
    decline_code: str | None = None
    refunded_minor: int = 0

    @property
    def is_live(self) -> bool:
        """Whether the provider may still take money by it: a declined intent can be confirmed again until it is voided."""
        return self.status in ("pending", "action_required") or (
            self.status == "declined" and self.provider_ref is not None
        )


@dataclass(frozen=True, slots=True)
class Fact:
    """What a provider says of one attempt, by answer, look-up or webhook. Units: minor units."""

    attempt: int
    status: Literal["pending", "action_required", "declined", "voided", "succeeded"]
    provider_ref: str | None = None
    client_secret: str | None = None
    action_url: str | None = None
    decline_code: str | None = None
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class OrderState:
    """What the machine knows of an order. `version` is its timeline's last entry: a change is committed against it."""

    order_id: uuid.UUID
    status: str
    version: int
    amount_minor: int
    currency: str
    provider: str
    method: str
    attempts: tuple[Attempt, ...] = ()
    past_deadline: bool = False
    past_slack: bool = False
    cancelled_by: str | None = None
    email: str = ""
    number: int = 0

    @property
    def known_attempts(self) -> tuple[Attempt, ...]:
        """All attempts; the first is implied by the order until the provider has spoken of it."""
        return self.attempts or (Attempt(1, self.method),)

    @property
    def latest(self) -> Attempt:
        """The attempt that decides what an unpaid order waits for."""
        return self.known_attempts[-1]

    @property
    def is_unpaid(self) -> bool:
        """Whether money is still awaited."""
        return self.status in UNPAID


@dataclass(frozen=True, slots=True)
class Event:
    """One timeline entry."""

    status: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be committed, all or nothing, against the version it was decided on.

    Shape: `otherwise` is what to commit instead when the stock of a `reacquire` is not there.
    """

    status: str
    attempts: tuple[Attempt, ...] = ()
    events: tuple[Event, ...] = ()
    owed: tuple[Owed, ...] = ()
    stock: Stock = ""
    otherwise: "Change | None" = None


def apply(state: OrderState, fact: Fact) -> Change | None:
    """What the fact changes, or None when it says nothing new.

    Raises: AssertionError when the provider took another amount than the order's.
    """
    attempt = next((a for a in state.known_attempts if a.number == fact.attempt), None)
    if attempt is None:
        return None
    if RANK[fact.status] <= RANK[attempt.status]:
        return _learn_reference(state, attempt, fact)
    moved = replace(
        attempt,
        status=fact.status,
        provider_ref=fact.provider_ref or attempt.provider_ref,
        client_secret=fact.client_secret if fact.status == "action_required" else None,
        action_url=fact.action_url if fact.status == "action_required" else None,
        decline_code=(fact.decline_code or "declined") if fact.status == "declined" else None,
    )
    if fact.status == "succeeded":
        return _money_came(state, moved, fact)
    if not state.is_unpaid or attempt.number != state.latest.number:
        return Change(state.status, attempts=(moved,))
    status = _ORDER_STATUS[moved.status]
    detail: dict[str, Any] = {"attempt": moved.number}
    if moved.decline_code:
        detail["decline_code"] = moved.decline_code
    return Change(status, attempts=(moved,), events=(Event(status, detail),))


def _learn_reference(state: OrderState, attempt: Attempt, fact: Fact) -> Change | None:
    """The provider's name for an attempt that is no further than we knew."""
    if fact.provider_ref is None or attempt.provider_ref is not None:
        return None
    return Change(state.status, attempts=(replace(attempt, provider_ref=fact.provider_ref),))


def _money_came(state: OrderState, attempt: Attempt, fact: Fact) -> Change:
    ensure(
        fact.amount_minor is None or fact.amount_minor == state.amount_minor,
        f"the provider took {fact.amount_minor}, the order costs {state.amount_minor}",
    )
    detail = {"attempt": attempt.number, "amount": state.amount_minor}
    paid = Change(
        "paid",
        attempts=(attempt,),
        events=(Event("paid", detail),),
        owed=tuple(Owed(topic, state.order_id) for topic in (INVOICE, BOOK, CONFIRM)),
    )
    if state.is_unpaid:
        return paid
    back = Change(
        state.status,
        attempts=(replace(attempt, status="refunded"),),
        events=(Event(state.status, {**detail, "payment": "arrived too late, is refunded"}),),
        owed=(Owed(REFUND, state.order_id, {"attempt": attempt.number}),),
    )
    if state.status == "cancelled" and state.cancelled_by == "deadline":
        late = (Event("paid", {**detail, "payment": "arrived after the deadline, the units were there"}),)
        return replace(paid, events=late, stock="reacquire", otherwise=back)
    return back


def refunded(state: OrderState, attempt_number: int) -> Change | None:
    """The whole of an attempt's money has gone back; None when that is known already."""
    attempt = next((a for a in state.attempts if a.number == attempt_number), None)
    if attempt is None or attempt.status != "refunded" or attempt.refunded_minor == state.amount_minor:
        return None
    done = replace(attempt, refunded_minor=state.amount_minor)
    detail = {"attempt": attempt.number, "refunded": state.amount_minor}
    return Change(state.status, attempts=(done,), events=(Event(state.status, detail),))


def cancel(state: OrderState, by: By, voided: tuple[Attempt, ...] = ()) -> Change:
    """An unpaid order ends: units and coupons go back to stock, what the provider may still hold is voided.

    `voided` are attempts that the provider has just given up. Raises: Conflict.
    """
    if not state.is_unpaid:
        raise Conflict(
            f"The order is {state.status}; only an unpaid order can be cancelled this way.",
            code="not_cancellable",
        )
    rows = tuple(
        replace(a, status="voided", decline_code=None, client_secret=None, action_url=None) for a in voided
    )
    names = {a.number for a in voided}
    live = any(a.is_live and a.number not in names for a in state.known_attempts)
    return Change(
        "cancelled",
        attempts=rows,
        events=(Event("cancelled", {"reason": by}),),
        owed=(Owed(VOID, state.order_id),) if live else (),
        stock="release",
    )


def voided(state: OrderState, attempts: tuple[Attempt, ...]) -> Change | None:
    """After a cancellation: the provider has given these attempts up."""
    rows = tuple(
        replace(a, status="voided", decline_code=None, client_secret=None, action_url=None)
        for a in attempts
        if RANK[a.status] < RANK["voided"]
    )
    return Change(state.status, attempts=rows) if rows else None


def begin_attempt(state: OrderState, method: str) -> Change:
    """The shopper pays again, with another method. Raises: Conflict when the order does not wait for that."""
    if not state.is_unpaid:
        raise Conflict(f"The order is {state.status}; there is nothing to pay.", code="not_payable")
    if state.past_deadline:
        raise Conflict("The time to pay this order is over.", code="payment_deadline_passed")
    latest = state.latest
    if latest.status == "pending":
        raise Conflict(
            "A payment is under way; wait for its outcome.", code="payment_in_progress", retry_after_ms=1000
        )
    if latest.number >= limits.PAYMENT_ATTEMPTS_MAX:
        raise Conflict("This order was tried too often; place a new one.", code="too_many_payment_attempts")
    fresh = Attempt(latest.number + 1, method)
    return Change(
        "placed",
        attempts=(fresh,),
        events=(Event("placed", {"attempt": fresh.number}),),
        owed=(Owed(CAPTURE, state.order_id),),
    )


def after(state: OrderState, change: Change) -> OrderState:
    """The state once the change is committed (its `reacquire` having succeeded)."""
    rows = {a.number: a for a in state.attempts}
    rows.update({a.number: a for a in change.attempts})
    reasons = [e.detail.get("reason") for e in change.events if e.status == "cancelled"]
    return replace(
        state,
        status=change.status,
        version=state.version + len(change.events),
        attempts=tuple(rows[number] for number in sorted(rows)),
        cancelled_by=next((r for r in reasons if r), state.cancelled_by)
        if change.status == "cancelled"
        else None,
    )
