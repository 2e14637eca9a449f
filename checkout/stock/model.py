"""The gate's protocol in types.

**Guarantees** (held by tests/property/stock and tests/crash):
- When all is quiet: `units = on_hand + backorder_limit − reserved − Σ units in open claims that Postgres does not hold`.
- Nothing that the gate says can oversell: `stock_never_oversold` in Postgres decides.
- A claim id is admitted once; asking again changes nothing. Settling or giving back an unknown claim changes nothing.
- A script of another epoch does nothing and says so.
"""

import enum
import uuid

from msgspec import Struct

Item = tuple[int, int]
"""(item_id, units)"""


class Verdict(enum.IntEnum):
    """The gate's answer; the numbers are admit.lua's."""

    LIMITED = -2
    CLOSED = -1
    """Another epoch, or the gate is away: Postgres decides alone."""
    REFUSED = 0
    ADMITTED = 1
    KNOWN = 2
    """This claim is open: an earlier attempt is running, or its answer was lost. Postgres knows which."""
    SETTLED = 3
    """This claim became an order."""


class Admission(Struct, frozen=True, gc=False):
    """What the gate said. Shape: `available` by item, in the order asked, when refused; `epoch` when admitted."""

    verdict: Verdict
    epoch: int = 0
    available: tuple[int, ...] = ()


class HoldResult(Struct, frozen=True, gc=False):
    """A hold that stands until `expires_at_ms` (the gate's clock), or the units that were available instead."""

    held: bool
    expires_at_ms: int = 0
    available: tuple[int, ...] = ()


class OpenClaim(Struct, frozen=True, gc=False):
    """A claim's record in the gate. Units: ms since 1970, by the gate's clock."""

    claim_id: uuid.UUID
    is_hold: bool
    admitted_ms: int
    items: tuple[Item, ...]


def parse_record(claim_id: uuid.UUID, record: bytes) -> OpenClaim:
    """The record `kind at item:units,item:units` as admit.lua writes it."""
    kind, at, lines = record.split(b" ", 2)
    items = tuple(
        (int(item), int(units)) for item, _, units in (pair.partition(b":") for pair in lines.split(b","))
    )
    return OpenClaim(claim_id, kind == b"h", int(at), items)
