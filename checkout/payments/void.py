"""End what was not paid: past the deadline, or after a cancellation, nothing may take the money any more."""

from checkout.outbox.model import Later, Row
from checkout.payments.ask import Providers, Unanswered, void
from checkout.payments.model import Attempt, Change, OrderState, apply, cancel, voided
from checkout.payments.store import PaymentStore


async def end_unpaid(row: Row, *, store: PaymentStore, providers: Providers) -> None:
    """Voids the live attempts; an unpaid order past its deadline is then cancelled and its units released.

    A success found on the way counts: the order is paid, or, when it was cancelled before, late money. A provider that is
    away delays the cancellation by PAYMENT_SLACK_S at most; after that its late answers are late money.
    Raises: Later. Retry: safe.
    """
    state = await store.load(row.subject_id)
    if state is None or (state.is_unpaid and not state.past_deadline):
        await store.done(row.id)
        return
    gone: list[Attempt] = []
    unsure = ""
    for attempt in state.known_attempts:
        if not attempt.is_live or not state.amount_minor:
            continue
        fact = await void(providers[state.provider], state, attempt)
        if isinstance(fact, Unanswered):
            # A search index may lag, and a call may be under way: absence is believed after the slack.
            if not (fact.absent and state.past_slack):
                unsure = unsure or fact.reason
            if not (fact.absent or state.past_slack or state.status == "cancelled"):
                raise Later(fact.reason)
        elif fact.status == "voided":
            gone.append(attempt)
        elif fact.status == "succeeded":
            state = await store.settle(state, lambda now, known=fact: apply(now, known))  # type: ignore[misc]
        else:
            unsure = f"attempt {attempt.number} is {fact.status}"
    done = tuple(gone)
    finishes = None if unsure else row.id
    state = await store.settle(state, lambda now: _ended(now, done), finishes=finishes)
    if unsure:
        raise Later(unsure)


def _ended(state: OrderState, gone: tuple[Attempt, ...]) -> Change | None:
    if state.is_unpaid:
        return cancel(state, "deadline", gone)
    return voided(state, gone)
