"""What a checkout may say. Unknown fields are refused: no price, total, currency or status can be smuggled in."""

from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from checkout.kit import codes
from checkout.kit.form import form
from config import limits

Text = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Sku = Annotated[str, Meta(min_length=1, max_length=limits.SKU_MAX_CHARS)]
Country: TypeAlias = codes.Country
Currency: TypeAlias = codes.Currency
Quantity = Annotated[int, Meta(ge=1, le=limits.LINE_QUANTITY_MAX)]
Email = Annotated[
    str,
    form(
        r"^[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>]+$",
        "one e-mail address, such as ada@example.com",
        max_length=limits.EMAIL_MAX_CHARS,
    ),
]
ShippingCode = Annotated[str, Meta(min_length=1, max_length=32)]
PaymentMethod = Annotated[
    str,
    form(
        r"^[A-Za-z](?!.*\d{12})[A-Za-z0-9_.:-]{0,199}$",
        "the provider's token of a payment method, such as pm_card_visa; never a card number: it would not be stored",
    ),
]
CouponCode = Annotated[str, Meta(min_length=2, max_length=limits.COUPON_CODE_MAX_CHARS)]


class Address(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """A postal address."""

    name: Text
    line1: Text
    city: Text
    postal_code: Annotated[str, Meta(min_length=1, max_length=20)]
    country: Country
    line2: Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)] | None = None
    region: Annotated[str, Meta(max_length=64)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None


class Line(Struct, forbid_unknown_fields=True, frozen=True):
    """Units of one SKU."""

    sku: Sku
    quantity: Quantity


class PaymentChoice(Struct, forbid_unknown_fields=True, frozen=True):
    """Who takes the money, and the provider's token of the payment method: never card data."""

    provider: Annotated[str, Meta(min_length=2, max_length=20)]
    method: PaymentMethod


class CheckoutRequest(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """`POST /v1/checkouts`: from a cart (`cart_id`) or with `lines` and `currency` inline."""

    email: Email
    payment: PaymentChoice
    shipping_address: Address | None = None
    cart_id: Annotated[str, Meta(min_length=22, max_length=64)] | None = None
    lines: Annotated[list[Line], Meta(min_length=1, max_length=limits.CHECKOUT_LINES_MAX)] | None = None
    currency: Currency | None = None
    shipping_option: ShippingCode | None = None
    billing_address: Address | None = None
    coupons: Annotated[list[CouponCode], Meta(max_length=limits.COUPONS_MAX)] = []
    expected_total: Annotated[int, Meta(ge=0, le=limits.JSON_INTEGER_MAX)] | None = None
