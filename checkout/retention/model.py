"""What a month of orders is, and which months may leave.

**Guarantees** (held by tests/api/months):
- A month leaves whole or not at all; what it adds to the stock ledger stays, so every invariant holds before and after.
- A month with orders that wait, work that is owed or keys that are remembered stays.
- No month younger than ORDER_LIVE_MONTHS_MIN is archived.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from checkout.errors import Invalid
from config import limits


class Month(Struct, frozen=True):
    """A month of orders. Shape: `name` is YYYY_MM, or until_YYYY_MM for all before. Units: rows by statistics, bytes."""

    name: str
    archived_at: datetime | None
    orders: int
    bytes: int
    is_now: bool


def first_to_stay(now: datetime) -> str:
    """The first month that has to stay, as YYYY-MM."""
    months_since_0 = now.year * 12 + now.month - 1 - limits.ORDER_LIVE_MONTHS_MIN
    return f"{months_since_0 // 12:04}-{months_since_0 % 12 + 1:02}"


def months_before(month: str, known: Sequence[Month], now: datetime) -> list[Month]:
    """The months to archive, oldest first. Raises: Invalid when `month` is no month, or too young."""
    try:
        wanted = datetime.strptime(month, "%Y-%m").strftime("%Y_%m")
    except ValueError as error:
        raise Invalid(f"{month} is no month: write it as {now:%Y-%m}.") from error
    most = first_to_stay(now)
    if wanted > most.replace("-", "_"):
        raise Invalid(
            f"Orders of the last {limits.ORDER_LIVE_MONTHS_MIN} months stay: use --before {most} or earlier."
        )
    return [m for m in known if m.archived_at is None and m.name.removeprefix("until_") < wanted]
