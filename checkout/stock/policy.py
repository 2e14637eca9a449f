"""What may be sold of a SKU: the policy, and what follows from it. Pure.

**Guarantees** (held by tests/unit/stock and tests/property/stock):
- The net, which the committer and the gate read as `stock.backorder_limit`, is back-orders plus pre-orders minus safety
  stock, and never so low that what is already promised would break `stock_never_oversold`.
- Safety stock is never sold: with nothing promised before, at most `on_hand + backorder + preorder − safety` units are.
- The trigger `apply_stock_policies` in Postgres works out the same net as `net` here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Status = Literal["in_stock", "backorder", "preorder", "out_of_stock"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be sold beyond or short of what lies there. Units: units; `low_at` None: the shop's usual threshold.

    Shape: `preorder_units` are expected by a receipt, and may be sold until `preorder_until`; a receipt takes them off.
    Version 0 is a SKU without a policy of its own.
    """

    backorder: int = 0
    safety_stock: int = 0
    preorder_units: int = 0
    preorder_until: datetime | None = None
    low_at: int | None = None
    version: int = 0

    @property
    def beyond(self) -> int:
        """Units that may be sold without lying there."""
        return self.backorder + self.preorder_units

    def document(self) -> dict[str, Any]:
        """The policy as the API and the audit log show it."""
        return {
            "backorder_limit": self.backorder,
            "safety_stock": self.safety_stock,
            "preorder": {"units": self.preorder_units, "until": self.preorder_until}
            if self.preorder_until
            else None,
            "low_at": self.low_at,
        }


def net(policy: Policy, *, on_hand: int, reserved: int) -> int:
    """What `stock.backorder_limit` is under this policy."""
    return max(policy.beyond - policy.safety_stock, reserved - on_hand)


def keeps_promises(*, on_hand: int, reserved: int, limit: int) -> bool:
    """Whether stock may fall to `on_hand`: what is promised must lie there or be allowed to be back-ordered.

    A negative limit (safety stock) gives way: units kept back are there for those who were promised some.
    """
    return reserved <= on_hand + max(limit, 0)


def shelf(*, on_hand: int, reserved: int, safety_stock: int) -> int:
    """Units that lie there and may still be sold; below zero when more is promised than lies there."""
    return on_hand - reserved - safety_stock


def sellable(
    on_hand: int,
    reserved: int,
    limit: int,
    *,
    beyond: int | None = None,
    preorder_until: str | None = None,
    live: int | None = None,
) -> dict[str, Any]:
    """Words and numbers for what can be bought now. `available` counts units on the shelf, `orderable` those beyond too.

    Shape: `status` is in_stock, backorder, preorder or out_of_stock, with `preorder_until` in the third case; `beyond` of
    a policy, else the limit is all of it; `live` is the gate's count of what it would still admit.
    """
    orderable = max(0, on_hand + limit - reserved if live is None else live)
    available = max(0, min(orderable, orderable - (limit if beyond is None else beyond)))
    status: Status = "in_stock" if available else "out_of_stock"
    if orderable and not available:
        status = "preorder" if preorder_until else "backorder"
    found: dict[str, Any] = {"status": status, "available": available, "orderable": orderable}
    if status == "preorder":
        found["preorder_until"] = preorder_until
    return found
