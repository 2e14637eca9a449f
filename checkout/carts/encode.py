"""The cart as JSON."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from checkout.carts.model import Cart
from checkout.carts.price import Priced
from checkout.quoting.encode import problem_document, quote_document

Document = dict[str, Any]


def cart_document(cart: Cart, priced: Priced, *, now_ms: int) -> Document:
    """The cart with its price; lines that are not for sale any more come last and cost nothing.

    Shape: `hold_expires_at` and the countdown `hold_expires_in_s` are null unless the cart is held now.
    """
    document = quote_document(priced.quote)
    for line in document["lines"]:
        line["available"] = True
    document["lines"] += [
        {
            "sku": sku,
            "quantity": quantity,
            "available": False,
            "subtotal": 0,
            "discount": 0,
            "tax": 0,
            "total": 0,
        }
        for sku, quantity in priced.gone
    ]
    problems = [problem_document(problem) for problem in priced.quote.problems]
    problems += [
        {"code": "not_for_sale", "field": f"lines.{sku}", "message": f"{sku} is not for sale any more."}
        for sku, _ in priced.gone
    ]
    held = cart.hold_until_ms > now_ms
    until = datetime.fromtimestamp(cart.hold_until_ms // 1000, UTC) if held else None
    return {
        "id": cart.id,
        "version": cart.version,
        "status": "ordered" if cart.ordered else "open" if cart.merged_into is None else "merged",
        "currency": cart.currency,
        "lines": document["lines"],
        "coupons": document["coupons"],
        "country": cart.country,
        "address": msgspec.to_builtins(cart.address) if cart.address is not None else None,
        "shipping_option": document["shipping"],
        "requires_shipping": priced.quote.requires_shipping,
        "totals": document["totals"],
        "problems": problems,
        "hold_expires_at": until,
        "hold_expires_in_s": (cart.hold_until_ms - now_ms) // 1000 if held else None,
        "merged_into": cart.merged_into,
    }
