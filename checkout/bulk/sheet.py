"""The shop's own format: one row a variant; what is a product's stands in its first row, or in all of them.

Columns, of which only `slug` and `sku` are needed; what a file has no column for stays as it is:

| column | holds |
|---|---|
| `slug` | the product; blank: that of the row above |
| `title`, `description`, `vendor` | texts; the description may have simple HTML |
| `status` | draft, published or archived; blank: as it is, a new product is a draft |
| `tax_class` | standard, reduced, … as the tax table names them |
| `tags` | a list with commas |
| `categories` | a list of paths, each step its slug and, where it is to be made, its name: `home:Home > mugs:Mugs` |
| `images` | one a line: the address, a blank, what the picture shows |
| `attr.NAME` | an attribute; blank: the product has none of that name |
| `sku`, `variant_title`, `barcode`, `weight_g`, `requires_shipping` (yes or no) | the variant |
| `options` | a list of name=value: `size=M, colour=black` |
| `stock` | units counted; blank: left alone |
| `backorder_limit` | units that may be sold beyond the stock |
| `archived` | yes or no: kept for orders, and not sold; blank: as it is, a new variant is sold |
| `price_EUR`, `compare_at_EUR`, … | money in the currency's own unit: 19.90; a blank price is left alone |

How texts and lists are written: checkout/bulk/cells.py.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast, get_args

import orjson

from checkout.bulk import cells
from checkout.bulk.model import Group, Parsed, Path, Row, RowProblem, Stored
from checkout.bulk.records import SPOILED
from checkout.catalog import markup
from checkout.catalog.attributes import VALUE_MAX_CHARS
from checkout.catalog.model import (
    IMAGE_URL,
    SLUG,
    TITLE_MAX_CHARS,
    Image,
    Price,
    ProductDraft,
    Status,
    VariantDraft,
    problems,
)
from checkout.errors import Invalid
from config import limits

PRODUCT = ("slug", "title", "description", "vendor", "status", "tax_class", "tags", "categories", "images")
VARIANT = (
    "sku",
    "variant_title",
    "options",
    "barcode",
    "weight_g",
    "requires_shipping",
    "stock",
    "backorder_limit",
    "archived",
)
_ATTRIBUTE = "attr."
_PRICE = re.compile(r"(price|compare_at)_([A-Z]{3})")
_TAX_CLASS = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_STATUSES = get_args(Status)


def columns(currencies: Sequence[str], attributes: Sequence[str]) -> list[str]:
    """The header of a file with these currencies and attributes."""
    money = [f"{kind}_{currency}" for currency in currencies for kind in ("price", "compare_at")]
    return [*PRODUCT, *(_ATTRIBUTE + name for name in attributes), *VARIANT, *money]


def check(names: Sequence[str]) -> None:
    """Refuses a header that is not of this format. Raises: Invalid, naming the column."""
    for needed in ("slug", "sku"):
        if needed not in names:
            raise Invalid(
                f"The file has no column {needed!r}. If it comes from Shopify, say format=shopify.",
                field=needed,
            )
    for name in names:
        if names.count(name) > 1:
            raise Invalid(f"The column {name!r} is there twice.", field=name or "file")
        priced = _PRICE.fullmatch(name)
        if priced and cells.digits(priced[2]) is None:
            raise Invalid(f"{name}: {priced[2]} is not a currency of ISO 4217.", field=name)
        if not (priced or name in PRODUCT or name in VARIANT or _is_attribute(name)):
            near = get_close_matches(name, [*PRODUCT, *VARIANT], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise Invalid(f"There is no column {name!r}{hint}", field=name or "file")


def _is_attribute(name: str) -> bool:
    return name.startswith(_ATTRIBUTE) and 0 < len(name.removeprefix(_ATTRIBUTE)) <= limits.TEXT_MAX_CHARS


# --- A product as cells ---------------------------------------------------------------------------------


def stored(record: Any, paths: Mapping[Any, str]) -> Stored:
    """A row of bulk_products in the words of this format. Shape: `paths` by category id."""
    product = {
        "slug": cells.cell(record["slug"]),
        "title": cells.cell(record["title"]),
        "description": cells.cell(record["description"]),
        "vendor": cells.cell(record["vendor"]),
        "status": record["status"],
        "tax_class": cells.cell(record["tax_class"]),
        "tags": cells.join(cells.quote(tag) for tag in record["tags"]),
        "categories": cells.join(sorted(paths[at] for at in record["category_ids"] if at in paths)),
        "images": "\n".join(_image_line(image) for image in orjson.loads(record["images"])),
    }
    for name, value in orjson.loads(record["attributes"]).items():
        product[_ATTRIBUTE + name] = cells.cell(value) or "\\"
    return Stored(
        product, {found["sku"]: _variant_cells(found) for found in orjson.loads(record["variants"])}
    )


def step(slug: str, name: str) -> str:
    """A category as one step of a path."""
    return f"{cells.quote(slug)}:{cells.quote(name)}"


def _image_line(image: Mapping[str, str]) -> str:
    alt = image.get("alt", "").replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{image['url']} {alt}" if alt else image["url"]


def _variant_cells(found: Mapping[str, Any]) -> dict[str, str]:
    said = {
        "sku": found["sku"],
        "variant_title": cells.cell(found["title"]),
        "options": cells.join(
            f"{cells.quote(name)}={cells.quote(value)}" for name, value in found["options"].items()
        ),
        "barcode": found["barcode"] or "",
        "weight_g": str(found["weight_g"]),
        "requires_shipping": "yes" if found["requires_shipping"] else "no",
        "stock": str(found["on_hand"]),
        "backorder_limit": str(max(0, found["backorder_limit"])),
        "archived": "yes" if found["archived"] else "no",
    }
    for currency, (amount, compare_at) in found["prices"].items():
        places = cells.digits(currency) or 0
        said[f"price_{currency}"] = cells.money(amount, places)
        if compare_at is not None:
            said[f"compare_at_{currency}"] = cells.money(compare_at, places)
    return said


def rows(found: Stored, names: Sequence[str]) -> Iterator[list[str]]:
    """The rows of a product under this header: the product's own cells in the first, its slug in all."""
    product = found.product
    for variant in found.variants.values():
        yield [product.get(name) or variant.get(name, "") for name in names]
        product = {"slug": found.product["slug"]}


# --- Cells as a product ---------------------------------------------------------------------------------


class Reading:
    """Reads the products of one file.

    Shape: `names` is its header. Cost: about 60 µs a row.
    """

    key = "slug"
    blank_continues = True

    def __init__(self, names: Sequence[str]) -> None:
        check(names)
        self._attributes = [name for name in names if name.startswith(_ATTRIBUTE)]
        found = [match[2] for name in names if (match := _PRICE.fullmatch(name))]
        self._money = {currency: _money(currency) for currency in found}
        self._used: frozenset[str] = frozenset()

    def begin(self, used: Collection[str]) -> None:
        """A chunk begins; these SKUs of its rows came before in the file."""
        self._used = frozenset(used)

    @staticmethod
    def said(group: Group) -> tuple[str, list[str]]:
        """The slug and the SKUs that a product's rows name, before anything else of them is read."""
        return cells.text_of(group[0][1].get("slug", "")), [row.get("sku", "").strip() for _, row in group]

    def product(self, group: Group, known: Stored | None) -> Parsed:
        """The product of these rows; what the file has no column for is taken from what the shop has."""
        first, head = group[0]
        parsed = Parsed(None, first, len(group))
        said = parsed.problems
        said += [RowProblem(number, "", row[SPOILED]) for number, row in group if SPOILED in row]
        said += [RowProblem(number, name, message, value=row.get(name, "")[:80])
                 for number, row in group for name, message in self._unreadable(row)]  # fmt: skip
        slug = cells.text_of(head.get("slug", ""))
        if not slug:
            said.append(RowProblem(first, "slug", "is missing: give each product a slug, such as blue-mug"))
        elif known is None and not SLUG.match(slug):
            said.append(RowProblem(first, "slug", "is small letters, digits and single dashes", value=slug))
        for number, row in group[1:]:
            for name in (*PRODUCT[1:], *self._attributes):
                if row.get(name) and row[name] != head.get(name):
                    said.append(RowProblem(number, name, "differs from the product's first row: leave it blank there or"
                                           " repeat it", value=row[name][:80]))  # fmt: skip
        old = known.product if known else {}
        text = _cells(head, old)
        status = text("status").strip().lower() or old.get("status", "draft")
        if old.get("status") == "archived" and status in _STATUSES[:2]:
            message = "is archived, and stays so until an admin publishes it"
            said.append(RowProblem(first, "status", message, "warning", status))
        if status not in _STATUSES:
            said.append(RowProblem(first, "status", f"is one of {', '.join(_STATUSES)}", value=status[:80]))
            status = "draft"
        parsed.paths = tuple(_paths(text("categories"), first, said))
        attributes = {name: value for name, value in old.items() if name.startswith(_ATTRIBUTE)}
        attributes |= {name: head.get(name, "").strip() for name in self._attributes}
        draft = ProductDraft(
            slug=slug,
            title=cells.text_of(text("title")),
            description=_description(cells.text_of(text("description"))),
            vendor=cells.text_of(text("vendor")),
            status=cast(Status, status),
            tags=tuple(dict.fromkeys(tag for raw in cells.split(text("tags")) if (tag := cells.plain(raw)))),
            attributes={
                name.removeprefix(_ATTRIBUTE): cells.text_of(v) for name, v in attributes.items() if v
            },
            images=tuple(_images(text("images"), first, said)),
            tax_class=cells.text_of(text("tax_class")) or "standard",
            categories=tuple(dict.fromkeys(path[-1][0] for path in parsed.paths)),
            variants=tuple(self._variant(number, row, known, parsed) for number, row in group),
        )
        said += [RowProblem(number, name, message) for number, name, message in _beyond(draft, group)]
        for name, message in problems(draft):
            at = re.match(r"variants\[(\d+)\]\.(.*)", name)
            number, column = (group[int(at[1])][0], at[2]) if at else (first, name)
            said.append(RowProblem(number, column, message))
        parsed.product = draft
        return parsed

    @staticmethod
    def _unreadable(row: Row) -> Iterator[tuple[str, str]]:
        whole = "".join(row.values())
        if whole.isascii() and "\0" not in whole:
            return
        for name, value in row.items():
            if name == SPOILED:
                continue
            if "\0" in value:
                yield name, "holds a NUL character"
            if any("\ud800" <= char <= "\udfff" for char in value):
                yield name, "is not UTF-8: save the file as CSV UTF-8"

    def _variant(self, number: int, row: Row, known: Stored | None, parsed: Parsed) -> VariantDraft:
        sku = row.get("sku", "").strip()
        if sku in self._used:
            parsed.problems.append(RowProblem(number, "sku", "came before in this file", value=sku))
        old = known.variants.get(sku, {}) if known else {}
        text = _cells(row, old)
        said = parsed.problems

        def take(name: str, read: Any, blank: Any) -> Any:
            given = text(name)
            if not given or given.isspace():
                return blank
            try:
                return read(given)
            except ValueError as error:
                said.append(RowProblem(number, name, str(error), value=given[:80]))
                return blank

        if row.get("stock", "").strip():
            parsed.stock[sku] = take("stock", _units, 0)
        prices = {}
        for currency, money in self._money.items():
            amount = take(f"price_{currency}", money, None)
            compare_at = take(f"compare_at_{currency}", money, None)
            if amount is not None:
                prices[currency] = Price(amount, compare_at)
            elif compare_at is not None:
                message = f"needs a price_{currency} beside it"
                said.append(RowProblem(number, f"compare_at_{currency}", message))
        return VariantDraft(
            sku=sku,
            title=cells.text_of(text("variant_title")),
            options=_options(text("options"), number, said),
            prices=prices,
            barcode=text("barcode").strip().removeprefix("'") or None,
            weight_g=take("weight_g", _grams, 0),
            requires_shipping=take("requires_shipping", cells.truth, True),
            on_hand=parsed.stock.get(sku, 0),
            backorder_limit=take("backorder_limit", _units, 0),
            archived=take("archived", cells.truth, old.get("archived") == "yes"),
        )


def _beyond(draft: ProductDraft, group: Group) -> Iterator[tuple[int, str, str]]:
    """(row, column, message) of what a document of the API could not say either."""
    first, most = group[0][0], limits.TEXT_MAX_CHARS
    if len(draft.vendor) > most:
        yield first, "vendor", f"has at most {most} characters"
    if any(len(tag) > most for tag in draft.tags):
        yield first, "tags", f"have at most {most} characters each"
    if not _TAX_CLASS.fullmatch(draft.tax_class):
        yield first, "tax_class", "is small letters, digits, - and _, such as standard"
    if len(draft.categories) > limits.PRODUCT_CATEGORIES_MAX:
        yield first, "categories", f"are at most {limits.PRODUCT_CATEGORIES_MAX}"
    if len(draft.attributes) > limits.PRODUCT_ATTRIBUTES_MAX:
        yield first, "attr.", f"are at most {limits.PRODUCT_ATTRIBUTES_MAX}"
    for name, value in draft.attributes.items():
        if len(value) > VALUE_MAX_CHARS:
            yield first, _ATTRIBUTE + name, f"has at most {VALUE_MAX_CHARS} characters"
    for (number, _), variant in zip(group, draft.variants, strict=True):
        if len(variant.title) > TITLE_MAX_CHARS:
            yield number, "variant_title", f"has at most {TITLE_MAX_CHARS} characters"
        options = variant.options
        if len(options) > limits.VARIANT_OPTIONS_MAX or any(
            len(part) > most for pair in options.items() for part in pair
        ):
            yield (
                number,
                "options",
                f"are at most {limits.VARIANT_OPTIONS_MAX}, with at most {most} characters each",
            )


def _cells(row: Row, old: Mapping[str, str]) -> Any:
    """A cell by name: the row's, which has one for each column of the file, else the shop's."""
    both = {**old, **row} if old else row
    return lambda name: both.get(name, "")


def _money(currency: str) -> Any:
    places = cells.digits(currency) or 0
    return lambda given: cells.minor(given, currency, places)


def _units(given: str) -> int:
    return cells.whole(given, limits.STOCK_MAX)


def _grams(given: str) -> int:
    return cells.whole(given, limits.WEIGHT_MAX_G)


def _description(text: str) -> str:
    """Texts with tags are cleaned; others stand as they are."""
    return markup.clean(text) if "<" in text else text


def _options(given: str, number: int, said: list[RowProblem]) -> dict[str, str]:
    options: dict[str, str] = {}
    for item in cells.split(given):
        name, *value = cells.split(item, "=")
        if len(value) != 1 or not cells.plain(name):
            said.append(
                RowProblem(
                    number,
                    "options",
                    "is a list such as size=M, colour=black; quote = and , by \\",
                    value=item[:80],
                )
            )
        else:
            options[cells.plain(name)] = cells.plain(value[0])
    return options


def _paths(given: str, number: int, said: list[RowProblem]) -> Iterator[Path]:
    for item in cells.split(given):
        path = []
        for step in cells.split(item, ">"):
            slug, *name = cells.split(step, ":") or [""]
            path.append((cells.plain(slug), cells.plain(":".join(name))))
        if all(SLUG.match(slug) and len(slug) <= limits.TEXT_MAX_CHARS for slug, _ in path):
            yield tuple(path)
        else:
            message = "is a list of paths of slugs such as home > mugs, or home:Home > mugs:Mugs"
            said.append(RowProblem(number, "categories", message, value=item[:80]))


def _images(given: str, number: int, said: list[RowProblem]) -> Iterator[Image]:
    lines = [line.strip() for line in given.split("\n") if line.strip()]
    if len(lines) > limits.PRODUCT_IMAGES_MAX:
        said.append(RowProblem(number, "images", f"are at most {limits.PRODUCT_IMAGES_MAX}"))
    for line in lines[: limits.PRODUCT_IMAGES_MAX]:
        url, _, alt = line.partition(" ")
        if len(alt) > limits.TEXT_MAX_CHARS:
            said.append(
                RowProblem(number, "images", f"say what they show in {limits.TEXT_MAX_CHARS} characters")
            )
        if len(url) > limits.URL_MAX_CHARS or not IMAGE_URL.fullmatch(url):
            message = "is not an http(s) address, one a line"
            said.append(RowProblem(number, "images", message, value=url[:80]))
        else:
            yield Image(url, cells.plain(alt))
