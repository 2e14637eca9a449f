"""What an order looks like in JSON, for the OpenAPI document; tests/api/edge holds the real answers to it."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from checkout.orders.request import Address
from checkout.quoting.shape import TaxShare, Totals

Status = Literal[
    "placed",
    "action_required",
    "payment_failed",
    "paid",
    "booked",
    "shipped",
    "delivered",
    "cancelled",
    "partially_refunded",
    "refunded",
    "disputed",
]


class OrderLine(msgspec.Struct, frozen=True, gc=False):
    """Units of one article, as they were sold."""

    sku: str
    title: str
    quantity: int
    unit_price: int
    subtotal: int
    discount: int
    tax: int
    total: int
    product_id: str


class OrderCoupon(msgspec.Struct, frozen=True, gc=False):
    """A coupon that was used."""

    code: str
    discount: int


class OrderShipping(msgspec.Struct, frozen=True, gc=False):
    """The shipping option that was chosen."""

    code: str
    title: str
    amount: int


class OrderPayment(msgspec.Struct, frozen=True, gc=False):
    """The latest attempt to pay. Shape: `client_secret` and `action_url` while the shopper must prove themselves."""

    status: Literal["pending", "action_required", "declined", "voided", "succeeded", "refunded"]
    provider: str
    method: str
    amount: int
    attempt: int | UnsetType = UNSET
    client_secret: str | UnsetType = UNSET
    action_url: str | UnsetType = UNSET
    decline_code: str | UnsetType = UNSET
    refunded: int | UnsetType = UNSET


class OrderShipment(msgspec.Struct, frozen=True):
    """A parcel."""

    id: str
    carrier: str
    tracking_number: str | None
    status: str
    booked_at: datetime | None


class TimelineEntry(msgspec.Struct, frozen=True, gc=False):
    """A change of the order; numbered from 1 without gaps."""

    seq: int
    status: Status
    at: datetime
    detail: dict[str, Any] | UnsetType = UNSET


class OrderInvoice(msgspec.Struct, frozen=True):
    """The invoice's number and date; the document is at /invoice.pdf."""

    number: str
    issued_at: datetime


class Stored(msgspec.Struct, frozen=True, gc=False):
    """What an order keeps of its quote: never changed afterwards. Who bought it lies apart: orders/personal.py."""

    lines: list[OrderLine]
    shipping_option: OrderShipping | None
    coupons: list[OrderCoupon]
    taxes: list[TaxShare]
    tax_included: int
    requires_shipping: bool
    weight_g: int


class Head(msgspec.Struct, frozen=True, gc=False):
    """An order at the moment of its placing, but for what is stored with it: the first half of its JSON."""

    id: str
    number: str
    currency: str
    totals: Totals
    payment: OrderPayment
    timeline: list[TimelineEntry]
    placed_at: datetime
    payment_deadline: datetime
    status: Status = "placed"
    shipments: tuple[()] = ()
    invoice: None = None


class OrderAnswer(msgspec.Struct, frozen=True):
    """An order as it stands."""

    id: str
    number: str
    status: Status
    currency: str
    lines: list[OrderLine]
    totals: Totals
    payment: OrderPayment
    shipments: list[OrderShipment]
    timeline: list[TimelineEntry]
    placed_at: datetime
    payment_deadline: datetime
    invoice: OrderInvoice | None
    shipping_address: Address | None
    billing_address: Address | None
    shipping_option: OrderShipping | None
    coupons: list[OrderCoupon]
    taxes: list[TaxShare]
    tax_included: int
    requires_shipping: bool
    weight_g: int


class PlacedAnswer(msgspec.Struct, frozen=True):
    """A new order, and the token that opens it."""

    order: OrderAnswer
    access_token: str
