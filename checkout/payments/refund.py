"""Give money back that came too late: the whole of one attempt."""

from checkout.outbox.model import Later, Row
from checkout.outbox.store import OutboxStore
from checkout.payments.ask import Providers, reference_of
from checkout.payments.model import refunded
from checkout.payments.providers.protocol import (
    Refunded,
    RefundPending,
    RefundRefused,
    RefundRequest,
    Succeeded,
)
from checkout.payments.store import PaymentStore
from config import limits


class RefundImpossible(Exception):
    """The provider will never do this refund: a person must look at it."""


async def refund(row: Row, *, store: PaymentStore, providers: Providers, outbox: OutboxStore) -> None:
    """Refunds the attempt that the row's payload names.

    Raises: Later, RefundImpossible. Retry: always: one reference refunds at most once.
    """
    state = await store.load(row.subject_id)
    payload = await outbox.payload(row.id)
    if state is None or payload is None:
        await store.done(row.id)
        return
    number = int(payload["attempt"])
    attempt = next((a for a in state.attempts if a.number == number), None)
    if (
        attempt is None
        or attempt.status != "refunded"
        or attempt.provider_ref is None
        or attempt.refunded_minor
    ):
        await store.done(row.id)
        return
    provider = providers[state.provider]
    outcome = await provider.refund(
        RefundRequest(
            reference=f"{state.order_id}:refund:{number}",
            order_id=str(state.order_id),
            provider_ref=attempt.provider_ref,
            amount_minor=state.amount_minor,
            currency=state.currency,
            reason="payment arrived too late",
        )
    )
    if isinstance(outcome, RefundRefused):
        found = await provider.look_up(
            provider_ref=attempt.provider_ref, reference=reference_of(state.order_id, number)
        )
        if not (isinstance(found, Succeeded) and found.refunded_minor == state.amount_minor):
            raise RefundImpossible(f"{outcome.code}: {outcome.message}")
    elif isinstance(outcome, RefundPending):
        raise Later(f"the refund is {outcome.status}", delay_s=limits.OUTBOX_BACKOFF_MAX_S)
    elif not isinstance(outcome, Refunded):
        raise Later(outcome.reason)
    await store.settle(state, lambda now: refunded(now, number), finishes=row.id)
