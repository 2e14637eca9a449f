"""What Stripe says, in our words: a pure function."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkout.payments.providers.protocol import ActionRequired, Declined, Pending, Succeeded, Voided
from checkout.payments.providers.stripe import event_of, outcome_of

INTENT: dict[str, Any] = {
    "id": "pi_1",
    "currency": "eur",
    "amount": 100,
    "amount_received": 0,
    "metadata": {},
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "succeeded", "amount_received": 100}, Succeeded),
        ({"status": "canceled"}, Voided),
        ({"status": "requires_action", "client_secret": "s"}, ActionRequired),
        ({"status": "requires_payment_method", "last_payment_error": {"code": "card_declined"}}, Declined),
        ({"status": "requires_payment_method", "last_payment_error": None}, Pending),
        ({"status": "processing"}, Pending),
        ({"status": "requires_capture"}, Pending),
        ({"status": "requires_confirmation"}, Pending),
        ({"status": None}, Pending),
        ({}, Pending),
    ],
)
def test_each_documented_status(changes: dict[str, Any], expected: type) -> None:
    """If this fails, a payment is taken for something that it is not."""
    assert isinstance(outcome_of({**INTENT, **changes}), expected)


@given(st.text().filter(lambda status: status not in ("succeeded", "canceled", "requires_action")))
def test_an_unknown_status_is_pending(status: str) -> None:
    """If this fails, a status that Stripe invents tomorrow ships goods or cancels an order."""
    assert outcome_of({**INTENT, "status": status}) == Pending(provider_ref="pi_1", status=status)


def test_an_event_about_something_else_has_no_outcome() -> None:
    """If this fails, a refunded charge is read as a payment."""
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "metadata": {"order_id": "o"}}
    read = event_of({"id": "evt", "type": "charge.refunded", "created": 1, "data": {"object": charge}})
    assert (read.provider_ref, read.order_id, read.outcome) == ("pi_1", "o", None)
