"""The records of the catalogue: what is written, what is asked for, what is counted.

**Guarantees** (held by tests/unit/catalog, tests/api/catalog):
- A draft that is accepted can be stored: every bound of the schema is checked here first, with the name of the field.
- Writing the same drafts twice changes nothing the second time: no version, no price, no stock.
- Money is an integer of minor units of its currency.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct, field

from checkout.catalog import gtin
from config import limits

Status = Literal["draft", "published", "archived"]

SKU = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")
SLUG = re.compile(r"^[a-z0-9]+(?:[-_][a-z0-9]+)*$")
CURRENCY = re.compile(r"^[A-Z]{3}$")
IMAGE_URL = re.compile(r"https?://[^\s\x00-\x1f\x7f\"<>\\^`{|}]+")
SLUG_MAX_CHARS = 200
TITLE_MAX_CHARS = 500
DESCRIPTION_MAX_CHARS = 50_000
TAGS_MAX = 250
VARIANTS_MAX = 2048
ANY_QUANTITY = limits.STOCK_MAX
"""The back-order limit of a SKU that is sold whether or not it is there."""


class Image(Struct, frozen=True):
    """A picture by address; nothing is fetched."""

    url: str
    alt: str = ""


class Price(Struct, frozen=True):
    """What a unit costs, and what it cost before. Units: minor units of the currency it stands under."""

    amount_minor: int
    compare_at_minor: int | None = None


class CategoryDraft(Struct, frozen=True):
    """A node of the tree; a parent is written before its children."""

    slug: str
    name: str
    parent: str | None = None
    position: int = 0


class VariantDraft(Struct, frozen=True):
    """One SKU. Shape: `prices` by currency are the regular ones; `on_hand` is received when the SKU is new, and left alone
    afterwards; `backorder_limit` None: left as it is; `position` None: its place among the draft's variants; an `archived`
    one is kept for orders, and not sold."""

    sku: str
    prices: Mapping[str, Price]
    title: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    barcode: str | None = None
    weight_g: int = 0
    requires_shipping: bool = True
    on_hand: int = 0
    backorder_limit: int | None = 0
    position: int | None = None
    archived: bool = False


class ProductDraft(Struct, frozen=True):
    """A product with its variants in order. Shape: `categories` are slugs that exist; attribute names in lower case."""

    slug: str
    title: str
    variants: tuple[VariantDraft, ...]
    description: str = ""
    vendor: str = ""
    status: Status = "published"
    tags: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    images: tuple[Image, ...] = ()
    tax_class: str = "standard"
    categories: tuple[str, ...] = ()


class Written(Struct):
    """What a write did, in products and variants. `received` counts units put into stock."""

    products_created: int = 0
    products_changed: int = 0
    variants_created: int = 0
    variants_changed: int = 0
    prices_changed: int = 0
    received: int = 0

    def add(self, other: "Written") -> None:
        """Sums two writes."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def changed_nothing(self) -> bool:
        """Whether the store already was as asked."""
        return not any(getattr(self, name) for name in self.__struct_fields__)


def problems(draft: ProductDraft) -> Iterator[tuple[str, str]]:
    """(field, message) of everything that would keep the draft from being stored."""
    if not draft.slug or len(draft.slug) > SLUG_MAX_CHARS:
        yield "slug", f"has 1 to {SLUG_MAX_CHARS} characters"
    if not 1 <= len(draft.title) <= TITLE_MAX_CHARS:
        yield "title", f"has 1 to {TITLE_MAX_CHARS} characters"
    if len(draft.description) > DESCRIPTION_MAX_CHARS:
        yield "description", f"has at most {DESCRIPTION_MAX_CHARS} characters"
    if len(draft.tags) > TAGS_MAX:
        yield "tags", f"are at most {TAGS_MAX}"
    if not 1 <= len(draft.variants) <= VARIANTS_MAX:
        yield "variants", f"are 1 to {VARIANTS_MAX}"
    for at, image in enumerate(draft.images):
        if len(image.url) > limits.URL_MAX_CHARS or not IMAGE_URL.fullmatch(image.url):
            yield f"images[{at}].url", "is an address that begins with https:// or http://, without spaces"
    if "\0" in draft.title + draft.description + draft.vendor + "".join(draft.tags):
        yield "body", "holds a NUL character"
    for at, variant in enumerate(draft.variants):
        for name, message in variant_problems(variant):
            yield f"variants[{at}].{name}", message


def variant_problems(draft: VariantDraft) -> Iterator[tuple[str, str]]:
    """(field, message) of everything that would keep the variant from being stored."""
    if not SKU.match(draft.sku):
        yield (
            "sku",
            "is 1 to 64 letters, digits, dots, dashes, slashes or underscores, a letter or digit first",
        )
    if draft.barcode is not None and not gtin.is_valid(draft.barcode):
        yield "barcode", "is not a GTIN: 8, 12, 13 or 14 digits with a right check digit"
    if not 0 <= draft.weight_g <= limits.WEIGHT_MAX_G:
        yield "weight_g", f"is 0 to {limits.WEIGHT_MAX_G}"
    if not 0 <= draft.on_hand <= limits.STOCK_MAX:
        yield "on_hand", f"is 0 to {limits.STOCK_MAX}"
    if draft.backorder_limit is not None and not 0 <= draft.backorder_limit <= limits.STOCK_MAX:
        yield "backorder_limit", f"is 0 to {limits.STOCK_MAX}"
    for currency, price in draft.prices.items():
        if not CURRENCY.match(currency):
            yield "prices", f"{currency!r} is not an ISO 4217 code"
        if not 0 <= price.amount_minor <= limits.UNIT_PRICE_MAX_MINOR:
            yield f"prices.{currency}", f"is 0 to {limits.UNIT_PRICE_MAX_MINOR} minor units"
        if (
            price.compare_at_minor is not None
            and not 0 <= price.compare_at_minor <= limits.UNIT_PRICE_MAX_MINOR
        ):
            yield f"prices.{currency}.compare_at", f"is 0 to {limits.UNIT_PRICE_MAX_MINOR} minor units"


def slugify(text: str) -> str:
    """A slug of ASCII letters, digits and single dashes; empty when nothing is left."""

    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:SLUG_MAX_CHARS].strip("-")
