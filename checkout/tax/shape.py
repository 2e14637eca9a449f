"""Tax rates in JSON for admins: what is asked, and what is answered."""

from typing import Annotated

import msgspec

from checkout.kit.form import form
from checkout.orders.request import Country
from config import limits

Region = Annotated[
    str,
    form(
        r"^([A-Z0-9][A-Z0-9-]{0,9})?(?!\n)$",
        "a region by its code in capital letters, such as CA; empty for the whole country",
    ),
]
TaxClass = Annotated[
    str,
    form(r"^(?!exempt$)[a-z][a-z0-9_-]{0,31}(?!\n)$", "a tax class, such as standard; exempt is never taxed"),
]
RateName = Annotated[str, msgspec.Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Rate = Annotated[int, msgspec.Meta(ge=0, le=limits.BASIS_POINTS)]


class TaxTerms(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is charged. Units: basis points. `inclusive`: prices shown there contain it already."""

    name: RateName
    rate_bp: Rate
    inclusive: bool


class NewTaxRate(TaxTerms, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A tax rate to be made, for goods of one class in one place."""

    country: Country
    region: Region = ""
    tax_class: TaxClass = "standard"


class TaxRate(msgspec.Struct, frozen=True):
    """A tax rate. `id`: country, region (* for the whole country) and class, with dots between."""

    id: str
    country: str
    region: str
    tax_class: str
    name: str
    rate_bp: int
    inclusive: bool
    version: int


class TaxRates(msgspec.Struct, frozen=True):
    """One page of tax rates, by country, region and class."""

    items: list[TaxRate]
    next_cursor: str | None
