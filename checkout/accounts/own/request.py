"""What people may say about themselves. Unknown fields are refused; null empties a field."""

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.accounts.request import Name
from checkout.kit.form import form
from checkout.orders.request import Address

Phone = Annotated[str, form(r"^\+?[0-9 ()/.-]{4,39}$", "a telephone number, such as +49 30 1234567")]
Locale = Annotated[str, form(r"^[a-z]{2}(-[A-Z]{2})?$", "a language, such as de or de-AT")]


class ConsentWish(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """Consents to give or withdraw; what is left out stays."""

    marketing_email: bool | None = None
    sms: bool | None = None


class MeChange(Struct, forbid_unknown_fields=True, frozen=True):
    """`PATCH /v1/me`: what is left out stays."""

    name: Name | UnsetType | None = UNSET
    phone: Phone | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET
    consents: ConsentWish | UnsetType = UNSET


class AddressEntry(Address, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """An address of the book. Shape: `is_default` left out leaves it; the first address becomes the default."""

    is_default: bool | None = None
    label: Annotated[str, Meta(max_length=40)] | None = None
