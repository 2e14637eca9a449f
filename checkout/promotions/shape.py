"""Coupons in JSON for admins: what is asked, and what is answered."""

from datetime import datetime
from typing import Annotated

import msgspec

from checkout.kit.form import form
from checkout.orders.request import Currency
from checkout.quoting.model import CouponKind
from config import limits

Code = Annotated[
    str,
    form(
        r"^[A-Za-z0-9_-]{2,40}(?!\n)$",
        "a code of letters, digits, - and _, such as WELCOME10",
        max_length=limits.COUPON_CODE_MAX_CHARS,
    ),
]
Uses = Annotated[int, msgspec.Meta(ge=0, le=limits.STOCK_MAX)]
Minor = Annotated[int, msgspec.Meta(ge=1, le=limits.UNIT_PRICE_MAX_MINOR)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class CouponTerms(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a coupon takes off, from what, how often and when.

    Shape: `percent_bp` (basis points) for percent, `amount` (minor units) and `currency` for amount; `min_subtotal` needs
    a currency; `max_uses` and `per_customer_limit`: None is unlimited; `valid_from`: None is now, or as it was.
    """

    kind: CouponKind
    percent_bp: Annotated[int, msgspec.Meta(ge=1, le=limits.BASIS_POINTS)] | None = None
    amount: Minor | None = None
    currency: Currency | None = None
    min_subtotal: Annotated[int, msgspec.Meta(ge=0, le=limits.JSON_INTEGER_MAX)] = 0
    max_uses: Uses | None = None
    per_customer_limit: Annotated[int, msgspec.Meta(ge=1, le=limits.STOCK_MAX)] | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None
    active: bool = True


class NewCoupon(CouponTerms, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A coupon to be made. The code is kept in capital letters."""

    code: Code


class Coupon(msgspec.Struct, frozen=True):
    """A coupon. `used`: uses by live orders, of a coupon with `max_uses`."""

    code: str
    kind: CouponKind
    percent_bp: int | None
    amount: int | None
    currency: str | None
    min_subtotal: int
    max_uses: int | None
    used: int | None
    per_customer_limit: int | None
    valid_from: datetime
    valid_until: datetime | None
    active: bool
    version: int


class Coupons(msgspec.Struct, frozen=True):
    """One page of coupons, by code."""

    items: list[Coupon]
    next_cursor: str | None
