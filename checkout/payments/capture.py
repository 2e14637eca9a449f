"""Take an order's money: ask the provider, commit what it said with everything that follows from it."""

from checkout.outbox.model import Later, Row
from checkout.payments.ask import Providers, ReturnUrl, Unanswered, charge, look_up, void
from checkout.payments.model import Attempt, Fact, OrderState, apply
from checkout.payments.store import PaymentStore
from config import limits


async def capture(row: Row, *, store: PaymentStore, providers: Providers, return_url: ReturnUrl) -> None:
    """Charges the latest attempt, or asks what became of it.

    Raises: Later while the outcome is unknown. Retry: always: one reference moves money at most once.
    Cost: one read, one call of the provider, one commit.
    """
    state = await store.load(row.subject_id)
    if state is None or not state.is_unpaid or state.latest.status not in ("pending", "action_required"):
        return await store.done(row.id)
    provider, attempt = providers[state.provider], state.latest
    if attempt.status == "pending":
        if state.past_deadline and attempt.provider_ref is None:
            return await store.done(row.id)
        state = await _give_up_earlier(state, store, providers)
        if not state.is_unpaid:
            return await store.done(row.id)
    fact: Fact | Unanswered
    if state.amount_minor == 0:
        fact = Fact(attempt.number, "succeeded", amount_minor=0)
    elif attempt.provider_ref is None:
        fact = await charge(provider, state, attempt, return_url)
    else:
        fact = await look_up(provider, state, attempt)
    if isinstance(fact, Unanswered):
        raise Later(fact.reason)
    undecided = fact.status == "pending"
    await store.settle(state, lambda now: apply(now, fact), finishes=None if undecided else row.id)
    if undecided:
        raise Later("the provider has not decided", delay_s=limits.PAYMENT_ASK_AGAIN_S)


async def _give_up_earlier(state: OrderState, store: PaymentStore, providers: Providers) -> OrderState:
    """Before a new attempt: no earlier one can take money any more. Raises: Later while that is not sure."""
    earlier: tuple[Attempt, ...] = state.attempts[:-1]
    for attempt in earlier:
        if not attempt.is_live:
            continue
        fact = await void(providers[state.provider], state, attempt)
        if isinstance(fact, Unanswered):
            if fact.absent:
                continue
            raise Later(f"attempt {attempt.number} is not given up yet: {fact.reason}")
        known: Fact = fact
        state = await store.settle(state, lambda now, known=known: apply(now, known))  # type: ignore[misc]
    return state
