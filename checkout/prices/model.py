"""Prices as people set them, and price lists with their times.

**Guarantees** (held by tests/api/prices):
- `prices` is what an offer costs now. A list that runs is in it; the regular price waits beside it, and comes back.
- A list begins and ends as a whole, in one commit, by Postgres's clock; a quote from before is refused or made anew.
- No two lists with an end cover one SKU in one currency at one time.
- A regular price that is set while a list runs is there when the list ends.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct

Status = Literal["waiting", "running", "over"]


class Entry(Struct, frozen=True):
    """A price of one SKU in one currency. Units: minor units."""

    sku: str
    currency: str
    amount_minor: int
    compare_at_minor: int | None = None


class PriceList(Struct, frozen=True):
    """A list as it is wanted. Shape: without `ends_at` its prices become the regular ones at `starts_at`."""

    name: str
    starts_at: datetime | None
    ends_at: datetime | None
    entries: tuple[Entry, ...]


def twice(entries: Iterable[Entry]) -> Iterator[int]:
    """Places of entries that name a SKU and currency that an earlier one named."""
    seen = set()
    for at, entry in enumerate(entries):
        if (entry.sku, entry.currency) in seen:
            yield at
        seen.add((entry.sku, entry.currency))
