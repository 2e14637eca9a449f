"""Shipping zones in JSON for admins: what is asked, and what is answered."""

from typing import Annotated

import msgspec

from checkout.kit.form import form
from checkout.orders.request import Currency
from config import limits

ZoneCountry = Annotated[
    str,
    form(
        r"^([A-Z]{2}|\*)(?!\n)$",
        "a country by its two capital letters, such as DE, or * for all that no other zone names",
    ),
]
RateOption = Annotated[
    str, form(r"^[a-z][a-z0-9_-]{0,31}$", "an option by a short name in small letters, such as standard")
]
ZoneName = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Money = Annotated[int, msgspec.Meta(ge=0, le=limits.UNIT_PRICE_MAX_MINOR)]
Days = Annotated[int, msgspec.Meta(ge=0, le=365)]


class RateEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What an option costs up to a weight. Units: minor units, g, days. `free_above`: goods of this worth ship free."""

    option: RateOption
    title: ZoneName
    currency: Currency
    up_to_weight_g: Annotated[int, msgspec.Meta(ge=1, le=limits.WEIGHT_MAX_G)]
    amount: Money
    free_above: Annotated[int, msgspec.Meta(ge=0, le=limits.JSON_INTEGER_MAX)] | None = None
    days_min: Days = 1
    days_max: Days = 5


class ZoneTerms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Countries that ship alike, and what each option costs there, by currency and weight."""

    name: ZoneName
    countries: Annotated[list[ZoneCountry], msgspec.Meta(min_length=1, max_length=300)]
    rates: Annotated[list[RateEntry], msgspec.Meta(max_length=limits.SHIPPING_RATES_MAX)] = []


class ShippingZoneAnswer(msgspec.Struct, frozen=True):
    """A shipping zone."""

    id: str
    name: str
    countries: list[str]
    rates: list[RateEntry]
    version: int


class ShippingZones(msgspec.Struct, frozen=True):
    """One page of shipping zones, oldest first."""

    items: list[ShippingZoneAnswer]
    next_cursor: str | None
