"""The catalogue's documents as types: what the OpenAPI document says of them. The bytes are made in reading.py.

Guarantee (held by tests/api/catalog/test_reading.py): every document sent decodes as its type, no field more.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType


class Availability(Struct, forbid_unknown_fields=True):
    """`available` counts units on the shelf, `orderable` those that may be ordered beyond them as well; what is on
    pre-order says until when it may be."""

    status: Literal["in_stock", "backorder", "preorder", "out_of_stock"]
    available: int
    orderable: int
    preorder_until: str | UnsetType = UNSET


class SkuAvailability(Availability, kw_only=True):
    """What can be bought of one SKU now."""

    sku: str


class CategoryRef(Struct, forbid_unknown_fields=True):
    """A category by its names."""

    slug: str
    name: str


class Picture(Struct, forbid_unknown_fields=True):
    """An image by address. Shape: with a CDN, `widths` has an address for each width in pixels."""

    url: str
    alt: str
    widths: dict[str, str] = {}


class Variant(Struct, forbid_unknown_fields=True):
    """One SKU. Units: prices in minor units of the currency that names them."""

    sku: str
    barcode: str | None
    title: str
    attributes: dict[str, str]
    weight_g: int
    requires_shipping: bool
    prices: dict[str, int]
    compare_at_prices: dict[str, int]
    availability: Availability


class Rating(Struct, forbid_unknown_fields=True):
    """What approved reviews come to: mean stars from 1 to 5, to two decimals."""

    average: float
    count: int


class Product(Struct, forbid_unknown_fields=True):
    """A product with all its variants."""

    id: str
    slug: str
    title: str
    description: str
    vendor: str
    categories: list[CategoryRef]
    tags: list[str]
    attributes: dict[str, str]
    images: list[Picture]
    tax_class: str
    rating: Rating | None
    variants: list[Variant]
    published_at: str
    updated_at: str


class Category(Struct, forbid_unknown_fields=True):
    """A node of the tree. Shape: `products` counts published products here and below."""

    id: str
    slug: str
    name: str
    parent: str | None
    products: int


class Categories(Struct, forbid_unknown_fields=True):
    """The whole tree, in order."""

    items: list[Category]
    next_cursor: Any = None
