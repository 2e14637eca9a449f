"""The documents of listings and suggestions as types: what the OpenAPI document says of them. The bytes are made in show.py.

Guarantee (held by tests/api/search): every document sent decodes as its type, no field more.
"""

from msgspec import Struct

from checkout.catalog.documents import Picture, Rating


class PriceSpan(Struct, forbid_unknown_fields=True, rename={"lowest": "from", "highest": "to"}):
    """The cheapest and the dearest variant. Units: minor units."""

    lowest: int
    highest: int


class Card(Struct, forbid_unknown_fields=True):
    """A product as lists show it."""

    id: str
    slug: str
    title: str
    vendor: str
    image: Picture | None
    categories: list[str]
    tags: list[str]
    attributes: dict[str, str]
    prices: dict[str, PriceSpan]
    skus: list[str]
    in_stock: bool
    rating: Rating | None
    published_at: str


class CategoryCount(Struct, forbid_unknown_fields=True):
    """How many matching products a category holds, those of the categories below it included."""

    slug: str
    name: str
    count: int


class ValueCount(Struct, forbid_unknown_fields=True):
    """How many matching products carry a value."""

    value: str
    count: int


class Facets(Struct, forbid_unknown_fields=True):
    """Counts over what matches, not only this page.

    Shape: over the first 500 matches; `counted` says over how many, `are_exact` whether those are all. The 50 most
    frequent values of each. Units: minor units of each currency, from the cheapest variant to the dearest.
    """

    categories: list[CategoryCount]
    tags: list[ValueCount]
    attributes: dict[str, list[ValueCount]]
    prices: dict[str, PriceSpan]
    counted: int
    are_exact: bool


class Listing(Struct, forbid_unknown_fields=True):
    """A page of products.

    Shape: beyond 1,000 matches `total` stops counting and `total_is_exact` is false. `read_as` has the words of `q` that no
    product says, and the names that were looked for instead.
    """

    items: list[Card]
    next_cursor: str | None
    total: int
    total_is_exact: bool
    read_as: dict[str, list[str]]
    facets: Facets


class CategorySuggestion(Struct, forbid_unknown_fields=True):
    """A category with a word that begins as asked."""

    slug: str
    name: str


class ProductSuggestion(Struct, forbid_unknown_fields=True):
    """A product by its title."""

    slug: str
    title: str


class SuggestionLists(Struct, forbid_unknown_fields=True):
    """What a text that was begun may become: at most 8 of each."""

    categories: list[CategorySuggestion]
    products: list[ProductSuggestion]
