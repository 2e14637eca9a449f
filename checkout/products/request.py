"""What may be said of a product: bodies of the admin's routes, and the drafts that they spell."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from checkout.catalog.attributes import VALUE_MAX_CHARS
from checkout.catalog.model import (
    DESCRIPTION_MAX_CHARS,
    TAGS_MAX,
    TITLE_MAX_CHARS,
    VARIANTS_MAX,
    Image,
    Price,
    ProductDraft,
    VariantDraft,
    slugify,
)
from checkout.errors import Invalid
from checkout.kit.form import form
from checkout.kit.query import in_our_time
from checkout.products.model import VariantTerms, from_options, new_sku, title_of
from config import limits

# `$` alone would let a line feed pass.
END = r"$(?!\n)"
Slug = Annotated[
    str,
    form("^[a-z0-9]+(?:[-_][a-z0-9]+)*" + END, "a slug such as black-tee: small letters, digits, single dashes",
         max_length=200),
]  # fmt: skip
Sku = Annotated[
    str,
    form("^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}" + END,
         "a SKU such as TEE-BLACK-M: up to 64 letters, digits, dots, dashes, slashes or underscores"),
]  # fmt: skip
Barcode = Annotated[str, form("^[0-9]{8}(?:[0-9]{4,6})?" + END, "a GTIN, EAN or UPC: 8, 12, 13 or 14 digits")]
Currency = Annotated[
    str, form("^[A-Z]{3}" + END, "a currency by its three capital letters, such as EUR (ISO 4217)")
]
Name = Annotated[
    str,
    form("^[a-z0-9][a-z0-9_ -]{0,63}" + END, "a name in small letters, such as size or battery life"),
]
ImageUrl = Annotated[
    str,
    form(r"^https?://[^\s\u0000-\u001f\u007f\"<>\\^`{|}]+" + END, "an address that begins with https:// or http://",
         max_length=limits.URL_MAX_CHARS),
]  # fmt: skip
TaxClass = Annotated[str, form("^[a-z][a-z0-9_-]{0,31}" + END, "a tax class, such as standard or reduced")]
Title = Annotated[str, Meta(min_length=1, max_length=TITLE_MAX_CHARS)]
VariantTitle = Annotated[str, Meta(max_length=TITLE_MAX_CHARS)]
Description = Annotated[str, Meta(max_length=DESCRIPTION_MAX_CHARS)]
Words = Annotated[str, Meta(max_length=limits.TEXT_MAX_CHARS)]
Tag = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Tags = Annotated[tuple[Tag, ...], Meta(max_length=TAGS_MAX)]
Value = Annotated[str, Meta(min_length=1, max_length=VALUE_MAX_CHARS)]
Attributes = Annotated[dict[Name, Value], Meta(max_length=limits.PRODUCT_ATTRIBUTES_MAX)]
OptionValue = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_MAX_CHARS)]
Options = Annotated[dict[Name, OptionValue], Meta(max_length=limits.VARIANT_OPTIONS_MAX)]
Choices = Annotated[
    dict[Name, Annotated[tuple[OptionValue, ...], Meta(min_length=1, max_length=limits.OPTION_VALUES_MAX)]],
    Meta(min_length=1, max_length=limits.VARIANT_OPTIONS_MAX),
]
Money = Annotated[int, Meta(ge=0, le=limits.UNIT_PRICE_MAX_MINOR)]
Units = Annotated[int, Meta(ge=0, le=limits.STOCK_MAX)]
Grams = Annotated[int, Meta(ge=0, le=limits.WEIGHT_MAX_G)]
Categories = Annotated[tuple[Slug, ...], Meta(max_length=limits.PRODUCT_CATEGORIES_MAX)]
Moment = Annotated[datetime, Meta(tz=True)]


class PriceBody(Struct, forbid_unknown_fields=True, frozen=True):
    """What a unit costs, and what it cost before. Units: minor units of the currency it stands under."""

    amount: Money
    compare_at: Money | None = None


Prices = Annotated[dict[Currency, PriceBody], Meta(max_length=100)]


class ImageBody(Struct, forbid_unknown_fields=True, frozen=True):
    """A picture by address; nothing is fetched."""

    url: ImageUrl
    alt: Words = ""


Images = Annotated[tuple[ImageBody, ...], Meta(max_length=limits.PRODUCT_IMAGES_MAX)]


class VariantBody(Struct, forbid_unknown_fields=True, frozen=True):
    """One SKU. Without `sku` one is made from the options. `on_hand` is received once, when the SKU is new; afterwards stock
    has routes of its own. `archived`: kept for orders, and not sold."""

    sku: Sku | None = None
    prices: Prices = {}
    title: VariantTitle | None = None
    options: Options = {}
    barcode: Barcode | None = None
    weight_g: Grams = 0
    requires_shipping: bool = True
    on_hand: Units = 0
    backorder_limit: Units = 0
    archived: bool = False


class VariantChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What is to change of a variant; what is left out stays. `prices` are all of its prices, where given."""

    prices: Prices | UnsetType = UNSET
    title: VariantTitle | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    barcode: Barcode | UnsetType | None = UNSET
    weight_g: Grams | UnsetType = UNSET
    requires_shipping: bool | UnsetType = UNSET
    backorder_limit: Units | UnsetType = UNSET
    archived: bool | UnsetType = UNSET


class EachVariant(Struct, forbid_unknown_fields=True, frozen=True):
    """What variants made from options have in common. `sku_prefix`: what their SKUs begin with; without it the slug."""

    prices: Prices = {}
    weight_g: Grams = 0
    requires_shipping: bool = True
    on_hand: Units = 0
    backorder_limit: Units = 0
    sku_prefix: Sku | None = None

    def terms(self) -> VariantTerms:
        """The same, as the model has it."""
        return VariantTerms(
            _prices(self.prices), self.weight_g, self.requires_shipping, self.on_hand, self.backorder_limit
        )


Variants = Annotated[tuple[VariantBody, ...], Meta(min_length=1, max_length=VARIANTS_MAX)]


class NewVariants(Struct, forbid_unknown_fields=True, frozen=True):
    """Variants to add: each by itself, or `options`, of which every combination that is missing is made like `each`."""

    variants: Variants | None = None
    options: Choices | None = None
    each: EachVariant | None = None


class NewProduct(Struct, forbid_unknown_fields=True, frozen=True):
    """A product to make: with its `variants`, or `options` and what `each` variant of them is like. Without a slug one is
    made from the title. `owner_id` is an admin's to say; what a vendor makes is its own."""

    title: Title
    slug: Slug | None = None
    variants: Variants | None = None
    options: Choices | None = None
    each: EachVariant | None = None
    description: Description = ""
    vendor: Words = ""
    status: Literal["draft", "published"] = "draft"
    publish_at: Moment | None = None
    tags: Tags = ()
    attributes: Attributes = {}
    images: Images = ()
    tax_class: TaxClass = "standard"
    categories: Categories = ()
    owner_id: uuid.UUID | None = None


class WholeProduct(Struct, forbid_unknown_fields=True, frozen=True):
    """All that a product is. Variants that are not named go: those that were stocked or ordered are archived."""

    title: Title
    slug: Slug
    variants: Variants
    description: Description = ""
    vendor: Words = ""
    tags: Tags = ()
    attributes: Attributes = {}
    images: Images = ()
    tax_class: TaxClass = "standard"
    categories: Categories = ()


class ProductChange(Struct, forbid_unknown_fields=True, frozen=True):
    """What is to change; what is left out stays. Lists and objects are replaced whole; variants have routes of their own."""

    title: Title | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    vendor: Words | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    tax_class: TaxClass | UnsetType = UNSET
    categories: Categories | UnsetType = UNSET
    owner_id: uuid.UUID | UnsetType | None = UNSET


class PublishBody(Struct, forbid_unknown_fields=True, frozen=True):
    """When to publish; without `at`, now."""

    at: Moment | None = None


def moment(at: datetime, field: str) -> datetime:
    """The time, if every store can hold it. Raises: Invalid."""
    if not in_our_time(at):
        raise Invalid(f"{field}: a year from {limits.YEAR_MIN} to {limits.YEAR_MAX}", field=field)
    return at


def new_draft(body: NewProduct) -> ProductDraft:
    """The draft that the body spells. Raises: Invalid when there is no slug in it, or no variant."""
    slug = body.slug or slugify(body.title)
    if not slug:
        raise Invalid("slug: the title has no letters for one; give it", field="slug")
    if body.options is None:
        if body.variants is None:
            raise Invalid("variants: give them, or options to make them from", field="variants")
        variants = new_variants(slug, body.variants, ())
    elif body.variants is not None:
        raise Invalid("variants: give them or options, not both", field="variants")
    else:
        variants = variants_of(slug, body.options, body.each or EachVariant(), ())
    return ProductDraft(
        slug,
        body.title,
        tuple(variants),
        description=body.description,
        vendor=body.vendor,
        status=body.status,
        tags=body.tags,
        attributes=body.attributes,
        images=_images(body.images),
        tax_class=body.tax_class,
        categories=body.categories,
    )


def variants_of(
    slug: str, options: Mapping[str, Sequence[str]], each: EachVariant, existing: Sequence[VariantDraft]
) -> list[VariantDraft]:
    """The missing variants of these options. Raises: Invalid when there are too many, or a value twice."""
    count = 1
    for name, values in options.items():
        count *= len(values)
        if len(set(values)) != len(values):
            raise Invalid(f"options.{name}: a value is there twice", field=f"options.{name}")
    if count > VARIANTS_MAX:
        raise Invalid(f"options: {count} combinations; at most {VARIANTS_MAX} variants", field="options")
    return from_options(each.sku_prefix or slug, options, each.terms(), existing=existing)


def new_variants(
    slug: str, bodies: Sequence[VariantBody], existing: Sequence[VariantDraft]
) -> list[VariantDraft]:
    """The drafts that the bodies spell, SKUs made where none is given."""
    taken = {body.sku for body in bodies if body.sku is not None} | {variant.sku for variant in existing}
    made = []
    for body in bodies:
        sku = body.sku or new_sku(slug, body.options, taken)
        taken.add(sku)
        made.append(
            VariantDraft(
                sku,
                _prices(body.prices),
                title=title_of(body.options) if body.title is None else body.title,
                options=body.options,
                barcode=body.barcode,
                weight_g=body.weight_g,
                requires_shipping=body.requires_shipping,
                on_hand=body.on_hand,
                backorder_limit=body.backorder_limit,
                archived=body.archived,
            )
        )
    return made


def changed_variant(variant: VariantDraft, change: VariantChange) -> VariantDraft:
    """The variant with the change."""
    given = {name: getattr(change, name) for name in change.__struct_fields__}
    given = {name: value for name, value in given.items() if value is not UNSET}
    if "prices" in given:
        given["prices"] = _prices(given["prices"])
    return replace(variant, **given)


def changed_product(draft: ProductDraft, change: ProductChange) -> ProductDraft:
    """The product with the change; its owner is not a part of the draft."""
    given = {name: getattr(change, name) for name in change.__struct_fields__ if name != "owner_id"}
    given = {name: value for name, value in given.items() if value is not UNSET}
    if "images" in given:
        given["images"] = _images(given["images"])
    return replace(draft, **given)


def whole_draft(draft: ProductDraft, body: WholeProduct) -> ProductDraft:
    """The product as the body has it; its status stays."""
    return ProductDraft(
        body.slug,
        body.title,
        tuple(new_variants(body.slug, body.variants, ())),
        description=body.description,
        vendor=body.vendor,
        status=draft.status,
        tags=body.tags,
        attributes=body.attributes,
        images=_images(body.images),
        tax_class=body.tax_class,
        categories=body.categories,
    )


def _prices(bodies: Mapping[str, PriceBody]) -> dict[str, Price]:
    return {currency: Price(body.amount, body.compare_at) for currency, body in bodies.items()}


def _images(bodies: Sequence[ImageBody]) -> tuple[Image, ...]:
    return tuple(Image(body.url, body.alt) for body in bodies)
