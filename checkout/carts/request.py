"""What callers may say about a cart. Unknown fields are refused."""

from typing import Annotated

from msgspec import Meta, Struct

from checkout.orders.request import Address, Country, CouponCode, Currency, Line, ShippingCode, Text
from config import limits


class NewCart(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """`POST /v1/carts`."""

    currency: Currency
    lines: Annotated[list[Line], Meta(max_length=limits.CART_LINES_MAX)] = []
    country: Country | None = None


class LineQuantity(Struct, forbid_unknown_fields=True, frozen=True):
    """`PUT /v1/carts/{id}/lines/{sku}`: 0 removes the line."""

    quantity: Annotated[int, Meta(ge=0, le=limits.LINE_QUANTITY_MAX)]


class CouponEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """`POST /v1/carts/{id}/coupons`."""

    code: CouponCode


class ShippingChoice(Struct, forbid_unknown_fields=True, frozen=True):
    """`PUT /v1/carts/{id}/shipping`."""

    option: ShippingCode


class CartAddress(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """`PUT /v1/carts/{id}/address`: the country is enough for an estimate, an order needs the whole."""

    country: Country
    name: Text | None = None
    line1: Text | None = None
    line2: Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)] | None = None
    city: Text | None = None
    region: Annotated[str, Meta(max_length=64)] | None = None
    postal_code: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    phone: Annotated[str, Meta(max_length=40)] | None = None

    def whole(self) -> Address | None:
        """The address that an order can be sent to, or None while parts are missing."""
        if self.name is None or self.line1 is None or self.city is None or self.postal_code is None:
            return None
        return Address(
            name=self.name,
            line1=self.line1,
            city=self.city,
            postal_code=self.postal_code,
            country=self.country,
            line2=self.line2,
            region=self.region,
            phone=self.phone,
        )
