"""What an invoice says.

**Guarantees** (held by tests/unit/invoices and tests/workers):
- Numbers of a series are 1, 2, 3 … without a gap: the number is drawn by the commit that stores the invoice.
- One order has at most one invoice; what it says never changes afterwards.
- `lines − discount + shipping + tax added = total`, as the order was placed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from iso4217 import Currency

_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells, as printed."""

    name: str
    address: str
    postal_code: str
    city: str
    country: str
    email: str
    phone: str = ""
    tax_id: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """Everything that the page shows but its number. Shape: `order` is the order's stored document. Units: minor units."""

    seller: Seller
    order_number: int
    ordered_on: date
    issued_on: date
    paid_on: date
    email: str
    currency: str
    subtotal_minor: int
    discount_minor: int
    shipping_minor: int
    tax_minor: int
    total_minor: int
    order: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The invoice as stored JSON."""
        return {
            "seller": {name: getattr(self.seller, name) for name in Seller.__slots__},
            "buyer": self.buyer,
            "email": self.email,
            "order_number": str(self.order_number),
            "ordered_on": self.ordered_on.isoformat(),
            "issued_on": self.issued_on.isoformat(),
            "paid_on": self.paid_on.isoformat(),
            "currency": self.currency,
            "lines": self.order["lines"],
            "coupons": self.order["coupons"],
            "shipping_option": self.order["shipping_option"],
            "taxes": self.order["taxes"],
            "totals": {
                "subtotal": self.subtotal_minor,
                "discount": self.discount_minor,
                "shipping": self.shipping_minor,
                "tax": self.tax_minor,
                "total": self.total_minor,
                "tax_included": self.order["tax_included"],
            },
        }

    @property
    def buyer(self) -> Mapping[str, Any]:
        """Who pays: the billing address, else where it is shipped to, else nobody named."""
        return self.order.get("billing_address") or self.order.get("shipping_address") or {}


def digits_of(currency: str) -> int:
    """How many decimal digits the currency has: JPY 0, EUR 2, KWD 3."""
    try:
        return Currency(currency).exponent or 0
    except ValueError:
        return 2


def amount_text(minor: int, digits: int) -> str:
    """The amount for people, exact: `1,234.50`. Units: minor units."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    if not digits:
        return f"{sign}{minor:,}"
    whole, rest = divmod(minor, 10**digits)
    return f"{sign}{whole:,}.{rest:0{digits}d}"


def money_text(minor: int, currency: str) -> str:
    """The amount with its currency: `€1,234.50`, `INR 1,234.50`."""
    text = amount_text(minor, digits_of(currency))
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{text}" if symbol else f"{currency} {text}"


def rate_text(rate_bp: int) -> str:
    """A rate for people: 1900 → `19 %`, 725 → `7.25 %`."""
    whole, rest = divmod(rate_bp, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + " %"
