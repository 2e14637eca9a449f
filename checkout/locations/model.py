"""A place where units lie.

**Guarantees** (held by tests/api/stock):
- A location's code never changes: the ledger names it. A location that ever held a unit cannot be deleted, only closed.
- A location that is not active takes nothing in and no order is allocated to it; what lies there may leave.
"""

from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET, UnsetType

MAIN = "main"
"""The location that every shop begins with, and that a movement without one means."""


@dataclass(frozen=True, slots=True)
class Location:
    """One location. Shape: the least `priority` ships first; `country` is ISO 3166, `region` as in an address."""

    code: str
    name: str
    country: str
    region: str
    priority: int
    active: bool
    version: int = 1

    def document(self) -> dict[str, Any]:
        """The location as the API and the audit log show it."""
        return {
            "code": self.code,
            "name": self.name,
            "country": self.country,
            "region": self.region,
            "priority": self.priority,
            "active": self.active,
            "version": self.version,
        }


def changed(old: Location, **changes: Any | UnsetType) -> Location:
    """The next version of a location; what is unset stays."""
    given = {name: value for name, value in changes.items() if value is not UNSET}
    return replace(old, **given, version=old.version + 1)
