"""What the routes of `/v1/me` answer, for the OpenAPI document."""

from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType


class Consent(Struct, frozen=True):
    """A consent, and when it was given or withdrawn; never asked: not given, at null."""

    given: bool
    at: datetime | None


class Consents(Struct, frozen=True):
    """What the account allows us, beside what an order needs."""

    marketing_email: Consent
    sms: Consent


class Me(Struct, frozen=True):
    """Who is signed in. Its ETag is `version`."""

    id: str
    email: str
    role: str
    verified: bool
    name: str | None
    phone: str | None
    locale: str | None
    consents: Consents
    second_factor: bool
    created_at: datetime
    version: int


class SavedAddress(Struct, frozen=True):
    """An address of the book. Its ETag is `version`."""

    id: str
    is_default: bool
    version: int
    name: str
    line1: str
    city: str
    postal_code: str
    country: str
    line2: str | UnsetType | None = UNSET
    region: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    label: str | UnsetType | None = UNSET


class AddressBook(Struct, frozen=True):
    """All of it: a book is never longer than a page."""

    items: list[SavedAddress]
    next_cursor: str | None


class OwnLine(Struct, frozen=True):
    """An article of an order. Units: minor units."""

    sku: str
    title: str
    quantity: int
    total: int


class OwnOrder(Struct, frozen=True):
    """An order in a list; all of it is at /v1/orders/{id}. Units: minor units."""

    id: str
    number: str
    status: str
    currency: str
    total: int
    placed_at: datetime
    lines: list[OwnLine]


class OwnOrders(Struct, frozen=True):
    """A page of orders, newest first."""

    items: list[OwnOrder]
    next_cursor: str | None


class OpenCart(Struct, frozen=True):
    """The account's open cart in a currency; it is at /v1/carts/{id}."""

    id: str
    currency: str


class OpenCarts(Struct, frozen=True):
    """One a currency."""

    items: list[OpenCart]
    next_cursor: str | None


class Gone(Struct, frozen=True):
    """An article that is not sold any more, or not in this currency."""

    sku: str
    title: str
    quantity: int


class Reordered(Struct, frozen=True):
    """A new cart with what is still sold."""

    cart_id: str
    currency: str
    not_available: list[Gone]


class Export(Struct, frozen=True):
    """Everything that the shop holds about the person."""

    exported_at: datetime
    account: Me
    addresses: list[SavedAddress]
    orders: list[dict[str, Any]]
    carts: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    requests: list[dict[str, Any]]
    log: list[dict[str, Any]]
