"""What a review is.

**Guarantees** (held by tests/api/reviews):
- Only who bought a product and paid for it reviews it, once; an edit is moderated anew.
- Nothing is public that was not approved, and of its author no more than the name they chose.
- A product's rating counts its approved reviews, always: it changes in the transaction that changes one of them.
"""

from typing import Literal

Status = Literal["pending", "approved", "rejected"]
STATUSES: tuple[Status, ...] = ("pending", "approved", "rejected")


def average(stars: int, reviews: int) -> float | None:
    """Mean stars, to two decimals; None without reviews."""
    return round(stars / reviews, 2) if reviews else None
