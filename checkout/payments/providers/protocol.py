"""What every payment provider does for us, and the closed set of things that can come of it.

Guarantees (held by tests/providers, which every provider passes):
- Unknown is never success or failure: a call that was sent and not answered, and a status that we do not know, is
  `Unknown` or `Pending`; the same call may be made again under the same reference and moves money at most once.
- Everything that a provider is asked carries our reference (`order_id:attempt`), as its idempotency key and in its
  metadata, so that a payment is found by it even when the first answer was lost.
- No card data passes through: `method` is a provider's token.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec


class CaptureRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to take the money of one order.

    Shape: `reference` is ours and unique per attempt (`order_id:attempt`); `return_url` is where the provider sends the
    shopper after a challenge. Units: `amount_minor` in the currency's minor unit, > 0.
    """

    reference: str
    order_id: str
    amount_minor: int
    currency: str
    method: str
    return_url: str
    email: str = ""
    description: str = ""


class Succeeded(msgspec.Struct, frozen=True, kw_only=True, tag="succeeded"):
    """The money is ours. `amount_minor` is what the provider took, to be compared with what was asked."""

    provider_ref: str
    amount_minor: int
    currency: str
    refunded_minor: int = 0


class Declined(msgspec.Struct, frozen=True, kw_only=True, tag="declined"):
    """The provider said no, for good: another attempt needs a new reference."""

    code: str
    message: str
    provider_ref: str | None = None


class ActionRequired(msgspec.Struct, frozen=True, kw_only=True, tag="action_required"):
    """The shopper must act (3-D Secure): at `url`, or with `client_secret` in the provider's own widget."""

    provider_ref: str
    client_secret: str
    url: str | None = None


class Pending(msgspec.Struct, frozen=True, kw_only=True, tag="pending"):
    """The provider knows the payment and has not decided, or names a status that we do not know. Ask again."""

    provider_ref: str
    status: str


class Voided(msgspec.Struct, frozen=True, kw_only=True, tag="voided"):
    """The payment was given up before any money moved, and can no longer succeed."""

    provider_ref: str


class Absent(msgspec.Struct, frozen=True, kw_only=True, tag="absent"):
    """Only from `look_up`: the provider has nothing under this reference *now*. A call under way may still create it,
    and a search index may lag, so this alone never proves that a payment did not happen."""


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """No usable answer: not reached, timed out, refused for now, or broken. `sent` false: surely nothing happened.

    Retry: the same call under the same reference.
    """

    reason: str
    sent: bool = True


PaymentOutcome = Succeeded | Declined | ActionRequired | Pending | Voided | Absent | Unknown


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Money back of one succeeded payment. `reference` is ours and unique per refund (`order_id:refund:n`)."""

    reference: str
    order_id: str
    provider_ref: str
    amount_minor: int
    currency: str
    reason: str = ""


class Refunded(msgspec.Struct, frozen=True, kw_only=True, tag="refunded"):
    """The refund is done. Units: minor."""

    refund_ref: str
    amount_minor: int


class RefundPending(msgspec.Struct, frozen=True, kw_only=True, tag="refund_pending"):
    """The provider took the refund and has not finished it. Ask again under the same reference."""

    refund_ref: str
    status: str


class RefundRefused(msgspec.Struct, frozen=True, kw_only=True, tag="refund_refused"):
    """The provider will never do this refund: already refunded, or more than was taken."""

    code: str
    message: str


RefundOutcome = Refunded | RefundPending | RefundRefused | Unknown


class ProviderEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook whose signature is good. It is a hint, never the truth: what it says is applied only where the state
    machine allows it, and duplicates are dropped by `event_id`.

    Shape: `outcome` is what the event says about the payment, None for events about something else (then `kind`
    tells); `reference` and `order_id` come from our own metadata, None when the object is not ours.
    """

    event_id: str
    kind: str
    created_s: int
    provider_ref: str | None
    reference: str | None
    order_id: str | None
    outcome: PaymentOutcome | None
    payload: Mapping[str, Any]


class BadSignature(Exception):
    """The webhook is not from the provider, or too old. Nothing of it may be stored."""


class PaymentProvider(Protocol):
    """A payment provider. No method raises for what a provider may answer; outcomes tell everything."""

    name: str

    async def authorise_and_capture(self, request: CaptureRequest) -> PaymentOutcome:
        """Take the money of one attempt, or learn what became of it.

        Retry: always, with the same request: the reference is the idempotency key, money moves at most once.
        A repeated call may answer as the first did, though the payment has moved on since (a challenge was passed):
        once `provider_ref` is known, `look_up` tells the present.
        """
        ...

    async def look_up(self, *, provider_ref: str | None, reference: str) -> PaymentOutcome:
        """Ask what became of a payment, by the provider's id or, while that is not known, by our reference."""
        ...

    async def void(self, *, provider_ref: str, reference: str) -> PaymentOutcome:
        """Give up a payment that has not succeeded. `Succeeded` means that it is too late: refund instead."""
        ...

    async def refund(self, request: RefundRequest) -> RefundOutcome:
        """Give money back, fully or in part. Retry: always, with the same request."""
        ...

    def verify_webhook(self, *, headers: Mapping[str, str], body: bytes, now_s: int) -> ProviderEvent:
        """Check a webhook's signature (any of the accepted secrets, at most five minutes old) and read it.

        Raises: BadSignature.
        """
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...
