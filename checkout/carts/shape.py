"""What a cart looks like in JSON, for the OpenAPI document; tests/api/edge holds the real answers to it."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from checkout.carts.request import CartAddress
from checkout.quoting.shape import Totals


class CartLine(msgspec.Struct, frozen=True, gc=False):
    """One article. Shape: with `available` false it is not for sale any more, costs nothing, and has no more fields."""

    sku: str
    quantity: int
    available: bool
    subtotal: int
    discount: int
    tax: int
    total: int
    tax_included: int | UnsetType = UNSET
    tax_rate_bp: int | UnsetType = UNSET
    unit_price: int | UnsetType = UNSET
    product_id: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    title: str | UnsetType = UNSET


class CartCoupon(msgspec.Struct, frozen=True, gc=False):
    """A coupon and what it takes off."""

    code: str
    kind: str | None
    applied: bool
    discount: int


class CartShipping(msgspec.Struct, frozen=True, gc=False):
    """The way it is shipped, at its price."""

    code: str
    title: str
    amount: int
    days_min: int
    days_max: int


class Obstacle(msgspec.Struct, frozen=True, gc=False):
    """Why the cart cannot be ordered as it is, and the field that would mend it."""

    code: str
    field: str
    message: str


class CartAnswer(msgspec.Struct, frozen=True, gc=False):
    """A cart with its price. Shape: `hold_expires_at` and the countdown are null unless its lines are held now."""

    id: str
    version: int
    status: Literal["open", "ordered", "merged"]
    currency: str
    lines: list[CartLine]
    coupons: list[CartCoupon]
    country: str | None
    address: CartAddress | None
    shipping_option: CartShipping | None
    requires_shipping: bool
    totals: Totals
    problems: list[Obstacle]
    hold_expires_at: datetime | None
    hold_expires_in_s: int | None
    merged_into: str | None


class CappedLine(msgspec.Struct, frozen=True, gc=False):
    """An article of which both carts together had more units than a line takes."""

    sku: str
    wanted: int
    quantity: int


class Leftover(msgspec.Struct, frozen=True, gc=False):
    """What of a guest's cart did not fit into the account's."""

    capped: list[CappedLine]
    coupons_left_out: list[str]


class ClaimAnswer(CartAnswer, frozen=True, kw_only=True):
    """The account's cart after a claim."""

    claimed: Leftover


class OfferedShipping(CartShipping, frozen=True, kw_only=True):
    """A way to ship this cart; `option` is what to choose it by."""

    option: str


class ShippingOptions(msgspec.Struct, frozen=True, gc=False):
    """The ways to ship a cart, cheapest first."""

    items: list[OfferedShipping]
    next_cursor: str | None
    currency: str
