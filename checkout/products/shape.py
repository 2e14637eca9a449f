"""What the routes of products answer in JSON, for the OpenAPI document; tests/api/products holds the answers to it."""

import uuid
from datetime import datetime
from typing import Literal

from msgspec import Struct

Status = Literal["draft", "published", "archived"]


class AdminPrice(Struct, frozen=True):
    """A regular price. Units: minor units of the currency it stands under."""

    amount: int
    compare_at: int | None


class ListPrice(Struct, frozen=True):
    """A price that covers the regular one now, and the price list it comes from."""

    amount: int
    compare_at: int | None
    list_id: uuid.UUID


class AdminVariant(Struct, frozen=True):
    """One SKU with its stock."""

    sku: str
    barcode: str | None
    title: str
    options: dict[str, str]
    weight_g: int
    requires_shipping: bool
    position: int
    archived_at: datetime | None
    prices: dict[str, AdminPrice]
    list_prices: dict[str, ListPrice]
    on_hand: int
    reserved: int
    backorder_limit: int


class AdminImage(Struct, frozen=True):
    """A picture by the address that was given."""

    url: str
    alt: str


class AdminProduct(Struct, frozen=True):
    """A product, whole. `publish_at`: when a draft is published; `version` is also the ETag."""

    id: uuid.UUID
    slug: str
    title: str
    description: str
    vendor: str
    status: Status
    publish_at: datetime | None
    published_at: datetime | None
    archived_at: datetime | None
    tags: list[str]
    attributes: dict[str, str]
    images: list[AdminImage]
    tax_class: str
    categories: list[str]
    variants: list[AdminVariant]
    owner_id: uuid.UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class ProductCard(Struct, frozen=True):
    """A product as lists show it. `skus` are the first of its `variants`; `on_shelf`: units not ordered."""

    id: uuid.UUID
    slug: str
    title: str
    vendor: str
    status: Status
    publish_at: datetime | None
    published_at: datetime | None
    image: str | None
    skus: list[str]
    variants: int
    on_shelf: int
    owner_id: uuid.UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class ProductCards(Struct, frozen=True):
    """One page of products, newest first."""

    items: list[ProductCard]
    next_cursor: str | None


class Scanned(Struct, frozen=True):
    """A variant that a barcode or SKU names."""

    sku: str
    barcode: str | None
    title: str
    archived_at: datetime | None
    product_id: uuid.UUID
    product_title: str
    status: Status
    on_hand: int
    reserved: int
    backorder_limit: int


class ScannedList(Struct, frozen=True):
    """What a scan found; several products may share a barcode."""

    items: list[Scanned]
    next_cursor: str | None
