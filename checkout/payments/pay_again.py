"""The shopper pays again, or has met the provider's challenge: owed to the capture actor, answered at once."""

import uuid

from checkout.errors import Conflict, NotFound
from checkout.outbox.model import CAPTURE, Owed
from checkout.payments.model import Change, OrderState, begin_attempt
from checkout.payments.store import PaymentStore


async def pay_again(order_id: uuid.UUID, method: str | None, *, store: PaymentStore) -> OrderState:
    """Begins a new attempt with `method`; without one, has the provider asked about the attempt that waits for the shopper.

    Raises: NotFound; Conflict `not_payable`, `payment_deadline_passed`, `payment_in_progress`,
    `too_many_payment_attempts`.
    Retry: without a method safe; with one a retry meets `payment_in_progress`. Cost: one read, one commit.
    """
    state = await store.load(order_id)
    if state is None:
        raise NotFound("There is no such order.")
    if method is not None:
        return await store.settle(state, lambda now: begin_attempt(now, method))
    return await store.settle(state, _look_again)


def _look_again(state: OrderState) -> Change | None:
    if not state.is_unpaid:
        raise Conflict(f"The order is {state.status}; there is nothing to pay.", code="not_payable")
    if state.latest.status not in ("action_required", "pending"):
        raise Conflict("No payment waits for you; pay again with a method.", code="not_payable")
    return Change(state.status, owed=(Owed(CAPTURE, state.order_id),))
