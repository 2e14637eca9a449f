"""Shopify's product CSV: rows of one handle become one product; what is wrong with a row is said, not thrown.

Source: https://help.shopify.com/en/manual/products/import-export/using-csv
"""

import re
from collections.abc import Collection, Sequence
from hashlib import blake2b

from msgspec.structs import replace

from checkout.bulk import cells
from checkout.bulk.model import Group, Parsed, Row, RowProblem, Stored
from checkout.bulk.records import SPOILED
from checkout.catalog import gtin, markup
from checkout.catalog.model import (
    ANY_QUANTITY,
    DESCRIPTION_MAX_CHARS,
    IMAGE_URL,
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
_GRAMS = re.compile(r"-?[0-9]{1,15}(\.[0-9]{0,15})?")


def check(names: Sequence[str], currency: str) -> None:
    """Refuses a header that is not Shopify's, and a currency that is none. Raises: Invalid."""
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise Invalid(
            f"The file has no column {missing[0]!r}: it is not a Shopify product export.", field="file"
        )
    if cells.digits(currency) is None:
        raise Invalid(f"{currency!r} is not a currency of ISO 4217.", field="currency")


class Reading:
    """Reads the products of one file. Shape: `names` is its header, `currency` that of its prices."""

    key = "Handle"
    blank_continues = False

    def __init__(self, names: Sequence[str], currency: str) -> None:
        check(names, currency)
        self.currency = currency
        self.digits = cells.digits(currency) or 0
        self.skus: set[str] = set()

    def begin(self, used: Collection[str]) -> None:
        """A chunk begins; these SKUs of its rows came before in the file."""
        self.skus = set(used)

    @staticmethod
    def said(group: Group) -> tuple[str, list[str]]:
        """The slug and the SKUs that a product's rows name, before anything else of them is read."""
        return slugify(group[0][1]["Handle"]), [sku for _, row in group if (sku := _tidy(_given_sku(row)))]

    def product(self, group: Group, known: Stored | None) -> Parsed:
        """The product of these rows. What the shop has does not matter: a file of Shopify's says everything."""
        first, head = group[0]
        parsed = Parsed(None, first, len(group))
        problems = parsed.problems
        problems += [RowProblem(number, "", row[SPOILED]) for number, row in group if SPOILED in row]
        problems += [
            RowProblem(number, name, "is not UTF-8: save the file as CSV UTF-8")
            for number, row in group
            for name, value in row.items()
            if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)
        ]
        handle = head["Handle"].strip()
        slug = slugify(handle)
        title = _text(head, "Title")
        if not slug:
            problems.append(RowProblem(first, "Handle", "is missing", value=handle[:80]))
            return parsed
        if not title:
            problems.append(
                RowProblem(first, "Title", "is missing in the product's first row", value=handle[:80])
            )
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
        parsed.paths = (((slugify(kind), kind[: limits.TEXT_MAX_CHARS]),),) if slugify(kind) else ()
        given = [tag.strip()[: limits.TEXT_MAX_CHARS] for tag in _text(head, "Tags").split(",")]
        tags = tuple(tag for tag in dict.fromkeys(given) if tag)
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
            vendor=_text(head, "Vendor")[: limits.TEXT_MAX_CHARS],
            status="published" if _is_published(head) else "draft",
            tags=tags[:TAGS_MAX],
            attributes=_attributes(head),
            images=_images(group, problems),
            tax_class="exempt" if _text(head, "Variant Taxable").lower() == "false" else "standard",
            categories=tuple(path[-1][0] for path in parsed.paths),
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
        values = [_text(row, f"Option{n} Value")[: limits.TEXT_MAX_CHARS] for n in (1, 2, 3)]
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
            return cells.minor(text, self.currency, self.digits)
        except ValueError as error:
            problems.append(
                RowProblem(number, column, str(error), "error" if needed else "warning", text[:80])
            )
            return None

    def _sku(self, number: int, row: Row, slug: str, options: list[str], problems: list[RowProblem]) -> str:
        """The row's SKU if it can be one and is free; else one made from handle and options, the same at each import."""
        given = _given_sku(row)
        if given:
            tidy = _tidy(given)
            if SKU.match(tidy) and tidy not in self.skus:
                if tidy != given:
                    problems.append(
                        RowProblem(number, "Variant SKU", f"was written as {tidy}", "warning", given[:80])
                    )
                return tidy
            problems.append(
                RowProblem(number, "Variant SKU", "is in use; one was made instead", "warning", given[:80])
            )
        made = slugify("-".join([slug, *options])).upper()
        if len(made) > limits.SKU_MAX_CHARS or made in self.skus:
            mark = blake2b("\0".join([slug, *options, given]).encode(), digest_size=4).hexdigest().upper()
            made = f"{made[: limits.SKU_MAX_CHARS - 9]}-{mark}"
        return made


def _text(row: Row, column: str) -> str:
    return (row.get(column) or "").replace("\0", "").strip()


def _given_sku(row: Row) -> str:
    return _text(row, "Variant SKU").removeprefix("'")


def _tidy(given: str) -> str:
    return re.sub(r"[^A-Za-z0-9._/-]+", "-", given).strip("-._/")[: limits.SKU_MAX_CHARS]


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
    value = int(text.split(".")[0] or 0) if _GRAMS.fullmatch(text) else -1
    if not 0 <= value <= most:
        message = f"is no number from 0 to {most}; taken as 0"
        problems.append(RowProblem(number, column, message, "warning", text[:80]))
        return 0
    return value


def _images(group: Group, problems: list[RowProblem]) -> tuple[Image, ...]:
    """By position, each address once; the variants' own pictures after them."""
    found: list[tuple[int, Image]] = []
    for number, row in group:
        position = _number(number, row, "Image Position", IMAGES_MAX, problems) or IMAGES_MAX
        for column, place in (("Image Src", position), ("Variant Image", IMAGES_MAX + 1)):
            url = _text(row, column)
            if not url:
                continue
            if len(url) > limits.URL_MAX_CHARS or not IMAGE_URL.fullmatch(url):
                problems.append(
                    RowProblem(number, column, "is not an http(s) address; left out", "warning", url[:80])
                )
            else:
                alt = _text(row, "Image Alt Text")[: limits.TEXT_MAX_CHARS]
                found.append((place, Image(url, alt if column == "Image Src" else "")))
    found.sort(key=lambda at: at[0])
    images: dict[str, Image] = {}
    for _, image in found:
        known = images.setdefault(image.url, image)
        if image.alt and not known.alt:
            images[image.url] = replace(known, alt=image.alt)
    if len(images) > limits.PRODUCT_IMAGES_MAX:
        message = f"only the first {limits.PRODUCT_IMAGES_MAX} pictures are kept"
        problems.append(RowProblem(group[0][0], "Image Src", message, "warning"))
    return tuple(images.values())[: limits.PRODUCT_IMAGES_MAX]
