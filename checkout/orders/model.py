"""What placing an order needs to know, and what can come of it.

**Guarantees** (held by tests/api/orders, tests/crash and the audit):
- An order that was answered with 201 is committed, with its lines, its reserved stock and its outbox row, at once.
- One Idempotency-Key places at most one order, one cart at most one that is not cancelled.
- `subtotal - discount + shipping + tax = total`, also by CHECK.
- What the customer sees of the placing (number, lines, totals, deadline) never changes afterwards.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from checkout.stock.model import Item


class Draft(Struct, gc=False):
    """An order as quoted and admitted, waiting for Postgres's decision.

    Shape: `lines` are (item_id, quantity, unit_minor, offer_version), goods first, one line an item; `document` is encoded
    JSON, `personal` sealed; `epoch` is the gate's epoch of the admission, 0 when the gate took no part. Units: minor units.
    """

    id: uuid.UUID
    claim_id: uuid.UUID
    fingerprint: uuid.UUID
    account_id: uuid.UUID | None
    cart_id: str | None
    personal: bytes
    email_index: bytes
    country: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    document: bytes
    payment_provider: str
    payment_method: str
    lines: Sequence[tuple[int, int, int, int]]
    epoch: int = 0

    def items(self) -> list[Item]:
        """What it takes from stock."""
        return [(item_id, quantity) for item_id, quantity, _, _ in self.lines]


class Placed(Struct, frozen=True, gc=False):
    """Committed now."""

    number: int
    placed_at: datetime
    payment_deadline: datetime


class Earlier(Struct, frozen=True, gc=False):
    """The key had placed an order before; `fingerprint` tells whether it was by the same request."""

    id: uuid.UUID
    fingerprint: uuid.UUID


class CartUsed(Struct, frozen=True, gc=False):
    """Another key has made an order of this cart."""


class SoldOut(Struct, frozen=True, gc=False):
    """Postgres refused: units available by item, for the items that fall short."""

    available: dict[int, int]


class Outdated(Struct, frozen=True, gc=False):
    """Prices or publication changed since the quote; nothing was taken. Quote again."""

    items: frozenset[int]


class Undecided(Struct, frozen=True, gc=False):
    """Nothing was done, and may be tried again (`unknown` false); or the answer was lost (`unknown` true)."""

    unknown: bool
    detail: str


Decision = Placed | Earlier | CartUsed | SoldOut | Outdated | Undecided
