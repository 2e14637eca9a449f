"""What the routes of prices take and answer in JSON."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from checkout.errors import Invalid
from checkout.prices.model import Entry, Status, twice
from checkout.products.request import Currency, Moment, Money, Sku
from config import limits

Label = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]


class PriceEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """A price of one SKU in one currency. Units: minor units of the currency."""

    sku: Sku
    currency: Currency
    amount: Money
    compare_at: Money | None = None


Entries = Annotated[tuple[PriceEntry, ...], Meta(min_length=1, max_length=limits.PRICE_LIST_ENTRIES_MAX)]


class PriceToSet(PriceEntry, forbid_unknown_fields=True, frozen=True):
    """A regular price. With `version` it is set only while its product is at this version; no price is set otherwise."""

    version: Annotated[int, Meta(ge=1)] | None = None


PricesWanted = Annotated[tuple[PriceToSet, ...], Meta(min_length=1, max_length=limits.PRICE_LIST_ENTRIES_MAX)]


class PricesToSet(Struct, forbid_unknown_fields=True, frozen=True):
    """Regular prices to set, all or none."""

    prices: PricesWanted


class PricesSet(Struct, frozen=True):
    """How many of the prices were others before."""

    changed: int


class CurrentPrice(Struct, frozen=True):
    """What a SKU costs now in a currency. While a price list covers it, `list_id` names the list, and `regular_amount` comes
    back at its end; null there: then it is not sold in that currency any more. `version` is the product's, as its ETag: each
    change of a price moves it."""

    sku: str
    product_id: uuid.UUID
    currency: str
    amount: int
    compare_at: int | None
    list_id: uuid.UUID | None
    regular_amount: int | None
    regular_compare_at: int | None
    version: int


class CurrentPrices(Struct, frozen=True):
    """One page of prices."""

    items: list[CurrentPrice]
    next_cursor: str | None


class NewPriceList(Struct, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """Prices that hold from one moment to another. Without `from` they begin at once; without `until` they become the
    regular prices at their beginning."""

    name: Label
    prices: Entries
    from_: Moment | None = None
    until: Moment | None = None


class PriceListChange(Struct, forbid_unknown_fields=True, frozen=True, rename={"from_": "from"}):
    """What is to change of a list; what is left out stays."""

    name: Label | UnsetType = UNSET
    prices: Entries | UnsetType = UNSET
    from_: Moment | UnsetType = UNSET
    until: Moment | UnsetType | None = UNSET


class PriceListCard(Struct, frozen=True, rename={"from_": "from"}):
    """A price list as lists show it. `entries` counts its prices."""

    id: uuid.UUID
    name: str
    status: Status
    from_: datetime
    until: datetime | None
    began_at: datetime | None
    over_at: datetime | None
    owner_id: uuid.UUID | None
    created_by: str
    created_at: datetime
    version: int
    entries: int


class PriceLists(Struct, frozen=True):
    """One page of price lists, newest first."""

    items: list[PriceListCard]
    next_cursor: str | None


class ListedPrice(Struct, frozen=True):
    """A price of a list."""

    sku: str
    currency: str
    amount: int
    compare_at: int | None


class PriceListDocument(PriceListCard, frozen=True, rename={"from_": "from"}):
    """A price list with its prices; `version` is also the ETag."""

    prices: list[ListedPrice]


def versions_of(prices: Sequence[PriceToSet]) -> dict[str, int]:
    """What versions the products of these SKUs have to be at. Raises: Invalid when a SKU is asked for at two."""
    versions: dict[str, int] = {}
    for at, price in enumerate(prices):
        if price.version is not None and versions.setdefault(price.sku, price.version) != price.version:
            raise Invalid(f"{price.sku} is there at two versions.", field=f"prices[{at}].version")
    return versions


def entries_of(prices: Sequence[PriceEntry]) -> tuple[Entry, ...]:
    """The entries as the model has them. Raises: Invalid when one is there twice."""
    entries = tuple(Entry(price.sku, price.currency, price.amount, price.compare_at) for price in prices)
    wrong = [
        (f"prices[{at}]", f"{entries[at].sku} in {entries[at].currency} is there twice")
        for at in twice(entries)
    ]
    if wrong:
        raise Invalid(f"{wrong[0][0]}: {wrong[0][1]}", errors=wrong[:100])
    return entries
