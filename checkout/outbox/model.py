"""What is owed, by topic.

**Guarantees** (held by tests/workers):
- A row is written by the transaction that owes the work, and deleted by the transaction that holds the work's effects:
  losing the broker or a worker at any moment loses no work.
- A row that its actor does not finish by the deadline is sent again; after its most tries it is parked, seen by an
  admin and replayable. One row's failures delay no other row.
"""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from config import limits


@dataclass(frozen=True, slots=True)
class Topic:
    """How the rows of one kind are worked. Units: seconds."""

    name: str
    attempts_max: int = limits.OUTBOX_ATTEMPTS_MAX
    deadline_s: float = limits.OUTBOX_DEADLINE_S
    backoff_min_s: float = limits.OUTBOX_BACKOFF_MIN_S
    backoff_max_s: float = limits.OUTBOX_BACKOFF_MAX_S

    def backoff_s(self, attempt: int) -> float:
        """The wait after try number `attempt` (from 1): doubling, capped, then spread over its upper half."""
        most = min(self.backoff_max_s, self.backoff_min_s * float(1 << min(attempt - 1, 30)))
        return most * random.uniform(0.5, 1.0)


CAPTURE = "payment.capture"
VOID = "payment.void"
REFUND = "payment.refund"
WEBHOOK = "webhook.apply"
INVOICE = "invoice.issue"
BOOK = "shipment.book"
CONFIRM = "order.confirm"
ACCOUNT_MAIL = "account.mail"
BULK = "bulk.work"
TELL = "webhook.send"
ALLOCATE = "stock.allocate"

# A payment that is asked again and again must not be parked before its order's deadline has decided; money that is to
# go back, and a void, are owed for longer than a mail.
_ASKS = 1 + int(limits.PAYMENT_WINDOW_MAX_S / limits.OUTBOX_BACKOFF_MAX_S)
TOPICS: Mapping[str, Topic] = {
    topic.name: topic
    for topic in (
        Topic(CAPTURE, attempts_max=_ASKS, backoff_min_s=limits.PAYMENT_ASK_AGAIN_S / 5, backoff_max_s=30.0),
        Topic(VOID, attempts_max=_ASKS, backoff_max_s=60.0),
        Topic(REFUND, attempts_max=20),
        Topic(WEBHOOK),
        Topic(INVOICE),
        Topic(BOOK, attempts_max=12),
        Topic(CONFIRM),
        Topic(ACCOUNT_MAIL, attempts_max=12),
        Topic(BULK),
        Topic(ALLOCATE),
        Topic(
            TELL,
            attempts_max=limits.WEBHOOK_SEND_ATTEMPTS_MAX,
            backoff_min_s=limits.WEBHOOK_SEND_BACKOFF_MIN_S,
            backoff_max_s=limits.WEBHOOK_SEND_BACKOFF_MAX_S,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of owed work as its actor gets it. Shape: `attempt` counts this sending, from 1."""

    id: int
    subject_id: uuid.UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Owed:
    """Work to be written into the outbox by the commit that owes it."""

    topic: str
    subject_id: uuid.UUID
    payload: Mapping[str, object] | None = None
    delay_s: float = 0.0


class Later(Exception):
    """The work cannot be finished yet for a reason outside of us; asked again after `delay_s`, or by the backoff."""

    def __init__(self, reason: str, *, delay_s: float | None = None) -> None:
        super().__init__(reason)
        self.delay_s = delay_s
