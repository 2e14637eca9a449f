"""Read Shopify's product CSV: rows of one handle become one product; what is wrong with a row is said, not thrown.

Pure: text lines in, products and problems out, one product in memory at a time.
Source: https://help.shopify.com/en/manual/products/import-export/using-csv
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import Literal

import iso4217
from msgspec import Struct, field
from msgspec.structs import replace

from checkout.catalog import gtin, markup
from checkout.catalog.model import (
    ANY_QUANTITY,
    DESCRIPTION_MAX_CHARS,
    SKU,
    TAGS_MAX,
    TITLE_MAX_CHARS,
    Image,
    Price,
    ProductDraft,
    VariantDraft,
    slugify,
    variant_problems,
)
from checkout.errors import Invalid
from config import limits

REQUIRED = ("Handle", "Title", "Variant Price")
IMAGES_MAX = 250
_NO_OPTION = ("title", "default title")
Row = Mapping[str, str]


class RowProblem(Struct, frozen=True):
    """Something about one row. Shape: rows count from 1, the header being 1; an `error` leaves the row out."""

    row: int
    column: str
    message: str
    severity: Literal["error", "warning"] = "error"
    value: str = ""


class Parsed(Struct):
    """One product of the file, the category that its Type names, and how many rows it took."""

    product: ProductDraft | None
    first_row: int
    rows: int
    category: tuple[str, str] | None = None
    problems: list[RowProblem] = field(default_factory=list)


def parse(lines: Iterable[str], *, currency: str) -> Iterator[Parsed]:
    """The products of the file in order, each with the problems of its rows.

    Raises: Invalid when this is no such file (a needed column is missing, the CSV is broken, the currency unknown).
    """
    digits = _digits(currency)
    reader = csv.DictReader(lines, restval="", restkey="")
    missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
    if missing:
        raise Invalid(
            f"The file has no column {missing[0]!r}: it is not a Shopify product export.", field=missing[0]
        )
    reading = _Reading(currency, digits)
    group: list[tuple[int, Row]] = []
    number = 1
    try:
        for number, row in enumerate(reader, 2):  # the error message below names the row
            if not any(row.values()):
                continue
            if group and row["Handle"].strip() != group[0][1]["Handle"].strip():
                yield reading.product(group)
                group = []
            group.append((number, row))
    except csv.Error as error:
        raise Invalid(f"Row {number + 1} is not valid CSV: {error}", field="file") from None
    if group:
        yield reading.product(group)


def _digits(currency: str) -> int:
    try:
        exponent = iso4217.Currency(currency).exponent
    except ValueError:
        exponent = None
    if exponent is None:
        raise Invalid(f"{currency!r} is not a currency of ISO 4217.", field="currency")
    return exponent


class _Reading:
    """One file's reading: which handles and SKUs it has used."""

    def __init__(self, currency: str, digits: int) -> None:
        self.currency = currency
        self.digits = digits
        self.handles: set[str] = set()
        self.skus: set[str] = set()

    def product(self, group: list[tuple[int, Row]]) -> Parsed:
        first, head = group[0]
        parsed = Parsed(None, first, len(group))
        problems = parsed.problems
        handle = head["Handle"].strip()
        slug = slugify(handle)
        title = _text(head, "Title")
        if not slug:
            problems.append(RowProblem(first, "Handle", "is missing", value=handle))
            return parsed
        if slug in self.handles:
            problems.append(
                RowProblem(
                    first, "Handle", "came before: a product's rows must follow each other", value=handle
                )
            )
            return parsed
        self.handles.add(slug)
        if not title:
            problems.append(RowProblem(first, "Title", "is missing in the product's first row", value=handle))
            return parsed
        names = [_text(head, f"Option{n} Name").lower() for n in (1, 2, 3)]
        variants = [
            variant
            for number, row in group
            if _is_variant(row) and (variant := self._variant(number, row, slug, names, problems))
        ]
        if not variants:
            problems.append(
                RowProblem(first, "Variant Price", "no row of the product can be sold", value=handle)
            )
            return parsed
        kind = _text(head, "Type")
        parsed.category = (slugify(kind), kind) if slugify(kind) else None
        tags = tuple(dict.fromkeys(tag.strip() for tag in head.get("Tags", "").split(",") if tag.strip()))
        if len(tags) > TAGS_MAX:
            problems.append(RowProblem(first, "Tags", f"only the first {TAGS_MAX} are kept", "warning"))
        body = markup.clean(head.get("Body (HTML)", ""))
        if len(body) > DESCRIPTION_MAX_CHARS:
            problems.append(RowProblem(first, "Body (HTML)", "is too long and was left out", "warning"))
            body = ""
        parsed.product = ProductDraft(
            slug=slug,
            title=title[:TITLE_MAX_CHARS],
            description=body,
            vendor=_text(head, "Vendor"),
            status="published" if _is_published(head) else "draft",
            tags=tags[:TAGS_MAX],
            attributes=_attributes(head),
            images=_images(group, problems),
            tax_class="exempt" if _text(head, "Variant Taxable").lower() == "false" else "standard",
            categories=(parsed.category[0],) if parsed.category else (),
            variants=tuple(variants),
        )
        return parsed

    def _variant(
        self, number: int, row: Row, slug: str, names: list[str], problems: list[RowProblem]
    ) -> VariantDraft | None:
        price = self._money(number, row, "Variant Price", problems)
        if price is None:
            if not _text(row, "Variant Price"):
                problems.append(RowProblem(number, "Variant Price", "is missing"))
            return None
        compare_at = self._money(number, row, "Variant Compare At Price", problems, needed=False)
        values = [_text(row, f"Option{n} Value") for n in (1, 2, 3)]
        options = {
            name or f"option {n}": value
            for n, (name, value) in enumerate(zip(names, values, strict=True), 1)
            if value and (name, value.lower()) != _NO_OPTION
        }
        draft = VariantDraft(
            sku=self._sku(number, row, slug, list(options.values()), problems),
            title=" / ".join(options.values()),
            options=options,
            prices={self.currency: Price(price, compare_at)},
            barcode=_barcode(number, row, problems),
            weight_g=_number(number, row, "Variant Grams", limits.WEIGHT_MAX_G, problems),
            requires_shipping=_text(row, "Variant Requires Shipping").lower() != "false",
            on_hand=_number(number, row, "Variant Inventory Qty", limits.STOCK_MAX, problems),
            backorder_limit=ANY_QUANTITY
            if _text(row, "Variant Inventory Policy").lower() == "continue"
            else 0,
        )
        wrong = list(variant_problems(draft))
        problems += [RowProblem(number, name, message) for name, message in wrong]
        if wrong:
            return None
        self.skus.add(draft.sku)
        return draft

    def _money(
        self, number: int, row: Row, column: str, problems: list[RowProblem], *, needed: bool = True
    ) -> int | None:
        """Minor units, exactly; more digits than the currency has are an error, never rounded."""
        text = _text(row, column)
        if not text:
            return None
        try:
            scaled = Decimal(text).scaleb(self.digits)
            if scaled.is_finite() and scaled == int(scaled) and 0 <= scaled <= limits.UNIT_PRICE_MAX_MINOR:
                return int(scaled)
            message = f"is no amount of {self.currency} from 0 with {self.digits} decimal places"
        except (InvalidOperation, ValueError):
            message = "is not a number such as 12.90"
        problems.append(RowProblem(number, column, message, "error" if needed else "warning", text))
        return None

    def _sku(self, number: int, row: Row, slug: str, options: list[str], problems: list[RowProblem]) -> str:
        """The row's SKU if it can be one and is free; else one made from handle and options, the same at each import."""
        given = _text(row, "Variant SKU").removeprefix("'")
        if given:
            tidy = re.sub(r"[^A-Za-z0-9._/-]+", "-", given).strip("-._/")[: limits.SKU_MAX_CHARS]
            if SKU.match(tidy) and tidy not in self.skus:
                if tidy != given:
                    problems.append(
                        RowProblem(number, "Variant SKU", f"was written as {tidy}", "warning", given)
                    )
                return tidy
            problems.append(
                RowProblem(number, "Variant SKU", "is in use; one was made instead", "warning", given)
            )
        made = slugify("-".join([slug, *options])).upper()
        if len(made) > limits.SKU_MAX_CHARS or made in self.skus:
            mark = blake2b("\0".join([slug, *options, given]).encode(), digest_size=4).hexdigest().upper()
            made = f"{made[: limits.SKU_MAX_CHARS - 9]}-{mark}"
        return made


def _text(row: Row, column: str) -> str:
    return (row.get(column) or "").replace("\0", "").strip()


def _is_variant(row: Row) -> bool:
    return bool(_text(row, "Option1 Value") or _text(row, "Variant Price") or _text(row, "Variant SKU"))


def _is_published(row: Row) -> bool:
    status = _text(row, "Status").lower()
    return _text(row, "Published").lower() != "false" and status in ("", "active")


def _attributes(row: Row) -> dict[str, str]:
    columns = {"gender": "Google Shopping / Gender", "age group": "Google Shopping / Age Group"}
    return {name: _text(row, column) for name, column in columns.items() if _text(row, column)}


def _barcode(number: int, row: Row, problems: list[RowProblem]) -> str | None:
    given = _text(row, "Variant Barcode").removeprefix("'")
    if not given:
        return None
    if gtin.is_valid(given):
        return given
    problems.append(RowProblem(number, "Variant Barcode", "is not a GTIN and was left out", "warning", given))
    return None


def _number(number: int, row: Row, column: str, most: int, problems: list[RowProblem]) -> int:
    """A whole number from 0; blank is 0; what is none is 0 with a warning."""
    text = _text(row, column)
    if not text:
        return 0
    try:
        value = int(Decimal(text))
    except (InvalidOperation, ValueError, OverflowError):
        value = -1
    if not 0 <= value <= most:
        problems.append(
            RowProblem(number, column, f"is no number from 0 to {most}; taken as 0", "warning", text)
        )
        return 0
    return value


def _images(group: list[tuple[int, Row]], problems: list[RowProblem]) -> tuple[Image, ...]:
    """By position, each address once; the variants' own pictures after them."""
    found: list[tuple[int, Image]] = []
    for number, row in group:
        position = _number(number, row, "Image Position", IMAGES_MAX, problems) or IMAGES_MAX
        for column, place in (("Image Src", position), ("Variant Image", IMAGES_MAX + 1)):
            url = _text(row, column)
            if not url:
                continue
            if len(url) > limits.URL_MAX_CHARS or not re.match(r"^https?://\S+$", url):
                problems.append(
                    RowProblem(number, column, "is not an http(s) address; left out", "warning", url[:80])
                )
            else:
                found.append(
                    (place, Image(url, _text(row, "Image Alt Text") if column == "Image Src" else ""))
                )
    found.sort(key=lambda at: at[0])
    images: dict[str, Image] = {}
    for _, image in found:
        known = images.setdefault(image.url, image)
        if image.alt and not known.alt:
            images[image.url] = replace(known, alt=image.alt)
    return tuple(images.values())[:IMAGES_MAX]
