"""The errors that say why there is no order."""

from collections.abc import Sequence

from checkout.errors import Conflict, OutcomeUnknown, ShopError, Unavailable
from checkout.orders.model import CartUsed, Decision, SoldOut
from checkout.quoting.model import Quote


def refused(decision: Decision, quoted: Quote) -> ShopError:
    """The error that says why there is no order."""
    if isinstance(decision, SoldOut):
        by_item = {line.offer.item_id: line for line in quoted.lines}
        short = [
            (by_item[item].offer.sku, by_item[item].quantity, max(0, available))
            for item, available in decision.available.items()
            if item in by_item
        ]
        if short:
            return out_of_stock(short)
        return Conflict(
            "A coupon has been used as often as it may be; take it off and ask again.",
            code="coupon_used_up",
            extra={"field": "coupons"},
        )
    if isinstance(decision, CartUsed):
        return Conflict("This cart is an order already; start a new cart for another.", code="cart_ordered")
    detail = getattr(decision, "detail", "Try again in a moment.")
    if getattr(decision, "unknown", False):
        return OutcomeUnknown(detail, retry_after_ms=1000)
    return Unavailable(detail, retry_after_ms=1000)


def out_of_stock(lines: Sequence[tuple[str, int, int]]) -> Conflict:
    """409 for lines of (sku, requested, available)."""
    return Conflict(
        "There is not enough in stock; lower the quantity or take the line out.",
        code="out_of_stock",
        extra={
            "lines": [
                {"sku": sku, "requested": requested, "available": available}
                for sku, requested, available in lines
            ]
        },
    )
