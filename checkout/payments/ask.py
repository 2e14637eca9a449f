"""Asking a provider about one attempt, in the words of the state machine."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from checkout.errors import ensure
from checkout.kit.ids import parse_uuid
from checkout.payments.model import Attempt, Fact, OrderState
from checkout.payments.providers.protocol import (
    Absent,
    ActionRequired,
    CaptureRequest,
    Declined,
    PaymentOutcome,
    PaymentProvider,
    Pending,
    Succeeded,
    Unknown,
    Voided,
)

Providers = Mapping[str, PaymentProvider]
ReturnUrl = Callable[[uuid.UUID], str]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nothing is known: `absent` when the provider has nothing under our reference now."""

    reason: str
    absent: bool = False


def reference_of(order_id: uuid.UUID, attempt: int) -> str:
    """Our name for one attempt: idempotency key, and metadata to find it by."""
    return f"{order_id}:{attempt}"


def read_reference(reference: str | None) -> tuple[uuid.UUID, int] | None:
    """(order, attempt) of a reference of ours, or None."""
    name, _, number = (reference or "").partition(":")
    order_id = parse_uuid(name)
    if order_id is None or not (number.isascii() and number.isdigit() and len(number) <= 4):
        return None
    return order_id, int(number)


def fact_of(outcome: PaymentOutcome, attempt: int, currency: str) -> Fact | Unanswered:
    """The outcome as a fact about the attempt. Raises: AssertionError when the money is of another currency."""
    match outcome:
        case Succeeded():
            ensure(outcome.currency == currency, f"the provider took {outcome.currency}, not {currency}")
            return Fact(attempt, "succeeded", outcome.provider_ref, amount_minor=outcome.amount_minor)
        case Declined():
            return Fact(attempt, "declined", outcome.provider_ref, decline_code=outcome.code)
        case ActionRequired():
            return Fact(
                attempt,
                "action_required",
                outcome.provider_ref,
                client_secret=outcome.client_secret,
                action_url=outcome.url,
            )
        case Pending():
            return Fact(attempt, "pending", outcome.provider_ref)
        case Voided():
            return Fact(attempt, "voided", outcome.provider_ref)
        case Absent():
            return Unanswered("the provider has nothing under our reference", absent=True)
        case Unknown():
            return Unanswered(outcome.reason)


async def charge(
    provider: PaymentProvider, state: OrderState, attempt: Attempt, return_url: ReturnUrl
) -> Fact | Unanswered:
    """Takes the money of an attempt, or learns what became of it. Retry: always; the reference is the idempotency key."""
    request = CaptureRequest(
        reference=reference_of(state.order_id, attempt.number),
        order_id=str(state.order_id),
        amount_minor=state.amount_minor,
        currency=state.currency,
        method=attempt.method,
        return_url=return_url(state.order_id),
        description=f"Order {state.number}",
    )
    return fact_of(await provider.authorise_and_capture(request), attempt.number, state.currency)


async def look_up(provider: PaymentProvider, state: OrderState, attempt: Attempt) -> Fact | Unanswered:
    """What the provider knows of an attempt."""
    outcome = await provider.look_up(
        provider_ref=attempt.provider_ref, reference=reference_of(state.order_id, attempt.number)
    )
    return fact_of(outcome, attempt.number, state.currency)


async def void(provider: PaymentProvider, state: OrderState, attempt: Attempt) -> Fact | Unanswered:
    """Gives an attempt up at the provider: a `voided` fact, or what it is instead. Retry: always."""
    ref = attempt.provider_ref
    if ref is None:
        found = await look_up(provider, state, attempt)
        if isinstance(found, Unanswered) or found.status in ("succeeded", "voided") or not found.provider_ref:
            return found
        ref = found.provider_ref
    outcome = await provider.void(provider_ref=ref, reference=reference_of(state.order_id, attempt.number))
    return fact_of(outcome, attempt.number, state.currency)
