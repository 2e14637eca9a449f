"""What an audit asks and what it found.

**Guarantees** (held by tests/api/audit):
- Every invariant counts what is wrong: 0 is the only figure that holds. Each is shown to fail on a row that breaks it.
- All questions to Postgres are asked of one snapshot: an audit of a shop that is open sees no half-finished order.
- A question that could not be asked (a store or a provider away) never counts as held.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from uuid import UUID

from msgspec import Struct


class Invariant(Struct, frozen=True):
    """A sentence that must stay true. Shape: `unit` is what its figure counts; `settles`: work under way may break it
    for a moment, so it is asked again before it counts as broken."""

    name: str
    proves: str
    unit: str
    settles: bool = False


class Finding(Struct, frozen=True):
    """One answer. Shape: `figure` is how much is wrong; `detail` names up to three culprits, or why it was not asked."""

    name: str
    proves: str
    unit: str
    figure: int
    ok: bool
    detail: str = ""
    elapsed_ms: int = 0


class Scale(Struct, frozen=True):
    """How much the audit looked at."""

    orders: int = 0
    lines: int = 0
    items: int = 0
    acknowledged: int = 0
    charges: int = 0


class Report(Struct, frozen=True):
    """All answers of one audit. Units: seconds."""

    at: datetime
    waited_s: float
    elapsed_s: float
    scale: Scale
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether every invariant holds."""
        return all(finding.ok for finding in self.findings)

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the invariants that do not hold."""
        return tuple(finding.name for finding in self.findings if not finding.ok)


class Charge(Struct, frozen=True, gc=False):
    """What a provider's ledger says of one order. Units: minor units.

    Shape: `charges` counts the successful ones; `order_id` is None when the provider's record names no order of ours.
    """

    order_id: UUID | None
    charges: int
    charged_minor: int
    refunded_minor: int
    reference: str = ""


Ledger = Callable[[], AsyncIterator[Charge]]
"""The provider's whole ledger, one element an order, in any order; each call reads it anew."""

POSTGRES = (
    Invariant("oversold_units", "No SKU and no coupon is promised more often than there are units.", "units"),
    Invariant(
        "reserved_ledger", "Reserved equals the sum of the reservation ledger, item by item.", "units apart"
    ),
    Invariant("reserved_orders", "Reserved equals what live orders hold, item by item.", "units apart"),
    Invariant(
        "on_hand_ledger", "On hand equals the sum of all receipts and movements, item by item.", "units apart"
    ),
    Invariant(
        "location_total", "On hand equals the sum of what lies at all locations, item by item.", "units apart"
    ),
    Invariant("locations", "Every unit lies where the ledger put it.", "units misplaced"),
    Invariant(
        "allocations", "What is set aside at a location is what booked orders wait for.", "units apart"
    ),
    Invariant("transfers", "A transfer brings as many units as it takes.", "units"),
    Invariant("policies", "What may be sold follows from each SKU's policy.", "units apart"),
    Invariant("totals", "Lines, discount, shipping and tax add up to the total, order by order.", "orders"),
    Invariant("orphan_lines", "Every order line belongs to an order.", "lines"),
    Invariant(
        "orphan_records",
        "Every payment, invoice, parcel, mail and timeline entry belongs to an order.",
        "rows",
    ),
    Invariant("order_numbers", "No two orders have one number.", "numbers"),
    Invariant("order_claims", "Every key has one order, and every cart one order that lives.", "orders"),
    Invariant("documents", "The order's document tells the same sums as its columns.", "orders"),
    Invariant("coupon_limits", "No coupon is redeemed more often than its limits allow.", "redemptions"),
    Invariant("one_charge", "No order has more than one successful payment.", "orders"),
    Invariant(
        "payments_status",
        "An order is paid exactly when its payment succeeded, for its total.",
        "orders",
        settles=True,
    ),
    Invariant(
        "timelines", "Every timeline is 1, 2, 3 … without a gap and tells the order's status.", "orders"
    ),
    Invariant("invoice_numbers", "Invoice numbers of a series are 1, 2, 3 … without a gap.", "numbers"),
    Invariant(
        "work_forgotten", "Every step that an order still needs is done or owed by the outbox.", "orders"
    ),
    Invariant("outbox_unfinished", "No owed work is left over after the drain.", "rows", settles=True),
    Invariant("dead_letters", "No owed work was given up.", "rows"),
)
ACKNOWLEDGED = Invariant("acknowledged_missing", "Every order that a client was told of exists.", "orders")
PROVIDER = Invariant(
    "provider_ledger",
    "The provider's ledger and ours agree, order by order.",
    "minor units apart",
    settles=True,
)
PROVIDER_ONE = Invariant(
    "provider_one_charge",
    "The provider took no payment that we do not know, and none twice.",
    "orders",
    settles=True,
)
GATE = Invariant(
    "gate_counters",
    "The gate's counters follow from Postgres and the open claims.",
    "units apart",
    settles=True,
)
INVARIANTS = (*POSTGRES, ACKNOWLEDGED, PROVIDER, PROVIDER_ONE, GATE)
